//! Signatures by Standard Webhooks 1.0.0: `v1,` and the base64 of an HMAC-SHA256 over id, time and body.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{SecretString, secret::ExposeSecret};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, error::Fault};

/// How the text of a key begins ("Signature scheme" of the specification).
const PREFIX: &str = "whsec_";
/// Between the 24 and 64 bytes that the specification asks for.
const KEY_BYTES: usize = 32;

/// A fresh key, as it is shown to whoever made the webhook.
pub(super) fn new_secret() -> Result<SecretString, Error> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|error| Error::internal(Fault::Random(error)))?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(*bytes)).into())
}

/// The header `webhook-signature`: one signature by each key, newest first.
pub(super) fn sign(
    secrets: &[SecretString],
    id: &str,
    at: DateTime<Utc>,
    body: &str,
) -> Result<String, Error> {
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let text = secret.expose_secret().strip_prefix(PREFIX);
        let key = text.and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        let key = key.ok_or_else(|| Error::internal(Fault::CredentialShape))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{}.{body}", at.timestamp()).as_bytes());
        signatures.push(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the libraries of Standard Webhooks.
    #[test]
    fn signature_is_the_one_of_the_specification() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = DateTime::from_timestamp(1_614_265_330, 0).expect("a time");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = sign(&[secret], id, at, r#"{"test": 2432232314}"#).expect("a signature");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn fresh_key_is_of_32_bytes_and_never_the_same() {
        let (one, other) = (new_secret().expect("a key"), new_secret().expect("a key"));
        let text = one.expose_secret().strip_prefix(PREFIX).expect("a prefix");
        assert_eq!(STANDARD.decode(text).expect("base64").len(), KEY_BYTES);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
