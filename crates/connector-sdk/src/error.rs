//! How a connector fails, in the terms that the core acts on: retry, ask for a new credential, or tell the person.

use std::{error::Error, time::Duration};

/// The cause below a connector's error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a connector could not do what it was asked. Messages are shown to the tenant: they name what can be done and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The upstream refused the credential: the install needs a new one, and nothing is retried until then.
    #[error("{message}")]
    Auth { message: String },
    /// The upstream asks for a pause.
    #[error("the service asks to wait {} seconds", retry_after.as_secs())]
    RateLimited { retry_after: Duration },
    /// May work when tried again. An unknown upstream status is transient, never success.
    #[error("{message}")]
    Transient {
        message: String,
        #[source]
        source: Option<BoxError>,
    },
    /// Will fail again until somebody changes something at the source.
    #[error("{message}")]
    Permanent {
        message: String,
        #[source]
        source: Option<BoxError>,
    },
    /// A setting is wrong; `field` is its path in the form, empty for the form as a whole.
    #[error("{message}")]
    Config { field: Vec<String>, message: String },
    /// The caller of a tool gave arguments that cannot be used; also an unknown tool.
    #[error("{message}")]
    InvalidArguments { message: String },
    /// The context was cancelled.
    #[error("cancelled")]
    Cancelled,
}

// === impl ConnectorError ===

impl ConnectorError {
    /// The upstream refused the credential.
    pub fn auth(message: impl Into<String>) -> Self {
        Self::Auth { message: message.into() }
    }

    /// May work when tried again.
    pub fn transient(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Transient { message: message.into(), source: Some(source.into()) }
    }

    /// Fails until somebody changes something at the source.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent { message: message.into(), source: None }
    }

    /// Like [`Self::permanent`], with the cause kept for the log.
    pub fn permanent_from(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Permanent { message: message.into(), source: Some(source.into()) }
    }

    /// A top-level setting is wrong.
    pub fn config(field: &str, message: impl Into<String>) -> Self {
        Self::Config { field: vec![field.to_owned()], message: message.into() }
    }

    /// The arguments of a tool call cannot be used.
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::InvalidArguments { message: message.into() }
    }

    /// The answer to a tool name that the connector does not have.
    pub fn unknown_tool(tool: &str) -> Self {
        Self::InvalidArguments { message: format!("there is no tool called `{tool}`") }
    }
}
