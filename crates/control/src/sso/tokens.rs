//! What is believed of a token: OpenID Connect Core 3.1.3.7 for ID tokens, Back-Channel Logout 1.0 section 2.6 for logout tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, JsonWebKey,
    JsonWebKeyId, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::provider::{Client, Keys};

/// How far the clocks of a provider and of this machine may be apart.
pub(super) const SKEW_SECONDS: i64 = 60;
/// An ID token is fetched right after it was made.
const MAX_AGE_MINUTES: i64 = 10;
/// A logout token older than this is not taken; its `jti` is remembered for longer.
pub(super) const LOGOUT_WINDOW_MINUTES: i64 = 5;
/// What a logout token must be about (Back-Channel Logout 1.0, section 2.4).
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Signatures by a key that the provider alone has. No HMAC: a mistaken one would be keyed with what everybody knows.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Signed by a key that is not among those of the provider: it may have been rotated.
    #[error("it is signed by a key that the provider does not publish")]
    UnknownKey,
    #[error("{0}")]
    Other(String),
}

/// What an ID token must fit.
pub(super) struct Expected<'a> {
    pub(super) client: &'a Client,
    pub(super) nonce: &'a str,
    pub(super) access_token: Option<&'a str>,
    /// The person must have proven who they are since this time.
    pub(super) authenticated_since: Option<DateTime<Utc>>,
    pub(super) now: DateTime<Utc>,
}

/// Claims of a token whose signature and sender are right.
pub(super) type Claims = Map<String, Value>;

/// A logout token that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logout {
    pub(super) id: String,
    pub(super) subject: Option<String>,
    pub(super) provider_session: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<JsonWebKeyId>,
    crit: Option<Value>,
}

// === impl Refusal ===

impl Refusal {
    fn because(why: &(impl ToString + ?Sized)) -> Self {
        Self::Other(why.to_string())
    }
}

impl From<ClaimsVerificationError> for Refusal {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            other => Self::because(&other),
        }
    }
}

impl From<SignatureVerificationError> for Refusal {
    fn from(error: SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoMatchingKey => Self::UnknownKey,
            other => Self::because(&other),
        }
    }
}

/// Checks an ID token and gives its claims.
pub(super) fn check_id_token(
    text: &str,
    keys: Keys,
    expected: &Expected<'_>,
) -> Result<Claims, Refusal> {
    let token: CoreIdToken = text.parse().map_err(|_| Refusal::because("it is not an ID token"))?;
    let (client, now) = (expected.client, expected.now);
    let issuer = IssuerUrl::new(client.issuer.clone()).map_err(|error| Refusal::because(&error))?;
    let skew = TimeDelta::seconds(SKEW_SECONDS);
    let verifier =
        CoreIdTokenVerifier::new_public_client(ClientId::new(client.id.clone()), issuer, keys)
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now - skew)
            .set_issue_time_verifier_fn(move |issued| check_issued(issued, now));
    token.claims(&verifier, &Nonce::new(expected.nonce.to_owned()))?;
    check_access_token(&token, &verifier, expected.access_token)?;
    let claims = payload(text)?;
    check_party(&claims, &client.id)?;
    check_not_before(&claims, now)?;
    if let Some(since) = expected.authenticated_since {
        let at = time(&claims, "auth_time")
            .ok_or_else(|| Refusal::because("it does not say when the person signed in there"))?;
        if at < since - skew {
            return Err(Refusal::because("the person did not sign in again there"));
        }
    }
    Ok(claims)
}

/// Checks a logout token.
pub(super) fn check_logout_token(
    text: &str,
    keys: &Keys,
    client: &Client,
    now: DateTime<Utc>,
) -> Result<Logout, Refusal> {
    check_signature(text, keys)?;
    let claims = payload(text)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    if claim("iss") != Some(client.issuer.as_str()) {
        return Err(Refusal::because("it is of another issuer"));
    }
    let for_us = match &claims.get("aud") {
        Some(Value::String(audience)) => *audience == client.id,
        Some(Value::Array(several)) => several.iter().any(|audience| *audience == client.id),
        _ => false,
    };
    if !for_us {
        return Err(Refusal::because("it is for another client"));
    }
    let issued = time(&claims, "iat").ok_or_else(|| Refusal::because("it has no `iat`"))?;
    let skew = TimeDelta::seconds(SKEW_SECONDS);
    if issued > now + skew || issued < now - TimeDelta::minutes(LOGOUT_WINDOW_MINUTES) {
        return Err(Refusal::because("it is not of this moment"));
    }
    if time(&claims, "exp").is_some_and(|expires| expires <= now - skew) {
        return Err(Refusal::because("it has expired"));
    }
    if claims.contains_key("nonce") {
        return Err(Refusal::because("it has a nonce: it is an ID token"));
    }
    if !claims.get("events").is_some_and(|events| events[LOGOUT_EVENT].is_object()) {
        return Err(Refusal::because("it is not about a logout"));
    }
    let (subject, session) = (claim("sub"), claim("sid"));
    if subject.is_none() && session.is_none() {
        return Err(Refusal::because("it is about nobody"));
    }
    Ok(Logout {
        id: claim("jti").ok_or_else(|| Refusal::because("it has no `jti`"))?.to_owned(),
        subject: subject.map(str::to_owned),
        provider_session: session.map(str::to_owned),
    })
}

/// The issuer time of a token, within what clocks and networks may do.
fn check_issued(issued: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
    if issued > now + TimeDelta::seconds(SKEW_SECONDS) {
        Err("it was made in the future: the clocks differ by more than a minute".to_owned())
    } else if issued < now - TimeDelta::minutes(MAX_AGE_MINUTES) {
        Err("it was made too long ago".to_owned())
    } else {
        Ok(())
    }
}

/// `at_hash` binds the access token to the ID token (OpenID Connect Core, section 3.1.3.8).
fn check_access_token(
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: Option<&str>,
) -> Result<(), Refusal> {
    let claims = token.claims(verifier, |_: Option<&Nonce>| Ok(()))?;
    let (Some(said), Some(access)) = (claims.access_token_hash(), access_token) else {
        return Ok(());
    };
    let key = token.signing_key(verifier)?;
    let access = AccessToken::new(access.to_owned());
    let made = AccessTokenHash::from_token(&access, token.signing_alg()?, key);
    if made.map_err(|error| Refusal::because(&error))? == *said {
        Ok(())
    } else {
        Err(Refusal::because("it came with another access token"))
    }
}

/// `azp` names the client that a token was made for (OpenID Connect Core, section 3.1.3.7, steps 4 and 5).
fn check_party(claims: &Claims, client_id: &str) -> Result<(), Refusal> {
    match claims.get("azp") {
        Some(party) if party == client_id => Ok(()),
        Some(_) => Err(Refusal::because("it was made for another party")),
        None => Ok(()),
    }
}

fn check_not_before(claims: &Claims, now: DateTime<Utc>) -> Result<(), Refusal> {
    let early = time(claims, "nbf").is_some_and(|at| at > now + TimeDelta::seconds(SKEW_SECONDS));
    if early { Err(Refusal::because("it is not valid yet")) } else { Ok(()) }
}

fn check_signature(text: &str, keys: &Keys) -> Result<(), Refusal> {
    let malformed = || Refusal::because("it is not a signed token");
    let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
    let header = signed.split_once('.').ok_or_else(malformed)?.0;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed())?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| malformed())?;
    if !ALGORITHMS.contains(&header.alg) || header.crit.is_some() {
        return Err(Refusal::because("it is signed in a way that is not accepted"));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let known = keys
        .keys()
        .iter()
        .filter(|key| header.kid.is_none() || key.key_id() == header.kid.as_ref());
    let mut known = known.peekable();
    if known.peek().is_none() {
        return Err(Refusal::UnknownKey);
    }
    let fits = |key: &openidconnect::core::CoreJsonWebKey| {
        key.verify_signature(&header.alg, signed.as_bytes(), &signature).is_ok()
    };
    if known.any(fits) { Ok(()) } else { Err(Refusal::because("its signature is wrong")) }
}

/// The claims of a token, read without asking whether they are true.
fn payload(text: &str) -> Result<Claims, Refusal> {
    let malformed = || Refusal::because("its claims cannot be read");
    let part = text.split('.').nth(1).ok_or_else(malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())?;
    serde_json::from_slice(&bytes).map_err(|_| malformed())
}

fn time(claims: &Claims, name: &str) -> Option<DateTime<Utc>> {
    let value = claims.get(name)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of this era fit; others are refused as times"
    )]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use openidconnect::{
        PrivateSigningKey,
        core::{CoreEdDsaPrivateSigningKey, CoreJsonWebKeySet},
    };
    use serde_json::json;
    use sha2::Sha256;

    use super::*;

    /// The example of RFC 8410, section 10.3: everybody's key.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const NOW: i64 = 1_800_000_000;

    fn signer() -> CoreEdDsaPrivateSigningKey {
        CoreEdDsaPrivateSigningKey::from_ed25519_pem(KEY, Some(JsonWebKeyId::new("k1".to_owned())))
            .expect("a key")
    }

    fn keys() -> Keys {
        CoreJsonWebKeySet::new(vec![signer().as_verification_key()])
    }

    fn us() -> Client {
        Client {
            id: "patchbay".to_owned(),
            secret: None,
            name: "Acme ID".to_owned(),
            issuer: "https://id.acme.example".to_owned(),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(NOW, 0).expect("a time")
    }

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature =
            signer().sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes()).expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": "https://id.acme.example", "sub": "1", "aud": "patchbay", "nonce": "n",
            "iat": NOW, "exp": NOW + 300,
        });
        change(&mut claims);
        signed(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims)
    }

    fn check(text: &str) -> Result<Claims, Refusal> {
        let client = us();
        let expected = Expected {
            client: &client,
            nonce: "n",
            access_token: Some("access"),
            authenticated_since: None,
            now: now(),
        };
        check_id_token(text, keys(), &expected)
    }

    #[test]
    fn only_a_token_of_this_sign_in_is_believed() {
        assert_eq!(check(&token(|_| ())).expect("believed")["sub"], "1");
        let wrong: [(&str, Value); 8] = [
            ("iss", json!("https://evil.example")),
            ("aud", json!("another-client")),
            ("aud", json!(["patchbay", "another-client"])),
            ("azp", json!("another-client")),
            ("nonce", json!("of another sign-in")),
            ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            ("exp", json!(NOW - 61)),
            ("nbf", json!(NOW + 61)),
        ];
        for (claim, value) in wrong {
            let refused = check(&token(|claims| claims[claim] = value.clone()));
            assert!(refused.is_err(), "{claim} {value}");
        }
        assert!(check(&token(|claims| claims["iat"] = json!(NOW + 61))).is_err());
        assert!(check(&token(|claims| claims["iat"] = json!(NOW - 3600))).is_err());
    }

    #[test]
    fn clocks_may_be_apart_by_a_minute() {
        assert!(check(&token(|claims| claims["iat"] = json!(NOW + 59))).is_ok());
        assert!(check(&token(|claims| claims["exp"] = json!(NOW - 59))).is_ok());
        assert!(check(&token(|claims| claims["nbf"] = json!(NOW + 59))).is_ok());
    }

    #[test]
    fn neither_no_signature_nor_one_by_what_everybody_knows_is_believed() {
        let claims = json!({
            "iss": "https://id.acme.example", "sub": "1", "aud": "patchbay", "nonce": "n",
            "iat": NOW, "exp": NOW + 300,
        });
        let none = format!("{}.{}.", encoded(&json!({ "alg": "none" })), encoded(&claims));
        assert!(check(&none).is_err());
        let public = serde_json::to_string(&keys()).expect("JSON");
        let text =
            format!("{}.{}", encoded(&json!({ "alg": "HS256", "kid": "k1" })), encoded(&claims));
        let mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).expect("any length");
        let mac = mac.chain_update(text.as_bytes()).finalize().into_bytes();
        assert!(check(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac))).is_err());
        let unknown = signed(&json!({ "alg": "EdDSA", "kid": "k2" }), &claims);
        assert_eq!(check(&unknown), Err(Refusal::UnknownKey));
    }

    #[test]
    fn logout_token_is_of_this_moment_about_somebody_and_no_id_token() {
        let made = |change: &dyn Fn(&mut Value)| {
            let mut claims = json!({
                "iss": "https://id.acme.example", "aud": "patchbay", "iat": NOW, "jti": "j1", "sub": "1",
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            change(&mut claims);
            let text =
                signed(&json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" }), &claims);
            check_logout_token(&text, &keys(), &us(), now())
        };
        assert_eq!(made(&|_| ()).expect("believed").subject.as_deref(), Some("1"));
        let changes: [&dyn Fn(&mut Value); 8] = [
            &|it| it["iss"] = json!("https://evil.example"),
            &|it| it["aud"] = json!("another-client"),
            &|it| it["iat"] = json!(NOW - 3600),
            &|it| it["iat"] = json!(NOW + 120),
            &|it| it["nonce"] = json!("n"),
            &|it| it["events"] = json!({}),
            &|it| it["sub"] = Value::Null,
            &|it| it["jti"] = Value::Null,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert!(made(change).is_err(), "change {number}");
        }
    }
}
