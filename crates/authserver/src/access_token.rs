//! Access tokens: signed JWTs (RFC 9068) that live for minutes and say what they are for.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::{Keys, Scopes};

/// `typ` of an access token: nothing else that we or anybody signs has it.
const TYPE: &str = "at+jwt";
/// How far the clocks of two of our machines may be apart.
const SKEW_SECONDS: i64 = 30;
/// Longer than any of ours.
const MAX_LENGTH: usize = 2048;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// [`Issuer::as_str`](crate::Issuer::as_str).
    pub iss: String,
    /// Whom it stands for.
    pub sub: String,
    /// [`Issuer::resource`](crate::Issuer::resource): the one endpoint that takes it.
    pub aud: String,
    pub client_id: String,
    pub scope: String,
    /// The grant that it comes from: when that is over, so is the token.
    pub grant: String,
    pub jti: String,
    /// Seconds since 1970.
    pub iat: i64,
    pub exp: i64,
}

/// Why a token is not believed. Clients hear no more than that it is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is not an access token of ours")]
    Foreign,
    #[error("it has expired")]
    Expired,
    #[error("it is for another endpoint")]
    Audience,
}

// === impl AccessToken ===

impl AccessToken {
    /// Signs it with the key of `iat`.
    ///
    /// # Errors
    /// [`TokenError::Foreign`] if the signature cannot be made, which does not happen with a key of ours.
    pub fn sign(&self, keys: &Keys) -> Result<String, TokenError> {
        let key = keys.current(self.iat);
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(key.id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let secret = EncodingKey::from_ed_der(&key.pkcs8());
        jsonwebtoken::encode(&header, self, &secret).map_err(|_| TokenError::Foreign)
    }

    /// What it is good for.
    pub fn scopes(&self) -> Scopes {
        Scopes::requested(Some(&self.scope))
    }
}

/// Reads a presented token: one algorithm, one type, our key, our issuer, this audience, and alive at `now`.
///
/// # Errors
/// [`TokenError`].
pub fn verify(
    text: &str,
    keys: &Keys,
    issuer: &crate::Issuer,
    now: i64,
) -> Result<AccessToken, TokenError> {
    if text.len() > MAX_LENGTH {
        return Err(TokenError::Foreign);
    }
    let header = jsonwebtoken::decode_header(text).map_err(|_| TokenError::Foreign)?;
    if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
        return Err(TokenError::Foreign);
    }
    let key = header.kid.and_then(|id| keys.find(&id, now)).ok_or(TokenError::Foreign)?;
    let public = DecodingKey::from_ed_components(&key.public).map_err(|_| TokenError::Foreign)?;
    // Times and names are compared below, by the caller's clock.
    let mut signature_alone = Validation::new(Algorithm::EdDSA);
    signature_alone.validate_exp = false;
    signature_alone.validate_aud = false;
    signature_alone.required_spec_claims.clear();
    let token = jsonwebtoken::decode::<AccessToken>(text, &public, &signature_alone)
        .map_err(|_| TokenError::Foreign)?
        .claims;
    if token.iss != issuer.as_str() {
        return Err(TokenError::Foreign);
    }
    if token.aud != issuer.resource() {
        return Err(TokenError::Audience);
    }
    if now >= token.exp || token.iat > now + SKEW_SECONDS {
        return Err(TokenError::Expired);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Issuer;

    fn token(issuer: &Issuer) -> AccessToken {
        AccessToken {
            iss: issuer.as_str().to_owned(),
            sub: "user:1".to_owned(),
            aud: issuer.resource(),
            client_id: "client".to_owned(),
            scope: "mcp".to_owned(),
            grant: "grant:1".to_owned(),
            jti: "1".to_owned(),
            iat: 1_000_000,
            exp: 1_000_600,
        }
    }

    #[test]
    fn token_is_good_at_its_endpoint_in_its_time_and_nowhere_else() {
        let (keys, acme) = (Keys::new([1; 32]), Issuer::new("https://p.example", "acme"));
        let signed = token(&acme).sign(&keys).expect("signed");
        assert_eq!(verify(&signed, &keys, &acme, 1_000_599), Ok(token(&acme)));
        assert_eq!(verify(&signed, &keys, &acme, 1_000_600), Err(TokenError::Expired));
        assert_eq!(verify(&signed, &keys, &acme, 999_900), Err(TokenError::Expired));
        let other = Issuer::new("https://p.example", "globex");
        assert_eq!(verify(&signed, &keys, &other, 1_000_001), Err(TokenError::Foreign));
        let foreign = Keys::new([2; 32]);
        assert_eq!(verify(&signed, &foreign, &acme, 1_000_001), Err(TokenError::Foreign));
    }

    #[test]
    fn token_of_ours_for_another_audience_is_refused() {
        let (keys, acme) = (Keys::new([1; 32]), Issuer::new("https://p.example", "acme"));
        let elsewhere =
            AccessToken { aud: "https://p.example/t/acme/other".to_owned(), ..token(&acme) };
        let signed = elsewhere.sign(&keys).expect("signed");
        assert_eq!(verify(&signed, &keys, &acme, 1_000_001), Err(TokenError::Audience));
    }

    #[test]
    fn other_algorithms_and_types_are_refused_even_with_our_key() {
        let (keys, acme) = (Keys::new([1; 32]), Issuer::new("https://p.example", "acme"));
        let key = keys.current(1_000_000);
        let header = |alg, typ: &str| Header {
            typ: Some(typ.to_owned()),
            kid: Some(key.id.clone()),
            ..Header::new(alg)
        };
        // The public half as the secret of an HMAC: what everybody knows.
        let hmac = EncodingKey::from_base64_secret(&format!(
            "{}=",
            key.public.replace('-', "+").replace('_', "/")
        ))
        .expect("a secret");
        let confused = jsonwebtoken::encode(&header(Algorithm::HS256, TYPE), &token(&acme), &hmac);
        let secret = EncodingKey::from_ed_der(&key.pkcs8());
        let identity =
            jsonwebtoken::encode(&header(Algorithm::EdDSA, "JWT"), &token(&acme), &secret);
        let signed = token(&acme).sign(&keys).expect("signed");
        let body = signed.split('.').nth(1).expect("claims");
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}.");
        for forged in [confused.expect("signed"), identity.expect("signed"), unsigned] {
            assert_eq!(
                verify(&forged, &keys, &acme, 1_000_001),
                Err(TokenError::Foreign),
                "{forged}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn token_with_any_other_character_is_refused(place in 0_usize..400, letter in "[A-Za-z0-9_-]") {
            let (keys, acme) = (Keys::new([1; 32]), Issuer::new("https://p.example", "acme"));
            let signed = token(&acme).sign(&keys).expect("signed");
            let place = place % signed.len();
            let mut changed = signed.clone();
            changed.replace_range(place..=place, &letter);
            // The last letter of a part carries bits that mean nothing: only what decodes to something else must be refused.
            proptest::prop_assume!(changed != signed);
            if let Ok(read) = verify(&changed, &keys, &acme, 1_000_001) {
                proptest::prop_assert_eq!(read, token(&acme));
            }
        }
    }
}
