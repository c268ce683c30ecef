//! The door of an organisation's directory: SCIM 2.0 (RFC 7644) at `/scim/v2/{organisation}`.

mod answer;
pub(crate) mod discovery;
pub(crate) mod groups;
pub(crate) mod users;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    error::{InternalError, JsonPayloadError},
    http::header::{AUTHORIZATION, HeaderName, IF_MATCH},
    web::{self, Data, JsonConfig, ServiceConfig},
};
use control::scim::{ListQuery, Provisioner, ScimError, ScimType, Selection};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use crate::http::{error::request_id, server::State};

/// Largest body: a group with some ten thousand members.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Adds the routes below `/scim/v2/{organisation}`.
pub(crate) fn configure(routes: &mut ServiceConfig) {
    let json = JsonConfig::default()
        .limit(MAX_BODY_BYTES)
        // Directories say `application/scim+json`, `application/json`, or nothing.
        .content_type_required(false)
        .content_type(|_| true)
        .error_handler(|error, _| {
            let detail = match &error {
                JsonPayloadError::Overflow { .. }
                | JsonPayloadError::OverflowKnownLength { .. } => "the body is larger than 2 MiB",
                _ => "the body must be a JSON object",
            };
            let bad = ScimError::Bad { kind: ScimType::InvalidSyntax, detail: detail.to_owned() };
            InternalError::from_response(error, answer::refusal(&bad, "")).into()
        });
    let answers = |path: &str| -> Resource {
        web::resource(path).default_service(web::to(answer::method_not_allowed))
    };
    routes
        .app_data(json)
        .service(answers("/ServiceProviderConfig").route(web::get().to(discovery::provider_config)))
        .service(answers("/ResourceTypes").route(web::get().to(discovery::resource_types)))
        .service(answers("/ResourceTypes/{id}").route(web::get().to(discovery::resource_type)))
        .service(answers("/Schemas").route(web::get().to(discovery::schemas)))
        .service(answers("/Schemas/{id}").route(web::get().to(discovery::schema)))
        .service(
            answers("/Users")
                .route(web::get().to(users::list))
                .route(web::post().to(users::create)),
        )
        .service(answers("/Users/.search").route(web::post().to(users::search)))
        .service(
            answers("/Users/{id}")
                .route(web::get().to(users::get))
                .route(web::put().to(users::replace))
                .route(web::patch().to(users::patch))
                .route(web::delete().to(users::delete)),
        )
        .service(
            answers("/Groups")
                .route(web::get().to(groups::list))
                .route(web::post().to(groups::create)),
        )
        .service(answers("/Groups/.search").route(web::post().to(groups::search)))
        .service(
            answers("/Groups/{id}")
                .route(web::get().to(groups::get))
                .route(web::put().to(groups::replace))
                .route(web::patch().to(groups::patch))
                .route(web::delete().to(groups::delete)),
        )
        .default_service(web::to(answer::nowhere));
}

/// Who asks: the bearer of a token of the organisation in the path.
async fn provisioner(request: &HttpRequest, state: &State) -> Result<Provisioner, ScimError> {
    let slug = request.match_info().get("organisation").unwrap_or_default();
    let header = request.headers().get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let shown = header.and_then(|it| it.split_once(' '));
    let token = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or(ScimError::Unauthenticated)?;
    let base = format!("{}/scim/v2/{slug}", state.public_url);
    state.control.by_scim_token(slug, token.trim(), &request_id(request), &base).await
}

/// The version in `If-Match` (RFC 9110 section 13.1.1), strong or weak; `None` for no header and for `*`.
fn expected(request: &HttpRequest) -> Result<Option<i64>, ScimError> {
    version_in(request, IF_MATCH)
}

fn version_in(request: &HttpRequest, name: HeaderName) -> Result<Option<i64>, ScimError> {
    let Some(header) = request.headers().get(name) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    // A tag that was never given matches nothing.
    tag.parse().map(Some).map_err(|_| ScimError::Stale)
}

/// The query string of a read.
fn asked(request: &HttpRequest) -> Result<(ListQuery, Selection), ScimError> {
    let (mut query, mut selection) = (ListQuery::default(), Selection::default());
    for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
        let number = || {
            value.parse().map(Some).map_err(|_| ScimError::Bad {
                kind: ScimType::InvalidValue,
                detail: format!("`{name}` must be a number"),
            })
        };
        let names = || value.split(',').map(str::to_owned).collect();
        match name.as_ref() {
            "filter" => query.filter = Some(value.into_owned()),
            "startIndex" => query.start_index = number()?,
            "count" => query.count = number()?,
            "attributes" => selection.attributes = names(),
            "excludedAttributes" => selection.excluded = names(),
            _ => {}
        }
    }
    Ok((query, selection))
}

/// The body of a search (RFC 7644 section 3.4.3).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    excluded_attributes: Vec<String>,
}

impl Search {
    fn read(body: Value) -> Result<(ListQuery, Selection), ScimError> {
        let search: Self = serde_json::from_value(body).map_err(|error| ScimError::Bad {
            kind: ScimType::InvalidSyntax,
            detail: error.to_string(),
        })?;
        let Self { filter, start_index, count, attributes, excluded_attributes } = search;
        let selection = Selection { attributes, excluded: excluded_attributes };
        Ok((ListQuery { filter, start_index, count }, selection))
    }
}

/// Runs a request's work and answers it, or says why not.
async fn answered(
    request: &HttpRequest,
    state: &Data<State>,
    work: impl AsyncFnOnce(&Provisioner) -> Result<HttpResponse, ScimError>,
) -> HttpResponse {
    let done = match provisioner(request, state).await {
        Ok(who) => work(&who).await,
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| answer::refusal(&error, &request_id(request)))
}
