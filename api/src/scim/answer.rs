//! Answers of the SCIM door (RFC 7644 sections 3.1 and 3.12).

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{ETAG, IF_NONE_MATCH, LOCATION, WWW_AUTHENTICATE},
    },
};
use control::scim::{Resource, Schema, ScimError, Selection};
use serde_json::{Value, json};

use crate::error;

const MEDIA_TYPE: &str = "application/scim+json";

/// A body.
pub(super) fn body(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type(MEDIA_TYPE).body(body.to_string())
}

/// A resource with its version and, when it is new, its address.
pub(super) fn resource(
    status: StatusCode,
    schema: &'static Schema,
    resource: Resource,
    selection: &Selection,
) -> HttpResponse {
    let mut answer: HttpResponseBuilder = HttpResponse::build(status);
    answer.content_type(MEDIA_TYPE);
    answer.insert_header((ETAG, format!("W/\"{}\"", resource.version)));
    if let Some(location) = resource.json["meta"]["location"].as_str() {
        answer.insert_header((LOCATION, location));
    }
    answer.body(selection.of(schema, resource.json).to_string())
}

/// A resource that was asked for: nothing again when the client has this version.
pub(super) fn read(
    request: &HttpRequest,
    schema: &'static Schema,
    found: Resource,
    selection: &Selection,
) -> HttpResponse {
    if let Ok(Some(known)) = super::version_in(request, IF_NONE_MATCH)
        && known == found.version
    {
        let tag = format!("W/\"{known}\"");
        return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
    }
    resource(StatusCode::OK, schema, found, selection)
}

/// Why a request was not carried out. What is our fault is logged and not told.
pub(super) fn refusal(refused: &ScimError, request_id: &str) -> HttpResponse {
    let (status, kind) = match refused {
        ScimError::Bad { kind, .. } => (StatusCode::BAD_REQUEST, Some(kind.as_str())),
        ScimError::Uniqueness { .. } => (StatusCode::CONFLICT, Some("uniqueness")),
        ScimError::NotFound => (StatusCode::NOT_FOUND, None),
        ScimError::Stale => (StatusCode::PRECONDITION_FAILED, None),
        ScimError::LastOwner => (StatusCode::FORBIDDEN, None),
        ScimError::Unauthenticated => (StatusCode::UNAUTHORIZED, None),
        ScimError::Failed(error) => {
            let told = error::refused(error, request_id);
            return said(told.status, None, &told.message);
        }
    };
    said(status, kind, &refused.to_string())
}

fn said(status: StatusCode, kind: Option<&str>, detail: &str) -> HttpResponse {
    let mut answer = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_u16().to_string(),
        "detail": detail,
    });
    if let Some(kind) = kind {
        answer["scimType"] = Value::String(kind.to_owned());
    }
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    response.content_type(MEDIA_TYPE).body(answer.to_string())
}

/// 405 for an address that answers other methods.
pub(super) async fn method_not_allowed() -> HttpResponse {
    said(StatusCode::METHOD_NOT_ALLOWED, None, "this address does not answer that method")
}

/// 404 for an address that is none.
pub(super) async fn nowhere() -> HttpResponse {
    said(StatusCode::NOT_FOUND, None, "there is nothing at this address")
}
