//! `/api/v1/openapi.json`: the REST operations, written down by the code that answers them.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use crate::{
    http::{error::Problem, sign_in},
    rest::{audit, health, version},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Patchbay",
        description = "The REST side of the control plane. Everything else is GraphQL, at `POST /graphql`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        audit::export,
        audit::keys,
        health::live,
        health::ready,
        version::version,
        document,
        crate::scim::discovery::provider_config,
        crate::scim::discovery::resource_types,
        crate::scim::discovery::resource_type,
        crate::scim::discovery::schemas,
        crate::scim::discovery::schema,
        crate::scim::users::list,
        crate::scim::users::search,
        crate::scim::users::get,
        crate::scim::users::create,
        crate::scim::users::replace,
        crate::scim::users::patch,
        crate::scim::users::delete,
        crate::scim::groups::list,
        crate::scim::groups::search,
        crate::scim::groups::get,
        crate::scim::groups::create,
        crate::scim::groups::replace,
        crate::scim::groups::patch,
        crate::scim::groups::delete,
        crate::oauth::documents::server,
        crate::oauth::documents::resource,
        crate::oauth::documents::keys,
        crate::oauth::token::exchange,
        crate::oauth::token::revoke,
        crate::oauth::token::register,
        crate::oauth::authorize::ask,
        crate::oauth::authorize::decide,
        sign_in::ask,
        sign_in::redeem,
        sign_in::sign_out,
    ),
    components(schemas(Problem))
)]
struct Document;

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "meta", responses(
    (status = 200, description = "OpenAPI 3.1", content_type = "application/json"),
))]
pub(crate) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text())
}

/// The document as pretty JSON with a line end.
pub(crate) fn text() -> String {
    let text = Document::openapi().to_pretty_json();
    let mut text = text.expect("the document is built from literals that are JSON");
    text.push('\n');
    text
}
