//! `/Users`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Json, Path},
};
use control::scim::{Selection, USERS};
use serde_json::Value;

use super::{Search, answer, answered, asked, expected};
use crate::http::server::State;

/// Organisation and id.
type Named = Path<(String, String)>;

/// Users that match.
#[utoipa::path(get, path = "/scim/v2/{organisation}/Users", tag = "scim", operation_id = "scim_list_users",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("filter" = Option<String>, Query, description = "RFC 7644 section 3.4.2.2"), ("startIndex" = Option<i64>, Query, description = "From 1"), ("count" = Option<i64>, Query, description = "At most 200"), ("attributes" = Option<String>, Query, description = "Only these"), ("excludedAttributes" = Option<String>, Query, description = "All but these")),
    responses((status = 200, description = "A part of the list"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn list(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answered(&request, &state, async |who| {
        let (query, selection) = asked(&request)?;
        let found = state.control.scim_list_users(who, &query).await?;
        Ok(answer::body(StatusCode::OK, &found.json(&USERS, &selection)))
    })
    .await
}

/// Users that match, asked for by a body.
#[utoipa::path(post, path = "/scim/v2/{organisation}/Users/.search", tag = "scim", operation_id = "scim_search_users",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    request_body(content = serde_json::Value, content_type = "application/scim+json"),
    responses((status = 200, description = "A part of the list"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn search(
    request: HttpRequest,
    state: Data<State>,
    body: Json<Value>,
) -> HttpResponse {
    answered(&request, &state, async |who| {
        let (query, selection) = Search::read(body.into_inner())?;
        let found = state.control.scim_list_users(who, &query).await?;
        Ok(answer::body(StatusCode::OK, &found.json(&USERS, &selection)))
    })
    .await
}

/// One of the users.
#[utoipa::path(get, path = "/scim/v2/{organisation}/Users/{id}", tag = "scim", operation_id = "scim_get_users",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the resource")),
    responses((status = 200, description = "The resource"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation"), (status = 404, description = "There is nothing by that id")),
)]
pub(crate) async fn get(request: HttpRequest, state: Data<State>, named: Named) -> HttpResponse {
    answered(&request, &state, async |who| {
        let (_, selection) = asked(&request)?;
        let found = state.control.scim_get_user(who, &named.1).await?;
        Ok(answer::read(&request, &USERS, found, &selection))
    })
    .await
}

/// Makes one.
#[utoipa::path(post, path = "/scim/v2/{organisation}/Users", tag = "scim", operation_id = "scim_create_users",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    request_body(content = serde_json::Value, content_type = "application/scim+json"),
    responses((status = 201, description = "Made"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation"), (status = 409, description = "A unique value is taken")),
)]
pub(crate) async fn create(
    request: HttpRequest,
    state: Data<State>,
    body: Json<Value>,
) -> HttpResponse {
    answered(&request, &state, async |who| {
        let made = state.control.scim_create_user(who, &body).await?;
        Ok(answer::resource(StatusCode::CREATED, &USERS, made, &Selection::default()))
    })
    .await
}

/// Replaces one.
#[utoipa::path(put, path = "/scim/v2/{organisation}/Users/{id}", tag = "scim", operation_id = "scim_replace_users",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the resource"), ("If-Match" = Option<String>, Header, description = "The version that is to be changed")),
    request_body(content = serde_json::Value, content_type = "application/scim+json"),
    responses((status = 200, description = "Replaced"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation"), (status = 404, description = "There is nothing by that id"), (status = 409, description = "A unique value is taken"), (status = 412, description = "It is no longer that version"), (status = 403, description = "The organisation would have no owner")),
)]
pub(crate) async fn replace(
    request: HttpRequest,
    state: Data<State>,
    named: Named,
    body: Json<Value>,
) -> HttpResponse {
    answered(&request, &state, async |who| {
        let version = expected(&request)?;
        let done = state.control.scim_replace_user(who, &named.1, &body, version).await?;
        Ok(answer::resource(StatusCode::OK, &USERS, done, &Selection::default()))
    })
    .await
}

/// Changes a part of one (RFC 7644 section 3.5.2).
#[utoipa::path(patch, path = "/scim/v2/{organisation}/Users/{id}", tag = "scim", operation_id = "scim_patch_users",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the resource"), ("If-Match" = Option<String>, Header, description = "The version that is to be changed")),
    request_body(content = serde_json::Value, content_type = "application/scim+json"),
    responses((status = 200, description = "Changed"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation"), (status = 404, description = "There is nothing by that id"), (status = 409, description = "A unique value is taken"), (status = 412, description = "It is no longer that version"), (status = 403, description = "The organisation would have no owner")),
)]
pub(crate) async fn patch(
    request: HttpRequest,
    state: Data<State>,
    named: Named,
    body: Json<Value>,
) -> HttpResponse {
    answered(&request, &state, async |who| {
        let version = expected(&request)?;
        let (_, selection) = asked(&request)?;
        let done = state.control.scim_patch_user(who, &named.1, &body, version).await?;
        Ok(answer::resource(StatusCode::OK, &USERS, done, &selection))
    })
    .await
}

/// Removes one.
#[utoipa::path(delete, path = "/scim/v2/{organisation}/Users/{id}", tag = "scim", operation_id = "scim_delete_users",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the resource"), ("If-Match" = Option<String>, Header, description = "The version that is to be changed")),
    responses((status = 204, description = "Removed"), (status = 400, description = "The request is not right: `scimType` says why"), (status = 401, description = "No valid token of this organisation"), (status = 404, description = "There is nothing by that id"), (status = 412, description = "It is no longer that version"), (status = 403, description = "The organisation would have no owner")),
)]
pub(crate) async fn delete(request: HttpRequest, state: Data<State>, named: Named) -> HttpResponse {
    answered(&request, &state, async |who| {
        let version = expected(&request)?;
        state.control.scim_delete_user(who, &named.1, version).await?;
        Ok(HttpResponse::NoContent().finish())
    })
    .await
}
