//! A `HashiCorp` Vault Transit engine, or one that answers like it: the key-encryption key never leaves it.
//!
//! The engine's key must be of a type that takes associated data (`aes256-gcm96`, its default, or `chacha20-poly1305`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::TenantId;
use egress::{Egress, Limits};
use http::{Request, header};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error, WrappedDataKey,
    kek::KEY,
    remote::{LIMITS, operator_egress, refusal},
    shown_hidden,
};

/// First byte of what is wrapped here; the engine's own text (`vault:v1:…`) follows.
pub(crate) const FORMAT: u8 = 4;
const ENGINE: &str = "the Transit engine";

/// A key of a `HashiCorp` Vault Transit engine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitConfig {
    /// Address of the server, for instance `https://vault.internal:8200`. Env: `PATCHBAY__VAULT__TRANSIT__ADDRESS`
    pub address: Url,
    /// Where the engine is mounted. Env: `PATCHBAY__VAULT__TRANSIT__MOUNT`
    #[serde(default = "usual_mount")]
    pub mount: String,
    /// Name of the key. Env: `PATCHBAY__VAULT__TRANSIT__KEY_NAME`
    pub key_name: String,
    /// Token that may encrypt, decrypt and rewrap with it. Env: `PATCHBAY__VAULT__TRANSIT__TOKEN`
    #[serde(serialize_with = "shown_hidden")]
    #[schemars(with = "String")]
    pub token: SecretString,
}

/// The engine, and the key in it.
pub(crate) struct Transit {
    config: TransitConfig,
    egress: Egress,
    limits: Limits,
}

fn usual_mount() -> String {
    "transit".to_owned()
}

// === impl Transit ===

impl Transit {
    pub(crate) fn build(config: &TransitConfig) -> Result<Self, Error> {
        if config.address.host_str().is_none() {
            return Err(Error::NotConfigured { section: "vault.transit.address" });
        }
        Ok(Self { config: config.clone(), egress: operator_egress(), limits: LIMITS })
    }

    pub(crate) fn name(&self) -> String {
        format!("transit:{}/{}", self.config.mount, self.config.key_name)
    }

    pub(crate) async fn wrap(
        &self,
        tenant: TenantId,
        key: &[u8; KEY],
    ) -> Result<WrappedDataKey, Error> {
        let mut body =
            json!({ "plaintext": STANDARD.encode(key), "associated_data": context(tenant) });
        let answer = self.call("encrypt", &body).await;
        if let Some(Value::String(text)) = body.get_mut("plaintext") {
            text.zeroize();
        }
        wrapped(&answer?)
    }

    pub(crate) async fn unwrap(
        &self,
        tenant: TenantId,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<[u8; KEY]>, Error> {
        let ciphertext = std::str::from_utf8(ciphertext).map_err(|_| Error::Sealed)?;
        let body = json!({ "ciphertext": ciphertext, "associated_data": context(tenant) });
        let mut answer = self.call("decrypt", &body).await?;
        let text = answer["data"]["plaintext"].as_str().unwrap_or_default();
        let bytes = STANDARD.decode(text).map(Zeroizing::new);
        if let Some(Value::String(text)) = answer.pointer_mut("/data/plaintext") {
            text.zeroize();
        }
        let bytes = bytes.map_err(|_| Error::Answer { service: ENGINE })?;
        <[u8; KEY]>::try_from(bytes.as_slice())
            .map(Zeroizing::new)
            .map_err(|_| Error::Answer { service: ENGINE })
    }

    /// Under the newest version of the key, without the data key being given out.
    pub(crate) async fn rewrap(
        &self,
        tenant: TenantId,
        ciphertext: &[u8],
    ) -> Result<WrappedDataKey, Error> {
        let ciphertext = std::str::from_utf8(ciphertext).map_err(|_| Error::Sealed)?;
        let body = json!({ "ciphertext": ciphertext, "associated_data": context(tenant) });
        wrapped(&self.call("rewrap", &body).await?)
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Error> {
        let config = &self.config;
        let base = config.address.as_str().trim_end_matches('/');
        let url = format!("{base}/v1/{}/{operation}/{}", config.mount, config.key_name);
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-vault-token", config.token.expose_secret())
            .header("x-vault-request", "true")
            .body(Bytes::from(body.to_string()))
            .map_err(|_| Error::NotConfigured { section: "vault.transit" })?;
        let unreachable = |source| Error::Unreachable { service: ENGINE, source };
        let answer = self.egress.send(request, &self.limits).await.map_err(unreachable)?;
        let (parts, answer) = answer.into_parts();
        if parts.status == http::StatusCode::BAD_REQUEST && operation != "encrypt" {
            // The engine has one answer for damaged text, another context and a key version that is gone.
            return Err(Error::Sealed);
        }
        if !parts.status.is_success() {
            return Err(refusal(ENGINE, parts.status, "request"));
        }
        serde_json::from_slice(&answer).map_err(|_| Error::Answer { service: ENGINE })
    }
}

/// Bound to the ciphertext by the engine: it opens for the very same alone.
fn context(tenant: TenantId) -> String {
    STANDARD.encode(format!("tenant={}&purpose=data-key", tenant.uuid()))
}

fn wrapped(answer: &Value) -> Result<WrappedDataKey, Error> {
    let text = answer["data"]["ciphertext"].as_str().ok_or(Error::Answer { service: ENGINE })?;
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(text.as_bytes());
    Ok(WrappedDataKey(bytes))
}
