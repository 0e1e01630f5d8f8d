//! The dialects' part of the OpenAPI document.

use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{
    Components, Content, Info, Object, OpenApi, PathItem, Paths, Ref, RefOr, Required, Response, Schema, Type,
};

use crate::consumers::endpoints;
use crate::endpoint::Schemas;

/// Describes all [`endpoints`].
pub fn document() -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    for endpoint in endpoints() {
        let body = (endpoint.schema)(&mut schemas);
        for path in endpoint.paths {
            let operation = operation(endpoint.summary, body.clone());
            paths.paths.insert((*path).to_owned(), PathItem::new(HttpMethod::Post, operation));
        }
    }
    let mut document = OpenApi::new(Info::new("Rewarden", ""), paths);
    let mut components = Components::new();
    components.schemas.extend(schemas);
    document.components = Some(components);
    document
}

fn operation(summary: &str, body: RefOr<Schema>) -> Operation {
    let json = || Content::builder().schema(Some(Schema::Object(Object::new()))).build();
    let problem = || Content::new(Some(RefOr::Ref(Ref::from_schema_name("ProblemDocument"))));
    let failed = |description: &str| {
        Response::builder().description(description).content("application/problem+json", problem()).build()
    };
    let in_url = |name: &str, description: &str, schema: Type| {
        Parameter::builder()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(Object::builder().schema_type(schema)))
            .build()
    };
    Operation::builder()
        .tag("dialects")
        .summary(Some(summary))
        .description(Some("See docs/dialects.md."))
        .parameter(in_url("pack", "The pack", Type::String))
        .parameter(in_url("chat_format", "The configured chat format of the texts", Type::String))
        .request_body(Some(
            RequestBody::builder()
                .content("application/json", Content::new(Some(body)))
                .required(Some(Required::True))
                .build(),
        ))
        .response(
            "200",
            Response::builder().description("The consumer's own format").content("application/json", json()).build(),
        )
        .response("4XX", failed("The request cannot be taken, or there is no reward"))
        .response("5XX", failed("The server cannot answer now"))
        .build()
}
