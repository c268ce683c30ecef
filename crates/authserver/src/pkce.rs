//! Proof that whoever redeems a code began it (RFC 7636). `S256` alone: `plain` protects nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Error;

/// Bytes of a SHA-256 hash in base64url.
const CHALLENGE_LENGTH: usize = 43;

/// A `code_challenge` of method `S256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(String);

// === impl Challenge ===

impl Challenge {
    /// Reads the two parameters of an authorization request.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`](crate::Code::InvalidRequest) without a challenge, for another method, or for what is no hash.
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, Error> {
        let challenge =
            challenge.ok_or_else(|| Error::request("PKCE is needed: send a `code_challenge`"))?;
        if method != Some("S256") {
            return Err(Error::request("`code_challenge_method` must be `S256`"));
        }
        Self::of_stored(challenge)
            .ok_or_else(|| Error::request("`code_challenge` is no SHA-256 hash in base64url"))
    }

    /// Reads what was kept with a code.
    pub fn of_stored(text: &str) -> Option<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
        (text.len() == CHALLENGE_LENGTH && decoded.len() == 32).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this verifier (43 to 128 unreserved characters) is the one that the challenge was made from.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return false;
        }
        let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        made.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn challenge_of_the_rfc_is_met_by_its_verifier_alone() {
        let challenge = Challenge::parse(Some(CHALLENGE), Some("S256")).expect("a challenge");
        assert!(challenge.is_met_by(VERIFIER));
        for wrong in ["", CHALLENGE, &VERIFIER[..42], &VERIFIER.replace('d', "e")] {
            assert!(!challenge.is_met_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn missing_plain_and_malformed_challenges_are_refused() {
        assert!(Challenge::parse(None, Some("S256")).is_err());
        assert!(Challenge::parse(Some(CHALLENGE), None).is_err());
        assert!(Challenge::parse(Some(CHALLENGE), Some("plain")).is_err());
        for short in ["short", &CHALLENGE[..42], &format!("{CHALLENGE}A")] {
            assert!(Challenge::parse(Some(short), Some("S256")).is_err(), "{short}");
        }
    }

    #[test]
    fn short_verifier_does_not_count_even_if_its_hash_fits() {
        let short = "a".repeat(42);
        let made = URL_SAFE_NO_PAD.encode(Sha256::digest(&short));
        let challenge = Challenge::parse(Some(&made), Some("S256")).expect("a challenge");
        assert!(!challenge.is_met_by(&short));
    }
}
