//! What the core hands to a connector for one operation.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use domain::secret::{ExposeSecret, SecretString};
use egress::Egress;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::ConnectorError;

/// Everything that one operation of a connector may use. There is nothing ambient beside it.
#[derive(Clone)]
pub struct Context {
    /// Settings, valid by the manifest's config schema.
    pub config: Value,
    /// The opened credential, if one is stored.
    pub credential: Option<Secrets>,
    /// The only way to the network.
    pub egress: Egress,
    /// What the operator of this Patchbay allows.
    pub operator: Arc<OperatorPolicy>,
    /// The time of the operation.
    pub now: DateTime<Utc>,
    /// Cancelled when nobody waits for the result any more.
    pub cancel: CancellationToken,
}

/// What the operator allows connectors, beyond what a tenant may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPolicy {
    /// Directories that the `files` connector may open, with everything below them.
    pub file_roots: Vec<PathBuf>,
    /// Longest body of a document, in bytes of UTF-8; longer ones are cut.
    pub max_document_bytes: u64,
}

/// The fields of an opened credential. Wiped on drop; neither `Debug` nor `Serialize`, so it cannot end up in a log or an answer.
#[derive(Clone)]
pub struct Secrets(BTreeMap<String, SecretString>);

// === impl Context ===

impl Context {
    /// Reads the settings as the connector's own type.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] when a stored config no longer fits: it was valid when it was saved, so the form is to be saved again.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        serde_json::from_value(self.config.clone()).map_err(|error| ConnectorError::Config {
            field: Vec::new(),
            message: format!("the settings do not fit this version of the connector: {error}"),
        })
    }

    /// A field of the credential.
    pub fn secret(&self, field: &str) -> Option<&str> {
        self.credential.as_ref().and_then(|secrets| secrets.get(field))
    }

    /// Stops here if the operation was cancelled. Call it at least once per page.
    ///
    /// # Errors
    /// [`ConnectorError::Cancelled`].
    pub fn check_cancelled(&self) -> Result<(), ConnectorError> {
        if self.cancel.is_cancelled() { Err(ConnectorError::Cancelled) } else { Ok(()) }
    }

    /// Cuts a body to what the operator allows, at a character boundary. Returns whether something was cut off.
    pub fn cut_body(&self, body: &mut String) -> bool {
        let limit = usize::try_from(self.operator.max_document_bytes).unwrap_or(usize::MAX);
        if body.len() <= limit {
            return false;
        }
        body.truncate(body.floor_char_boundary(limit));
        true
    }
}

// === impl OperatorPolicy ===

impl Default for OperatorPolicy {
    fn default() -> Self {
        Self { file_roots: Vec::new(), max_document_bytes: 1024 * 1024 }
    }
}

// === impl Secrets ===

impl Secrets {
    /// Takes over the fields of a JSON object. Fields that are `null` or empty count as not given.
    ///
    /// # Errors
    /// [`ConnectorError::Config`] when it is not an object of strings. The message holds no value.
    pub fn from_json(credential: Value) -> Result<Self, ConnectorError> {
        let Value::Object(fields) = credential else {
            return Err(ConnectorError::Config {
                field: Vec::new(),
                message: "a credential is an object of named fields".to_owned(),
            });
        };
        let mut secrets = BTreeMap::new();
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => {
                    secrets.insert(name, SecretString::from(text));
                }
                _ => return Err(ConnectorError::config(&name, "this field must be text")),
            }
        }
        Ok(Self(secrets))
    }

    /// The text of a field. Keep the reference short-lived and never copy it into an error.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(ExposeSecret::expose_secret)
    }
}
