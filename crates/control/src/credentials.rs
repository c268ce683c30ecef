//! Secrets on their way in (sealed at once) and on their way to a connector (opened at the last moment).
//!
//! Plaintext lives in [`SecretJson`], in the vault's guard and in the connector's `Secrets`, all of which wipe themselves.

use std::fmt;

use connector_sdk::Secrets;
use domain::{
    Credential, CredentialId, Granted, Install, OpCtx, SystemReason,
    authz::{
        Permission,
        permission::{CredentialOpen, CredentialWrite},
    },
};
use serde_json::Value;
use store::{NewCredential, Tx};
use vault::{SealContext, WrappedDataKey};
use zeroize::{Zeroize, Zeroizing};

use crate::{Control, Error, error::Fault};

/// A credential as it was submitted: a JSON object of secret fields. Wiped on drop; cannot be printed or serialized.
#[derive(Clone)]
pub struct SecretJson(Value);

/// A credential as it lies in the database, with what opens it. Still sealed: may be kept in memory.
#[derive(Debug, Clone)]
pub(crate) struct SealedCredential {
    credential: Credential,
    data_key: WrappedDataKey,
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

    async fn data_key(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialWrite>,
    ) -> Result<WrappedDataKey, Error> {
        let reading: Granted<CredentialOpen> =
            Granted::system(SystemReason::SealCredential, granted.tenant(), granted.request_id());
        if let Some(wrapped) = tx.data_keys().find(&reading).await? {
            return Ok(WrappedDataKey(wrapped));
        }
        let fresh = self.0.parts.vault.new_data_key(granted.tenant())?;
        tx.data_keys().create(granted, fresh.0.clone()).await?;
        Ok(fresh)
    }

    /// Loads what is stored for an install, still sealed.
    pub(crate) async fn load_credential(
        &self,
        tx: &Tx,
        granted: &Granted<CredentialOpen>,
        install: &Install,
    ) -> Result<Option<SealedCredential>, Error> {
        let Some(credential) = tx.credentials().open(granted, install.id).await? else {
            return Ok(None);
        };
        let wrapped = tx.data_keys().find(granted).await?;
        let wrapped = wrapped.ok_or_else(|| Error::internal(Fault::NoDataKey))?;
        Ok(Some(SealedCredential { credential, data_key: WrappedDataKey(wrapped) }))
    }

    /// Opens it: the last step before a connector gets it.
    pub(crate) fn unseal(&self, sealed: &SealedCredential) -> Result<Secrets, Error> {
        let credential = &sealed.credential;
        let context = SealContext {
            tenant: credential.tenant,
            credential: credential.id,
            version: credential.version,
        };
        let opened = self.0.parts.vault.open(&sealed.data_key, &context, &credential.sealed)?;
        let value: Value = serde_json::from_slice(opened.expose())
            .map_err(|_| Error::internal(Fault::CredentialShape))?;
        Secrets::from_json(value).map_err(|_| Error::internal(Fault::CredentialShape))
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
