//! What is live: packs and models.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rewarden_dialects::PackLabel;
use rewarden_types::Identity;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::state::App;
use crate::judging::RecentReward;
use crate::live::PackVersion;

/// The live packs.
#[derive(Serialize, ToSchema)]
pub(crate) struct PacksBody {
    packs: Vec<PackBody>,
}

/// One live pack.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackBody {
    #[serde(flatten)]
    label: PackLabel,
    /// The manifest's description.
    description: String,
    /// Whether requests that name no pack get this one.
    default: bool,
    /// Whether it asks a model; else it scores by rule alone.
    asks_model: bool,
    /// Whether it has a meta RM.
    rates_samples: bool,
    /// Scale of its samples' scores.
    #[schema(value_type = Object)]
    scale: Value,
    /// How it samples: temperature, top_p, max_tokens.
    #[schema(value_type = Object)]
    sampling: Value,
    /// Its parts with their configurations.
    parts: Vec<PartBody>,
    /// What a request may set.
    settable: Vec<String>,
    /// The pack whose scores are compared with its own, never paid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<String>,
}

/// A component with its configuration.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartBody {
    /// As in `set`: `template`, `parser`, `policy`, `meta.template`, `meta.parser`, `scorers.NAME`.
    part: String,
    /// What the component calls itself.
    name: String,
    /// Its own version.
    version: String,
    /// One sentence.
    purpose: String,
    /// SHA-256 of the component.
    digest: String,
    /// The configuration in force.
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// JSON Schema of the configuration.
    #[schema(value_type = Object)]
    schema: Value,
}

/// The live packs with their versions, digests, parts and configuration schemas.
#[utoipa::path(get, path = "/v1/packs", tag = "packs", responses((status = 200, description = "The live packs", body = PacksBody)))]
pub(crate) async fn packs(State(app): State<Arc<App>>) -> Json<PacksBody> {
    let roster = app.service.registry.snapshot();
    let body =
        |(name, version): (&String, &Arc<PackVersion>)| pack(version, roster.default.as_ref() == Some(name), &app);
    Json(PacksBody { packs: roster.packs.iter().map(body).collect() })
}

fn pack(version: &PackVersion, default: bool, app: &App) -> PackBody {
    let pack = version.pack();
    let mut parts = Vec::new();
    for (part, has) in pack.parts() {
        let about = has.about();
        parts.push(PartBody {
            part: part.to_string(),
            name: about.name.clone(),
            version: about.version.clone(),
            purpose: about.purpose.clone(),
            digest: has.plugin.digest().to_string(),
            config: has.config.clone(),
            schema: about.config_schema.clone(),
        });
    }
    let provenance = version.judge.provenance();
    let allowed = app.limits.allow_set.iter();
    let settable = allowed
        .filter(|(part, key)| pack.parts().iter().any(|(name, has)| name == part && has.options().contains_key(key)));
    PackBody {
        label: version.label.clone(),
        description: pack.description.clone(),
        default,
        asks_model: version.judge.asks_a_model(),
        rates_samples: pack.meta.is_some(),
        scale: serde_json::to_value(provenance.strategy.scale).unwrap_or_default(),
        sampling: serde_json::to_value(provenance.drawn.sampling).unwrap_or_default(),
        parts,
        settable: settable.map(|(part, key)| format!("{part}.{key}")).collect(),
        shadow: app.shadows.get(&version.label.name).cloned(),
    }
}

/// The models, in the form of OpenAI's list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelsBody {
    /// `list`
    object: &'static str,
    data: Vec<ModelBody>,
    /// The packs, as servers of decision models list what they offer.
    models: Vec<DecisionBody>,
}

/// A pack as a decision model: `/v1/systemone?pack=NAME`.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    name: String,
    description: String,
    /// Always empty: packs have versions, not dates.
    release_date: String,
}

/// One model.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelBody {
    id: String,
    /// `model`
    object: &'static str,
    /// `rewarden`
    owned_by: &'static str,
    /// `judge`, or `meta` for what rates its samples.
    role: &'static str,
    /// Backend, file, digest, device or endpoint.
    #[schema(value_type = Object)]
    identity: Identity,
}

/// What judges and what rates.
#[utoipa::path(get, path = "/v1/models", tag = "packs", responses((status = 200, description = "The models", body = ModelsBody)))]
pub(crate) async fn models(State(app): State<Arc<App>>) -> Json<ModelsBody> {
    let models = [("judge", &app.models.judge), ("meta", &app.models.meta)];
    let mut data = Vec::new();
    for (role, model) in models {
        let Some(model) = model else { continue };
        let identity = model.identity().clone();
        data.push(ModelBody { id: identity.model.clone(), object: "model", owned_by: "rewarden", role, identity });
    }
    let roster = app.service.registry.snapshot();
    let model = |(name, version): (&String, &Arc<PackVersion>)| DecisionBody {
        name: name.clone(),
        description: version.pack().description.clone(),
        release_date: String::new(),
    };
    Json(ModelsBody { object: "list", data, models: roster.packs.iter().map(model).collect() })
}

/// The latest rewards.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecentBody {
    /// The latest first.
    rewards: Vec<RecentReward>,
}

/// The latest hundred rewards, without their texts.
#[utoipa::path(get, path = "/v1/recent", tag = "rewards", responses((status = 200, description = "The latest rewards", body = RecentBody)))]
pub(crate) async fn recent(State(app): State<Arc<App>>) -> Json<RecentBody> {
    Json(RecentBody { rewards: app.service.executor.recent.latest() })
}
