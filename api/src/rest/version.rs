//! `/api/v1/version`.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// Name of the product.
    name: &'static str,
    /// Its version (semantic versioning).
    version: &'static str,
}

/// What runs here.
#[utoipa::path(get, path = "/api/v1/version", tag = "meta", responses(
    (status = 200, description = "The version", body = Version),
))]
pub(crate) async fn version() -> HttpResponse {
    HttpResponse::Ok().json(Version { name: "patchbay", version: env!("CARGO_PKG_VERSION") })
}
