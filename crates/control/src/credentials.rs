//! Secrets on their way in (sealed at once) and on their way to a connector (opened at the last moment).
//!
//! Plaintext lives in [`SecretJson`], in the vault's guard and in the connector's `Secrets`, all of which wipe themselves.

use std::fmt;

use connector_sdk::Secrets;
use domain::{
    AuditOutcome, Credential, CredentialId, Granted, Install, OpCtx, Principal, SystemReason,
    authz::{
        Permission,
        permission::{CredentialOpen, CredentialWrite},
    },
};
use serde_json::{Value, json};
use store::{NewCredential, NewDataKey, Tx, WrappedVersion};
use vault::{DataKey, Opened, SealContext, WrappedDataKey, key_version};
use zeroize::{Zeroize, Zeroizing};

use crate::{CallAudit, Control, Error, audit::action, error::Fault};

/// The version of an organisation's first data key.
const FIRST_VERSION: u32 = 1;

/// A credential as it was submitted: a JSON object of secret fields. Wiped on drop; cannot be printed or serialized.
#[derive(Clone)]
pub struct SecretJson(Value);

/// A credential as it lies in the database, with what opens it. Still sealed: may be kept in memory.
#[derive(Debug, Clone)]
pub(crate) struct SealedCredential {
    credential: Credential,
    data_key: WrappedVersion,
}

/// What a secret is opened for, as the audit log says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Sync,
    ToolCall,
    Check,
    SignIn,
    Webhook,
}

// === impl SecretJson ===

impl SecretJson {
    /// Takes the fields over.
    pub const fn new(value: Value) -> Self {
        Self(value)
    }

    pub(crate) const fn expose(&self) -> &Value {
        &self.0
    }

    /// For a connector.
    pub(crate) fn secrets(&self) -> Result<Secrets, Error> {
        Secrets::from_json(self.0.clone()).map_err(|error| Error::Invalid {
            field: vec!["credential".to_owned()],
            code: "schema",
            message: error.to_string(),
        })
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_string().into_bytes())
    }
}

impl From<Value> for SecretJson {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretJson(..)")
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

// === impl Control ===

impl Control {
    /// Seals a credential under the organisation's data key, which is made with its first credential, and stores it.
    pub(crate) async fn put_credential(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialWrite>,
        install: &Install,
        secret: &SecretJson,
    ) -> Result<CredentialId, Error> {
        let id = CredentialId::generate();
        let data_key = self.data_key(tx, granted).await?;
        // The install's version grows with every change, so no two seals of an install share their associated data.
        let context =
            SealContext { tenant: install.tenant, credential: id, version: install.version };
        let sealed = self.0.parts.vault.seal(&data_key, &context, &secret.to_bytes())?;
        let credential =
            NewCredential { id, install: install.id, version: install.version, sealed };
        tx.credentials().put(granted, credential).await?;
        Ok(id)
    }

    /// The key under which the organisation's secrets are sealed now, until the transaction ends. Made with its first secret.
    pub(crate) async fn data_key(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialWrite>,
    ) -> Result<DataKey, Error> {
        let (vault, tenant) = (&self.0.parts.vault, granted.tenant());
        if let Some(current) = tx.data_keys().hold_current(granted).await? {
            let wrapped = WrappedDataKey(current.wrapped);
            return Ok(vault.unwrap(tenant, current.version, &wrapped).await?);
        }
        let (wrapped, key) = vault.new_data_key(tenant, FIRST_VERSION).await?;
        let new = NewDataKey {
            version: FIRST_VERSION,
            wrapped: wrapped.0,
            wrapped_by: vault.wrapping_key(),
            created_at: self.now(),
        };
        tx.data_keys().create(granted, new).await?;
        Ok(key)
    }

    /// Opens a secret that is not an install's at its place, and notes what for.
    pub(crate) async fn open_at(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialOpen>,
        place: &SealContext,
        sealed: &[u8],
        purpose: Purpose,
    ) -> Result<Opened, Error> {
        let key = tx.data_keys().find(granted, key_version(sealed)?).await?;
        let key = key.ok_or_else(|| Error::internal(Fault::NoDataKey))?;
        let by = (granted.principal(), granted.request_id());
        self.open_noted(by, place, &key, sealed, purpose).await
    }

    /// Loads what is stored for an install, still sealed.
    pub(crate) async fn load_credential(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialOpen>,
        install: &Install,
    ) -> Result<Option<SealedCredential>, Error> {
        // A rotation may end between the two reads; then the credential is sealed anew, and its next reading finds the key.
        for _ in 0..2 {
            let Some(credential) = tx.credentials().open(granted, install.id).await? else {
                return Ok(None);
            };
            let version = key_version(&credential.sealed)?;
            if let Some(data_key) = tx.data_keys().find(granted, version).await? {
                return Ok(Some(SealedCredential { credential, data_key }));
            }
        }
        Err(Error::internal(Fault::NoDataKey))
    }

    /// Opens it for a caller, whose request then knows which one it was.
    pub(crate) async fn unseal_for(
        &self,
        ctx: &OpCtx,
        sealed: &SealedCredential,
        purpose: Purpose,
    ) -> Result<Secrets, Error> {
        let secrets = self.unseal((ctx.principal(), ctx.request_id()), sealed, purpose).await?;
        ctx.opened().note(sealed.credential.id);
        Ok(secrets)
    }

    /// Opens it for who acts in a request: the last step before a connector gets it.
    pub(crate) async fn unseal(
        &self,
        by: (&Principal, &str),
        sealed: &SealedCredential,
        purpose: Purpose,
    ) -> Result<Secrets, Error> {
        let credential = &sealed.credential;
        let context = SealContext {
            tenant: credential.tenant,
            credential: credential.id,
            version: credential.version,
        };
        let key = &sealed.data_key;
        let opened = self.open_noted(by, &context, key, &credential.sealed, purpose).await?;
        let value: Value = serde_json::from_slice(opened.expose())
            .map_err(|_| Error::internal(Fault::CredentialShape))?;
        Secrets::from_json(value).map_err(|_| Error::internal(Fault::CredentialShape))
    }

    /// Each opening is in the audit log, also one that fails: bytes that do not open at their place were moved there.
    async fn open_noted(
        &self,
        (actor, request_id): (&Principal, &str),
        place: &SealContext,
        key: &WrappedVersion,
        sealed: &[u8],
        purpose: Purpose,
    ) -> Result<Opened, Error> {
        let vault = &self.0.parts.vault;
        let wrapped = WrappedDataKey(key.wrapped.clone());
        let opened = match vault.unwrap(place.tenant, key.version, &wrapped).await {
            Ok(key) => vault.open(&key, place, sealed),
            Err(error) => Err(error),
        };
        let outcome = match &opened {
            Ok(_) => AuditOutcome::Succeeded,
            Err(error) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    credential.id = %place.credential,
                    credential.purpose = purpose.as_str(),
                    "A sealed secret did not open: its row was damaged or moved, or its key is missing"
                );
                AuditOutcome::Failed
            }
        };
        let call = CallAudit {
            actor: actor.clone(),
            action: action::CREDENTIAL_OPEN,
            target: Some(place.credential.to_string()),
            outcome,
            request_id: request_id.to_owned(),
            detail: json!({ "purpose": purpose.as_str(), "key_version": key.version }),
        };
        self.record_call(self.0.journal.reserve(), place.tenant, call);
        Ok(opened?)
    }
}

// === impl Purpose ===

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::ToolCall => "tool_call",
            Self::Check => "check",
            Self::SignIn => "sign_in",
            Self::Webhook => "webhook",
        }
    }
}

/// The grant under which a permitted use of a connector opens its credential, and notes when the source refuses it.
pub(crate) fn use_grant<P: Permission>(ctx: &OpCtx) -> Granted<P> {
    Granted::system(SystemReason::UseCredential, ctx.tenant(), ctx.request_id())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn submitted_credential_does_not_print_its_fields() {
        let secret = SecretJson::new(json!({ "password": "hunter2" }));
        assert_eq!(format!("{secret:?}"), "SecretJson(..)");
    }
}
