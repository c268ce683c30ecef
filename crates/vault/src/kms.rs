//! A key service that speaks the AWS KMS protocol (JSON 1.1, Signature Version 4): the key-encryption key never leaves it.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
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
    wrap::Fresh,
};

/// First byte of what is wrapped here; the service's own ciphertext follows.
pub(crate) const FORMAT: u8 = 3;
const SERVICE: &str = "kms";
const SERVICE_NAME: &str = "the key service";

/// A key of a service that speaks the AWS KMS protocol.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KmsConfig {
    /// Address of the service, for instance `https://kms.eu-central-1.amazonaws.com`. Env: `PATCHBAY__VAULT__KMS__ENDPOINT`
    pub endpoint: Url,
    /// Region for which requests are signed. Env: `PATCHBAY__VAULT__KMS__REGION`
    pub region: String,
    /// Id, alias or ARN of the symmetric key. Env: `PATCHBAY__VAULT__KMS__KEY_ID`
    pub key_id: String,
    /// Who signs: access key id. Env: `PATCHBAY__VAULT__KMS__ACCESS_KEY_ID`
    pub access_key_id: String,
    /// Secret of the access key. Env: `PATCHBAY__VAULT__KMS__SECRET_ACCESS_KEY`
    #[serde(serialize_with = "shown_hidden")]
    #[schemars(with = "String")]
    pub secret_access_key: SecretString,
}

/// The service, and the key in it.
pub(crate) struct Kms {
    config: KmsConfig,
    egress: Egress,
    limits: Limits,
}

// === impl Kms ===

impl Kms {
    pub(crate) fn build(config: &KmsConfig) -> Result<Self, Error> {
        if config.endpoint.host_str().is_none() {
            return Err(Error::NotConfigured { section: "vault.kms.endpoint" });
        }
        Ok(Self { config: config.clone(), egress: operator_egress(), limits: LIMITS })
    }

    pub(crate) fn name(&self) -> String {
        format!("aws_kms:{}", self.config.key_id)
    }

    pub(crate) async fn generate(&self, tenant: TenantId) -> Result<Fresh, Error> {
        let body = json!({
            "KeyId": self.config.key_id,
            "KeySpec": "AES_256",
            "EncryptionContext": context(tenant),
        });
        let answer = self.call("GenerateDataKey", &body).await?;
        let wrapped = wrapped(&answer)?;
        Ok(Fresh { key: plain_key(answer)?, wrapped })
    }

    pub(crate) async fn wrap(
        &self,
        tenant: TenantId,
        key: &[u8; KEY],
    ) -> Result<WrappedDataKey, Error> {
        let mut body = json!({
            "KeyId": self.config.key_id,
            "Plaintext": STANDARD.encode(key),
            "EncryptionContext": context(tenant),
        });
        let answer = self.call("Encrypt", &body).await;
        wipe(&mut body, "Plaintext");
        wrapped(&answer?)
    }

    pub(crate) async fn unwrap(
        &self,
        tenant: TenantId,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<[u8; KEY]>, Error> {
        let body = json!({
            "CiphertextBlob": STANDARD.encode(ciphertext),
            "EncryptionContext": context(tenant),
        });
        plain_key(self.call("Decrypt", &body).await?)
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Error> {
        let body = body.to_string();
        let mut request = Request::post(self.config.endpoint.as_str())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("TrentService.{operation}"))
            .body(Bytes::from(body))
            .map_err(|_| Error::NotConfigured { section: "vault.kms.endpoint" })?;
        self.sign(&mut request)?;
        let answer = self.egress.send(request, &self.limits).await.map_err(unreachable)?;
        let (parts, answer) = answer.into_parts();
        if !parts.status.is_success() {
            return Err(refusal(SERVICE_NAME, parts.status, &kind_of(&answer)));
        }
        serde_json::from_slice(&answer).map_err(|_| Error::Answer { service: SERVICE_NAME })
    }

    /// Dated by the machine's own clock: the service refuses any other.
    fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Error> {
        let config = &self.config;
        let secret = config.secret_access_key.expose_secret();
        let credentials = Credentials::new(&config.access_key_id, secret, None, None, "patchbay");
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&config.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| Error::NotConfigured { section: "vault.kms" })?
            .into();
        let url = request.uri().to_string();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let unsignable = |_| Error::NotConfigured { section: "vault.kms" };
        let signable = SignableRequest::new("POST", &url, headers, body).map_err(unsignable)?;
        let (instructions, _) = sign(signable, &params).map_err(unsignable)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

fn unreachable(source: egress::Error) -> Error {
    Error::Unreachable { service: SERVICE_NAME, source }
}

/// Bound to the ciphertext by the service: it opens for the very same alone, and stands in the service's own log.
fn context(tenant: TenantId) -> Value {
    json!({ "tenant": tenant.uuid(), "purpose": "data-key" })
}

fn wrapped(answer: &Value) -> Result<WrappedDataKey, Error> {
    let unreadable = || Error::Answer { service: SERVICE_NAME };
    let blob = answer["CiphertextBlob"].as_str().ok_or_else(unreadable)?;
    let mut bytes = vec![FORMAT];
    bytes.extend(STANDARD.decode(blob).map_err(|_| unreadable())?);
    Ok(WrappedDataKey(bytes))
}

fn plain_key(mut answer: Value) -> Result<Zeroizing<[u8; KEY]>, Error> {
    let text = answer["Plaintext"].as_str().unwrap_or_default();
    let bytes = STANDARD.decode(text).map(Zeroizing::new);
    wipe(&mut answer, "Plaintext");
    let bytes = bytes.map_err(|_| Error::Answer { service: SERVICE_NAME })?;
    <[u8; KEY]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| Error::Answer { service: SERVICE_NAME })
}

fn wipe(body: &mut Value, field: &str) {
    if let Some(Value::String(text)) = body.get_mut(field) {
        text.zeroize();
    }
}

/// The service's own word for what went wrong, without its message.
fn kind_of(answer: &Bytes) -> String {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let kind = answer["__type"].as_str().unwrap_or("unknown");
    kind.rsplit('#').next().unwrap_or(kind).chars().take(80).collect()
}
