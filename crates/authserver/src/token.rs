//! A request at the token endpoint (OAuth 2.1, sections 4.1.3 and 4.3.1).

use crate::{Code, Error, Form};

/// What a client wants to exchange for an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    Code { client_id: String, code: String, redirect_uri: String, verifier: String },
    Refresh { client_id: String, token: String, scope: Option<String> },
}

// === impl TokenRequest ===

impl TokenRequest {
    /// Reads one.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for a missing parameter, [`Code::UnsupportedGrantType`].
    pub fn parse(form: &Form) -> Result<Self, Error> {
        let text = |name: &str| form.required(name).map(str::to_owned);
        match form.required("grant_type")? {
            "authorization_code" => Ok(Self::Code {
                client_id: text("client_id")?,
                code: text("code")?,
                redirect_uri: text("redirect_uri")?,
                verifier: text("code_verifier")?,
            }),
            "refresh_token" => Ok(Self::Refresh {
                client_id: text("client_id")?,
                token: text("refresh_token")?,
                scope: form.get("scope").map(str::to_owned),
            }),
            _ => Err(Error::new(
                Code::UnsupportedGrantType,
                "`grant_type` must be `authorization_code` or `refresh_token`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_parameter_is_named() {
        let whole =
            "grant_type=authorization_code&client_id=c&code=x&redirect_uri=u&code_verifier=v";
        assert!(TokenRequest::parse(&Form::parse(whole).expect("a form")).is_ok());
        for name in ["grant_type", "client_id", "code", "redirect_uri", "code_verifier"] {
            let pairs = whole.split('&').filter(|pair| !pair.starts_with(&format!("{name}=")));
            let form = Form::parse(&pairs.collect::<Vec<_>>().join("&")).expect("a form");
            let error = TokenRequest::parse(&form).expect_err(name);
            assert!(error.description.contains(name), "{error}");
        }
        let form = Form::parse("grant_type=password&username=a&password=b").expect("a form");
        assert_eq!(
            TokenRequest::parse(&form).expect_err("refused").code,
            Code::UnsupportedGrantType
        );
    }
}
