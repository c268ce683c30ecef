//! How a use-case ends when it does not succeed. Each door has one file that maps these to its own answers.

use std::time::Duration;

use connector_sdk::{ConnectorError, FieldError};
use domain::Denied;

/// The cause of an internal error: logged once at the door, never shown.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a use-case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing by that id, or it belongs to somebody else: the two answer alike.
    #[error("there is nothing by that id")]
    NotFound,
    /// The caller's role does not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No valid session, key or link.
    #[error("you are not signed in, or what you signed in with is no longer valid")]
    Unauthenticated,
    /// The person must prove again who they are before they do this.
    #[error("sign in again to do this: it is too long ago that you did")]
    Reauthenticate,
    /// The input is not right.
    #[error("{message}")]
    Invalid {
        /// Path into the input of the use-case; empty for the whole.
        field: Vec<String>,
        /// Stable word for programs.
        code: &'static str,
        /// For the person who gave the input.
        message: String,
    },
    /// It contradicts what is there.
    #[error("{message}")]
    Conflict { field: String, message: String },
    /// Too often.
    #[error("too many requests; try again in {} seconds", retry_after.as_secs().max(1))]
    Limited { retry_after: Duration },
    /// The system behind a connector refused or failed.
    #[error("{message}")]
    Upstream {
        /// Id of the connector.
        connector: String,
        kind: UpstreamKind,
        /// For the tenant: names what can be done, holds no secret.
        message: String,
    },
    /// Our own fault. The cause is for the log alone.
    #[error("something went wrong inside Patchbay")]
    Internal(#[source] BoxError),
}

/// How the system behind a connector failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamKind {
    /// It refused the credential.
    Auth,
    /// It failed in a way that may pass.
    Transient,
    /// It will fail again until something changes there.
    Permanent,
    /// It did not answer in time.
    Timeout,
    /// The connector itself broke.
    Crashed,
    /// Nobody waited for the answer any more.
    Cancelled,
}

/// Faults inside that have no cause of their own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the credential of an install is stored, but its organisation has no data key")]
    NoDataKey,
    #[error("a stored credential is not the JSON object that was sealed")]
    CredentialShape,
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("stored policies are not the list that was stored")]
    PolicyShape,
    #[error("too few usable random bytes for a key")]
    KeyBytes,
}

// === impl UpstreamKind ===

impl UpstreamKind {
    /// Stable word for metrics and audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Timeout => "timeout",
            Self::Crashed => "crashed",
            Self::Cancelled => "cancelled",
        }
    }
}

// === impl Error ===

impl Error {
    /// An input that is not right, at one field.
    pub(crate) fn invalid(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field: vec![field.to_owned()], code, message: message.into() }
    }

    /// A contradiction, at one field.
    pub(crate) fn conflict(field: &str, message: impl Into<String>) -> Self {
        Self::Conflict { field: field.to_owned(), message: message.into() }
    }

    /// A fault inside.
    pub(crate) fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }

    /// The errors of a form: the first field is named, the message tells all.
    pub(crate) fn form(part: &str, errors: Vec<FieldError>) -> Self {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>();
        let message = message.join(" ");
        let mut field = vec![part.to_owned()];
        field.extend(errors.into_iter().next().into_iter().flat_map(|error| error.field));
        Self::Invalid { field, code: "schema", message }
    }

    /// What a connector's failure means to whoever asked.
    pub(crate) fn from_connector(connector: &str, error: ConnectorError) -> Self {
        let kind = match &error {
            ConnectorError::Auth { .. } => UpstreamKind::Auth,
            ConnectorError::Permanent { .. } => UpstreamKind::Permanent,
            ConnectorError::Transient { .. } => UpstreamKind::Transient,
            ConnectorError::Cancelled => UpstreamKind::Cancelled,
            ConnectorError::RateLimited { retry_after } => {
                return Self::Limited { retry_after: *retry_after };
            }
            ConnectorError::Config { .. } | ConnectorError::InvalidArguments { .. } => {
                return Self::from_input(error);
            }
        };
        Self::Upstream { connector: connector.to_owned(), kind, message: error.to_string() }
    }

    fn from_input(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Config { field, message } => {
                let field = std::iter::once("config".to_owned()).chain(field).collect();
                Self::Invalid { field, code: "config", message }
            }
            other => Self::invalid("arguments", "arguments", other.to_string()),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            store::Error::Conflict { field } => {
                Self::conflict(field, format!("this {field} is already taken"))
            }
            store::Error::Stale => Self::conflict(
                "expectedVersion",
                "somebody else changed this in the meantime: load it again",
            ),
            store::Error::InvalidCursor => {
                Self::invalid("after", "cursor", "this is not a cursor of this list")
            }
            other => Self::internal(other),
        }
    }
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        Self::internal(error)
    }
}
