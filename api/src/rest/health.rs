//! `/health/live` and `/health/ready`: for load balancers and orchestrators, open to all, telling nothing but up or down.

use std::time::Duration;

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::server::State;

/// A part that does not answer in this time is down.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which parts answer.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the shape of the answer: one flag for each part"
)]
pub(crate) struct Readiness {
    /// Whether requests can be served.
    ready: bool,
    /// The truth is kept here: needed.
    database: bool,
    /// Rings the workers: needed.
    queue: bool,
    /// Only makes things faster: not needed to be ready.
    cache: bool,
}

/// Whether the process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 204, description = "The process runs")))]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// Whether the process can serve, and which part is down.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "Requests can be served", body = Readiness),
    (status = 503, description = "A needed part is down", body = Readiness),
))]
pub(crate) async fn ready(state: Data<State>) -> HttpResponse {
    let found = tokio::time::timeout(PATIENCE, state.control.health()).await;
    let readiness = match found {
        Ok(health) => Readiness {
            ready: health.database && health.queue,
            database: health.database,
            queue: health.queue,
            cache: health.cache,
        },
        Err(_) => Readiness { ready: false, database: false, queue: false, cache: false },
    };
    if readiness.ready {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}
