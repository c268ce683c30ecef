//! An authorization request (OAuth 2.1, section 4.1.1), in the order in which it may be believed.

use crate::{Challenge, Client, Code, Error, Form, Issuer, RedirectUri, Scopes};

/// A request whose client and way back are known: from here on errors go to the client.
#[derive(Debug, Clone)]
pub struct Started {
    pub client: Client,
    pub redirect: RedirectUri,
    pub state: Option<String>,
}

/// A request that a person may be asked about.
#[derive(Debug, Clone)]
pub struct Request {
    pub client: Client,
    pub redirect: RedirectUri,
    pub state: Option<String>,
    pub scopes: Scopes,
    pub challenge: Challenge,
    /// The endpoint that the token will be for.
    pub resource: String,
}

// === impl Started ===

impl Started {
    /// Which client a request says it is from.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when it does not say.
    pub fn client_id(form: &Form) -> Result<&str, Error> {
        form.required("client_id")
    }

    /// Checks where the answer goes. An error is for the person: it must not go there.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] and [`Code::InvalidRedirectUri`].
    pub fn begin(form: &Form, client: Client) -> Result<Self, Error> {
        let redirect = client.redirect(form.required("redirect_uri")?)?;
        let state = form.get("state").map(str::to_owned);
        Ok(Self { client, redirect, state })
    }

    /// Checks everything else. An error goes to the client.
    ///
    /// # Errors
    /// The codes of RFC 6749, section 4.1.2.1, and [`Code::InvalidTarget`] for another resource.
    pub fn check(&self, form: &Form, issuer: &Issuer) -> Result<Request, Error> {
        if form.required("response_type")? != "code" {
            let why = "`response_type` must be `code`";
            return Err(Error::new(Code::UnsupportedResponseType, why));
        }
        let method = form.get("code_challenge_method");
        let challenge = Challenge::parse(form.get("code_challenge"), method)?;
        let resource = issuer.check_resource(form.get("resource"))?;
        Ok(Request {
            client: self.client.clone(),
            redirect: self.redirect.clone(),
            state: self.state.clone(),
            scopes: Scopes::requested(form.get("scope")),
            challenge,
            resource,
        })
    }

    /// The URI that tells the client what went wrong.
    pub fn refused(&self, issuer: &Issuer, error: &Error) -> String {
        let answer =
            [("error", error.code.as_str()), ("error_description", error.description.as_ref())];
        self.redirect.answer(issuer, self.state.as_deref(), &answer)
    }
}

// === impl Request ===

impl Request {
    /// The URI that brings the client its code.
    pub fn granted(&self, issuer: &Issuer, code: &str) -> String {
        self.redirect.answer(issuer, self.state.as_deref(), &[("code", code)])
    }

    /// The URI that tells the client what went wrong.
    pub fn refused(&self, issuer: &Issuer, error: &Error) -> String {
        let (client, redirect) = (self.client.clone(), self.redirect.clone());
        Started { client, redirect, state: self.state.clone() }.refused(issuer, error)
    }
}

// === impl Issuer ===

impl Issuer {
    /// The resource of a request (RFC 8707): this organisation's endpoint, said or meant. Clients of before 2025-06-18 do not say.
    ///
    /// # Errors
    /// [`Code::InvalidTarget`] for any other.
    pub fn check_resource(&self, asked: Option<&str>) -> Result<String, Error> {
        let ours = self.resource();
        match asked {
            None => Ok(ours),
            Some(asked) if asked.trim_end_matches('/') == ours => Ok(ours),
            Some(_) => Err(Error::new(
                Code::InvalidTarget,
                "this server grants no access to that resource",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientKind;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn issuer() -> Issuer {
        Issuer::new("https://p.example", "acme")
    }

    fn started(form: &Form) -> Result<Started, Error> {
        let redirect_uris = vec![RedirectUri::parse("https://c.example/cb").expect("a URI")];
        let client = Client {
            id: "c".to_owned(),
            name: "C".to_owned(),
            redirect_uris,
            kind: ClientKind::Registered,
        };
        Started::begin(form, client)
    }

    fn form(change: &[(&str, Option<&str>)]) -> Form {
        let mut values = vec![
            ("response_type", "code"),
            ("client_id", "c"),
            ("redirect_uri", "https://c.example/cb"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "xyz"),
            ("resource", "https://p.example/t/acme/mcp"),
        ];
        for (name, value) in change {
            values.retain(|(known, _)| known != name);
            values.extend(value.map(|value| (*name, value)));
        }
        let text =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
        Form::parse(&text).expect("a form")
    }

    fn refusal(change: &[(&str, Option<&str>)]) -> (Code, String) {
        let form = form(change);
        let started = started(&form).expect("a way back");
        let error = started.check(&form, &issuer()).expect_err("a refusal");
        (error.code, started.refused(&issuer(), &error))
    }

    #[test]
    fn good_request_says_what_is_asked_for() {
        let form = form(&[("scope", Some("mcp offline_access"))]);
        let request =
            started(&form).expect("a way back").check(&form, &issuer()).expect("a request");
        assert_eq!(request.scopes.to_string(), "mcp offline_access");
        assert_eq!(request.resource, "https://p.example/t/acme/mcp");
        let answer = request.granted(&issuer(), "c0de");
        assert!(answer.starts_with("https://c.example/cb?code=c0de&state=xyz&iss="), "{answer}");
    }

    #[test]
    fn person_is_told_when_the_way_back_is_not_the_clients() {
        for change in [Some("https://evil.example/cb"), Some("https://c.example/cb/"), None] {
            assert!(started(&form(&[("redirect_uri", change)])).is_err(), "{change:?}");
        }
    }

    #[test]
    fn client_is_told_what_else_is_wrong() {
        for (name, value, code) in [
            ("response_type", Some("token"), Code::UnsupportedResponseType),
            ("response_type", None, Code::InvalidRequest),
            ("code_challenge", None, Code::InvalidRequest),
            ("code_challenge_method", Some("plain"), Code::InvalidRequest),
            ("resource", Some("https://p.example/t/globex/mcp"), Code::InvalidTarget),
        ] {
            let (found, answer) = refusal(&[(name, value)]);
            assert_eq!(found, code, "{name}");
            let word = format!("error={}", code.as_str());
            assert!(answer.contains(&word) && answer.contains("state=xyz&iss="), "{answer}");
        }
    }
}
