//! The keys that sign access tokens. They follow from one secret and the calendar: every process has the same ones without asking
//! anybody, and a new one comes into use by itself.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How long one key signs.
pub const KEY_DAYS: i64 = 30;
const KEY_SECONDS: i64 = KEY_DAYS * 24 * 3600;
/// PKCS #8 of an Ed25519 private key, up to its 32 bytes (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Makes the signing keys. Cannot be printed.
pub struct Keys {
    secret: Zeroizing<[u8; 32]>,
}

/// One of them.
pub(crate) struct Key {
    seed: Zeroizing<[u8; 32]>,
    /// The public half, in base64url.
    pub(crate) public: String,
    pub(crate) id: String,
}

// === impl Keys ===

impl Keys {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret: Zeroizing::new(secret) }
    }

    /// The key that signs now. `now` in seconds since 1970.
    pub(crate) fn current(&self, now: i64) -> Key {
        self.of_period(now.div_euclid(KEY_SECONDS))
    }

    /// The key by this name, if it may have signed something that still counts.
    pub(crate) fn find(&self, id: &str, now: i64) -> Option<Key> {
        self.around(now).into_iter().find(|key| key.id == id)
    }

    /// The public keys (RFC 7517): the one in use, the one before, whose last tokens may still live, and the next, so that whoever
    /// keeps this document for a while knows it before it signs.
    pub fn document(&self, now: i64) -> Value {
        let keys: Vec<Value> = self.around(now).iter().map(Key::document).collect();
        json!({ "keys": keys })
    }

    fn around(&self, now: i64) -> [Key; 3] {
        let period = now.div_euclid(KEY_SECONDS);
        [period, period - 1, period + 1].map(|period| self.of_period(period))
    }

    fn of_period(&self, period: i64) -> Key {
        let mut seed = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, &*self.secret)
            .expand(format!("access token key {period}").as_bytes(), &mut *seed)
            .expect("32 bytes are within what HKDF gives");
        let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        let id = URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..12]);
        Key { seed, public: URL_SAFE_NO_PAD.encode(public), id }
    }
}

// === impl Key ===

impl Key {
    pub(crate) fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([PKCS8_HEAD.as_slice(), &*self.seed].concat())
    }

    fn document(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": self.id, "x": self.public,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_key_is_published_a_month_before_it_signs_and_the_last_stays_a_month() {
        let keys = Keys::new([7; 32]);
        let now = 700 * KEY_SECONDS;
        let names =
            |at: i64| -> Vec<String> { keys.around(at).iter().map(|key| key.id.clone()).collect() };
        let current = keys.current(now).id;
        assert_eq!(keys.current(now + KEY_SECONDS - 1).id, current);
        assert_ne!(keys.current(now + KEY_SECONDS).id, current);
        assert!(names(now - KEY_SECONDS).contains(&current));
        assert!(names(now + KEY_SECONDS).contains(&current));
        assert!(!names(now + 2 * KEY_SECONDS).contains(&current));
        assert!(keys.find(&current, now + 2 * KEY_SECONDS).is_none());
    }

    #[test]
    fn published_document_holds_no_private_half() {
        let text = Keys::new([7; 32]).document(0).to_string();
        assert!(!text.contains("\"d\""), "{text}");
    }
}
