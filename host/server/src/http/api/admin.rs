//! `/admin/packs/{name}`: uploads and removals of packs.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};
use rewarden_dialects::{PackLabel, Problem, ProblemKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::extract::{Segment, unread};
use crate::http::refusal::ProblemResponse;
use crate::http::state::App;
use crate::live::PackChange;

/// A tar archive.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "read by the schema alone")]
pub(crate) struct TarArchive(Vec<u8>);

/// What an upload did.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadBody {
    /// What is live now.
    pack: PackLabel,
    /// `added`, `swapped`, or `same` when this very version was live already.
    change: &'static str,
    /// What was live before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<PackLabel>,
    /// Whether it is kept in the pack directory, and live again after a restart.
    kept: bool,
}

/// What a removal did.
#[derive(Serialize, ToSchema)]
pub(crate) struct RemovalBody {
    /// What was live.
    removed: PackLabel,
}

/// Hand in a pack: a tar archive of its directory.
///
/// The archive holds `pack.toml` and the components beside it, or one directory with them; regular files and directories only.
/// The pack is loaded, checked and tried out before it becomes live, and what was live stays so if it is refused. Requests in
/// flight finish on the version that they began with.
#[utoipa::path(
    post, path = "/admin/packs/{name}", tag = "admin",
    params(("name" = String, Path, description = "The pack's name, as in its pack.toml")),
    request_body(content = TarArchive, content_type = "application/x-tar"),
    responses(
        (status = 200, description = "It is live", body = UploadBody),
        (status = 422, description = "It cannot be used; nothing has changed", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
        (status = "4XX", description = "The request cannot be taken", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Segment(name): Segment,
    headers: HeaderMap,
    archive: Result<Bytes, BytesRejection>,
) -> Result<Json<UploadBody>, ProblemResponse> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !found.is_some_and(|found| found.eq_ignore_ascii_case("application/x-tar")) {
        let found = found.map_or("none".to_owned(), |found| format!("`{found}`"));
        let detail =
            format!("expected content-type `application/x-tar` (tar -cf - -C PACK . makes one), found {found}");
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail).into());
    }
    let archive = archive.map_err(|error| unread(&error))?;
    // Goes on if the client leaves, since half an upload is worse than either end.
    let packs = app.packs.clone();
    let uploading = tokio::spawn(async move { packs.upload(name, archive).await });
    let (pack, change, kept) = uploading
        .await
        .unwrap_or_else(|error| Err(Problem::new(ProblemKind::Internal, format!("the upload was lost: {error}"))))?;
    let (change, before) = match change {
        PackChange::Added => ("added", None),
        PackChange::Swapped(before) => ("swapped", Some(before)),
        PackChange::Same => ("same", None),
    };
    Ok(Json(UploadBody { pack, change, before, kept }))
}

/// Take a pack out of service. Requests in flight finish. One in the pack directory is deleted there.
#[utoipa::path(
    delete, path = "/admin/packs/{name}", tag = "admin",
    params(("name" = String, Path, description = "A live pack")),
    responses(
        (status = 200, description = "It is no longer live", body = RemovalBody),
        (status = "4XX", description = "No such pack, or not allowed", body = crate::http::wire::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Segment(name): Segment,
) -> Result<Json<RemovalBody>, ProblemResponse> {
    let removed = app.packs.remove(&name).await?;
    Ok(Json(RemovalBody { removed }))
}
