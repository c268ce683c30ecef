//! The only map from what went wrong to what a client is told: GraphQL `extensions.code`, `userErrors`, and problem+json (RFC 9457).
//!
//! What a client cannot do anything about is logged here, once, with its chain, and answered with nothing but the request id.

use std::sync::Arc;

use actix_web::http::StatusCode;
use async_graphql::{ErrorExtensionValues, Response, ServerError};

use crate::graphql::{
    limits::Refusal,
    model::user_error::{UserError, UserErrorCode},
};

/// Everything that `extensions.code` and a problem's `code` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Nobody is signed in, or the key is not valid.
    Unauthenticated,
    /// The role does not allow it.
    Denied,
    /// There is nothing there for the caller.
    NotFound,
    /// The input is not right.
    Invalid,
    /// It contradicts what is there.
    Conflict,
    /// Too often.
    Limited,
    /// A connected system refused or could not be reached.
    Upstream,
    /// The document asks for more than one request may.
    QueryTooComplex,
    /// The request does not prove that it comes from the console.
    Csrf,
    /// The person must prove again who they are.
    Reauthenticate,
    /// Our fault.
    Internal,
}

/// A request that is answered with an error as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) code: Code,
    pub(crate) message: String,
}

/// What a client is told of an error of a use-case.
struct Told {
    code: Code,
    field: Vec<String>,
    message: String,
}

// === impl Code ===

impl Code {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Denied => "DENIED",
            Code::NotFound => "NOT_FOUND",
            Code::Invalid => "INVALID",
            Code::Conflict => "CONFLICT",
            Code::Limited => "LIMITED",
            Code::Upstream => "UPSTREAM",
            Code::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Code::Csrf => "CSRF",
            Code::Reauthenticate => "REAUTHENTICATE",
            Code::Internal => "INTERNAL",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Denied | Code::Csrf | Code::Reauthenticate => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::Invalid | Code::QueryTooComplex => StatusCode::BAD_REQUEST,
            Code::Conflict => StatusCode::CONFLICT,
            Code::Limited => StatusCode::TOO_MANY_REQUESTS,
            Code::Upstream => StatusCode::BAD_GATEWAY,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn expected(self) -> Option<UserErrorCode> {
        match self {
            Code::Invalid => Some(UserErrorCode::Invalid),
            Code::NotFound => Some(UserErrorCode::NotFound),
            Code::Conflict => Some(UserErrorCode::Conflict),
            Code::Denied => Some(UserErrorCode::Denied),
            Code::Limited => Some(UserErrorCode::Limited),
            Code::Upstream => Some(UserErrorCode::Upstream),
            Code::Reauthenticate => Some(UserErrorCode::Reauthenticate),
            Code::Unauthenticated | Code::QueryTooComplex | Code::Csrf | Code::Internal => None,
        }
    }
}

// === impl Refused ===

impl Refused {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn unauthenticated() -> Self {
        let message = "sign in, or give a valid API key as `Authorization: Bearer …`";
        Self::new(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message)
    }

    pub(crate) fn csrf(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::Csrf, message)
    }

    /// As the only error of a GraphQL answer.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let mut error = ServerError::new(self.message, None);
        mark(&mut error, self.code, request_id);
        Response::from_errors(vec![error])
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Syntax(_) | Refusal::Cycle(_) => Code::Invalid,
            _ => Code::QueryTooComplex,
        };
        Self::new(code.status(), code, refusal.to_string())
    }
}

/// Answers a request that a use-case refused as a whole, logging it if it is our fault.
pub(crate) fn refused(error: &control::Error, request_id: &str) -> Refused {
    let told = tell(error, request_id);
    Refused::new(told.code.status(), told.code, told.message)
}

/// What was to be expected of a mutation, as data for its payload.
///
/// # Errors
/// Gives the error back when it is a surprise.
pub(crate) fn user_error(error: control::Error) -> Result<UserError, control::Error> {
    if matches!(error, control::Error::Internal(_)) {
        return Err(error);
    }
    let told = describe(&error);
    let Some(code) = told.code.expected() else { return Err(error) };
    let field = (!told.field.is_empty()).then_some(told.field);
    Ok(UserError { code, field, message: told.message })
}

/// Gives every error of an answer its code and the request id, and hides what is not the client's business.
pub(crate) fn finish(response: &mut Response, request_id: &str) {
    for error in &mut response.errors {
        if has_code(error) {
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("requestId", request_id);
            continue;
        }
        let known = error
            .source::<control::Error>()
            .or_else(|| error.source::<Arc<control::Error>>().map(Arc::as_ref));
        let told = match known {
            Some(cause) => tell(cause, request_id),
            // The engine's own refusals (syntax, validation, coercion) carry no source and speak of the document alone.
            None if error.source.is_none() => Told {
                code: Code::Invalid,
                field: Vec::new(),
                message: std::mem::take(&mut error.message),
            },
            None => {
                tracing::error!(request.id = request_id, error = %error.message, "GraphQL field failed");
                internal()
            }
        };
        error.message = told.message;
        error.source = None;
        mark(error, told.code, request_id);
        if let (false, Some(extensions)) = (told.field.is_empty(), &mut error.extensions) {
            extensions.set("field", told.field);
        }
    }
}

fn has_code(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some())
}

fn mark(error: &mut ServerError, code: Code, request_id: &str) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    extensions.set("requestId", request_id);
}

/// What a client is told; internals are logged here and nowhere else.
fn tell(error: &control::Error, request_id: &str) -> Told {
    if let control::Error::Internal(cause) = error {
        let chain = chain(cause.as_ref());
        tracing::error!(request.id = request_id, error = %chain, "Request failed");
    }
    describe(error)
}

fn describe(error: &control::Error) -> Told {
    let (code, field, message) = match error {
        control::Error::NotFound => {
            (Code::NotFound, Vec::new(), "there is nothing by that id".to_owned())
        }
        control::Error::Denied(denied) => (Code::Denied, Vec::new(), denied.to_string()),
        control::Error::Unauthenticated => {
            (Code::Unauthenticated, Vec::new(), Refused::unauthenticated().message)
        }
        control::Error::Reauthenticate => (Code::Reauthenticate, Vec::new(), error.to_string()),
        control::Error::Invalid { field, message, .. } => {
            (Code::Invalid, named(field), message.clone())
        }
        control::Error::Conflict { field, message } => {
            (Code::Conflict, named(std::slice::from_ref(field)), message.clone())
        }
        control::Error::Limited { retry_after } => {
            let seconds = retry_after.as_secs().max(1);
            (Code::Limited, Vec::new(), format!("too often: try again in {seconds} s"))
        }
        control::Error::Upstream { message, .. } => (Code::Upstream, Vec::new(), message.clone()),
        control::Error::Internal(_) => return internal(),
    };
    Told { code, field, message }
}

/// A path as the client wrote it: use-cases name their inputs in `snake_case`, GraphQL in `camelCase`.
/// What follows the first step is the client's own (settings of a connector) and stays.
fn named(field: &[String]) -> Vec<String> {
    let mut field = field.to_vec();
    if let Some(first) = field.first_mut() {
        let mut words = first.split('_');
        let head = words.next().unwrap_or_default().to_owned();
        *first = words.fold(head, |name, word| {
            let (initial, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            name + &initial.to_ascii_uppercase() + rest
        });
    }
    field
}

fn internal() -> Told {
    let message = "something went wrong here; the request id finds it in the log".to_owned();
    Told { code: Code::Internal, field: Vec::new(), message }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(source: control::Error) -> ServerError {
        async_graphql::Error::new_with_source(source)
            .into_server_error(async_graphql::Pos::default())
    }

    #[test]
    fn internal_cause_is_not_in_the_answer() {
        let cause = std::io::Error::other("SELECT secret FROM /var/lib/patchbay.db");
        let mut response =
            Response::from_errors(vec![failed(control::Error::Internal(Box::new(cause)))]);
        finish(&mut response, "request-1");
        let text = serde_json::to_string(&response).expect("answers are JSON");
        assert!(!text.contains("SELECT") && !text.contains("/var/lib"), "{text}");
        assert!(text.contains(r#""code":"INTERNAL""#) && text.contains("request-1"), "{text}");
    }

    #[test]
    fn unknown_source_is_hidden_too() {
        let error = async_graphql::Error::new_with_source(std::fmt::Error)
            .into_server_error(async_graphql::Pos::default());
        let mut response = Response::from_errors(vec![error]);
        finish(&mut response, "request-1");
        assert!(response.errors[0].message.starts_with("something went wrong here"));
    }

    #[test]
    fn fields_are_named_as_the_client_wrote_them() {
        let path = |steps: &[&str]| steps.iter().map(|&step| step.to_owned()).collect::<Vec<_>>();
        assert_eq!(named(&path(&["display_name"])), path(&["displayName"]));
        assert_eq!(named(&path(&["expectedVersion"])), path(&["expectedVersion"]));
        assert_eq!(named(&path(&["config", "root_dir"])), path(&["config", "root_dir"]));
        assert_eq!(named(&[]), path(&[]));
    }

    #[test]
    fn surprises_are_not_user_errors() {
        let cause = control::Error::Internal(Box::new(std::fmt::Error));
        assert!(user_error(cause).is_err());
        assert!(user_error(control::Error::Unauthenticated).is_err());
        let not_found = user_error(control::Error::NotFound).expect("expected of a mutation");
        assert_eq!(not_found.code, UserErrorCode::NotFound);
    }
}
