//! Answers that say no: problem+json (RFC 9457) for REST, the GraphQL shape for `/graphql`.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::ctx::RequestId;
use crate::error::{Code, Refused};

/// Media type of problem details.
const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, as RFC 9457 writes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// HTTP status, repeated.
    status: u16,
    /// Name of the status.
    title: String,
    /// What went wrong, for a person.
    detail: String,
    /// What went wrong, for a program.
    code: &'static str,
    /// Finds the request in the log.
    request_id: String,
}

/// The request id of a request that came through the frame.
pub(crate) fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned()).unwrap_or_default()
}

/// A refusal as problem+json.
pub(crate) fn problem(refused: Refused, request_id: &str) -> HttpResponse {
    let Refused { status, code, message } = refused;
    let body = Problem {
        status: status.as_u16(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        detail: message,
        code: code.as_str(),
        request_id: request_id.to_owned(),
    };
    let text = serde_json::to_string(&body).unwrap_or_default();
    HttpResponse::build(status).content_type(PROBLEM_JSON).body(text)
}

/// A refusal in the shape of a GraphQL answer.
pub(crate) fn graphql(refused: Refused, request_id: &str) -> HttpResponse {
    let status = refused.status;
    HttpResponse::build(status).json(refused.into_response(request_id))
}

/// 404 for everything that is nowhere.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    let refused =
        Refused::new(StatusCode::NOT_FOUND, Code::NotFound, "there is nothing at this address");
    problem(refused, &request_id(&request))
}

/// 405 for an address that answers other methods.
pub(crate) async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    let message = "this address does not answer that method";
    let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, Code::Invalid, message);
    problem(refused, &request_id(&request))
}
