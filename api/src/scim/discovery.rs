//! What this door can do (RFC 7643 sections 5 to 7, RFC 7644 section 4).

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use control::scim::{ENTERPRISE, GROUP, GROUPS, ScimError, USER, USERS};
use serde_json::{Value, json};

use super::{answer, answered};
use crate::http::server::State;

/// What this door can do.
#[utoipa::path(get, path = "/scim/v2/{organisation}/ServiceProviderConfig", tag = "scim", operation_id = "scim_provider_config",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "The document"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn provider_config(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answered(&request, &state, async |who| {
        let config = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": { "supported": true },
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
            "filter": { "supported": true, "maxResults": 200 },
            "changePassword": { "supported": false },
            "sort": { "supported": false },
            "etag": { "supported": true },
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an admin makes in Patchbay",
                "primary": true,
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{}/ServiceProviderConfig", who.base()),
            },
        });
        Ok(answer::body(StatusCode::OK, &config))
    })
    .await
}

/// Kinds of resources.
#[utoipa::path(get, path = "/scim/v2/{organisation}/ResourceTypes", tag = "scim", operation_id = "scim_resource_types",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "The document"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn resource_types(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answered(&request, &state, async |who| listed(&request, &types(who.base()))).await
}

/// A kind of resource.
#[utoipa::path(get, path = "/scim/v2/{organisation}/ResourceTypes/{id}", tag = "scim", operation_id = "scim_resource_type",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the document")),
    responses((status = 200, description = "The document"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn resource_type(
    request: HttpRequest,
    state: Data<State>,
    named: Path<(String, String)>,
) -> HttpResponse {
    answered(&request, &state, async |who| one(types(who.base()), &named.1)).await
}

/// Attributes of resources.
#[utoipa::path(get, path = "/scim/v2/{organisation}/Schemas", tag = "scim", operation_id = "scim_schemas",
    params(("organisation" = String, Path, description = "Slug of the organisation")),
    responses((status = 200, description = "The document"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn schemas(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answered(&request, &state, async |who| listed(&request, &documents(who.base()))).await
}

/// Attributes of one kind.
#[utoipa::path(get, path = "/scim/v2/{organisation}/Schemas/{id}", tag = "scim", operation_id = "scim_schema",
    params(("organisation" = String, Path, description = "Slug of the organisation"), ("id" = String, Path, description = "Id of the document")),
    responses((status = 200, description = "The document"), (status = 401, description = "No valid token of this organisation")),
)]
pub(crate) async fn schema(
    request: HttpRequest,
    state: Data<State>,
    named: Path<(String, String)>,
) -> HttpResponse {
    answered(&request, &state, async |who| one(documents(who.base()), &named.1)).await
}

fn documents(base: &str) -> Vec<Value> {
    USERS.documents(base).into_iter().chain(GROUPS.documents(base)).collect()
}

fn types(base: &str) -> Vec<Value> {
    let resource_type = |name: &str, schema: &str, extensions: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "description": name,
            "endpoint": format!("/{name}s"),
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
        })
    };
    let enterprise = json!([{ "schema": ENTERPRISE, "required": false }]);
    vec![resource_type("User", USER, enterprise), resource_type("Group", GROUP, json!([]))]
}

/// These lists are short and whole; a filter on them is refused (RFC 7644 section 4).
fn listed(request: &HttpRequest, resources: &[Value]) -> Result<HttpResponse, ScimError> {
    if super::asked(request)?.0.filter.is_some() {
        let detail = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "403",
            "detail": "this list cannot be filtered",
        });
        return Ok(answer::body(StatusCode::FORBIDDEN, &detail));
    }
    let list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    Ok(answer::body(StatusCode::OK, &list))
}

fn one(resources: Vec<Value>, id: &str) -> Result<HttpResponse, ScimError> {
    let found = resources.into_iter().find(|it| it["id"] == id).ok_or(ScimError::NotFound)?;
    Ok(answer::body(StatusCode::OK, &found))
}
