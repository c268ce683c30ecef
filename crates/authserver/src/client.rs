//! Who asks: a client that registered (RFC 7591) or one whose id is the address of a document about it (client id metadata
//! documents). All of them are public clients: PKCE binds a code to whoever began it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use crate::{Code, Error, RedirectUri, redirect::is_loopback};

/// Most redirect URIs of one client.
const MAX_REDIRECTS: usize = 20;
/// Longest name that is shown.
const MAX_NAME: usize = 80;

/// A program that asks for access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// As it calls itself: a claim.
    pub name: String,
    pub redirect_uris: Vec<RedirectUri>,
    pub kind: ClientKind,
}

/// How we know of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// It registered itself: anybody can, under any name.
    Registered,
    /// Its id is a document at its own host, which vouches for the redirect URIs.
    Document,
}

/// What a client says of itself to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub name: String,
    pub redirect_uris: Vec<RedirectUri>,
}

// === impl Client ===

impl Client {
    /// The redirect URI of a request, if the client has it.
    ///
    /// # Errors
    /// [`Code::InvalidRedirectUri`], to be shown to the person: an answer must not go there.
    pub fn redirect(&self, asked: &str) -> Result<RedirectUri, Error> {
        let uri = RedirectUri::parse(asked)?;
        if self.redirect_uris.iter().any(|registered| uri.matches(registered)) {
            return Ok(uri);
        }
        Err(Error::new(Code::InvalidRedirectUri, "this client has no such redirect URI"))
    }

    /// The host that vouches for the client; none for one that registered itself.
    pub fn vouched_by(&self) -> Option<String> {
        let url = Url::parse(&self.id).ok().filter(|_| self.kind == ClientKind::Document)?;
        url.host_str().map(str::to_owned)
    }
}

// === impl Registration ===

impl Registration {
    /// Reads a registration request (RFC 7591, section 2). Members that we do not know are left out.
    ///
    /// # Errors
    /// [`Code::InvalidRedirectUri`] and [`Code::InvalidClientMetadata`].
    pub fn parse(metadata: &Value) -> Result<Self, Error> {
        let metadata =
            metadata.as_object().ok_or_else(|| metadata_error("it is no JSON object"))?;
        read(metadata)
    }

    /// The same client registers under the same digest, however often it does.
    pub fn digest(&self) -> String {
        let mut uris: Vec<&str> = self.redirect_uris.iter().map(RedirectUri::as_str).collect();
        uris.sort_unstable();
        let text = json!([self.name, uris]).to_string();
        URL_SAFE_NO_PAD.encode(Sha256::digest(text))
    }

    /// The answer to a registration (RFC 7591, section 3.2.1): what was taken, not what was asked for.
    pub fn answer(&self, client_id: &str) -> Value {
        let uris: Vec<&str> = self.redirect_uris.iter().map(RedirectUri::as_str).collect();
        json!({
            "client_id": client_id,
            "client_name": self.name,
            "redirect_uris": uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    }
}

/// Whether a `client_id` is the address of a document rather than the name of a registration.
pub fn is_document_url(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

/// Whether a document may be fetched from there (client id metadata documents, section 3). Whoever develops a client may keep it
/// on their own machine; whether anything there is asked at all is up to the operator's rules for outgoing requests.
///
/// # Errors
/// [`Code::InvalidClient`], saying which rule it breaks.
pub fn document_url(client_id: &str) -> Result<Url, Error> {
    let refused = |why: &'static str| Err(Error::client(why));
    let Ok(url) = Url::parse(client_id) else { return refused("this client id is no URL") };
    let development = url.scheme() == "http" && is_loopback(&url);
    if !(url.scheme() == "https" || development) || client_id.len() > 500 {
        return refused("a client id that is a URL is an `https:` one");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return refused("a client id has no fragment and no user name");
    }
    if url.path() == "/" || !(development || matches!(url.host(), Some(Host::Domain(_)))) {
        return refused("a client id has a host name and a path");
    }
    // What the parser would have changed (dot segments, case, an empty port) names the same document by two ids.
    if url.as_str() != client_id {
        return refused("a client id is written in its normal form");
    }
    Ok(url)
}

/// Reads the document that was found at a client id.
///
/// # Errors
/// [`Code::InvalidClient`] when it is about another id or keeps a secret in public; errors of the redirect URIs.
pub fn document_client(client_id: &str, document: &Value) -> Result<Client, Error> {
    let metadata =
        document.as_object().ok_or_else(|| Error::client("the client's document is no object"))?;
    if metadata.get("client_id").and_then(Value::as_str) != Some(client_id) {
        return Err(Error::client("the client's document is about another client id"));
    }
    let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
    let symmetric = method.is_some_and(|method| method.starts_with("client_secret"));
    if symmetric || metadata.keys().any(|name| name.starts_with("client_secret")) {
        return Err(Error::client("a secret in a public document protects nothing"));
    }
    let Registration { name, redirect_uris } = read(metadata)?;
    Ok(Client { id: client_id.to_owned(), name, redirect_uris, kind: ClientKind::Document })
}

fn read(metadata: &Map<String, Value>) -> Result<Registration, Error> {
    let uris = metadata.get("redirect_uris").and_then(Value::as_array);
    let uris = uris.map(Vec::as_slice).unwrap_or_default();
    if uris.is_empty() || uris.len() > MAX_REDIRECTS {
        return Err(Error::new(Code::InvalidRedirectUri, "a client has 1 to 20 redirect URIs"));
    }
    let uris = uris.iter().map(|uri| RedirectUri::parse(uri.as_str().unwrap_or_default()));
    let redirect_uris = uris.collect::<Result<Vec<_>, _>>()?;
    let wanted = |field: &str| metadata.get(field).and_then(Value::as_array);
    let lacks = |field: &str, word: &str| {
        wanted(field).is_some_and(|words| !words.iter().any(|it| it == word))
    };
    if lacks("grant_types", "authorization_code") || lacks("response_types", "code") {
        return Err(metadata_error("only the authorization code flow is served"));
    }
    let name = metadata.get("client_name").and_then(Value::as_str).unwrap_or("Unnamed client");
    Ok(Registration { name: shown(name), redirect_uris })
}

/// Without what would make it look like something else on the consent page.
fn shown(name: &str) -> String {
    let plain = |c: &char| !c.is_control() && !is_invisible(*c);
    let name: String = name.chars().filter(plain).take(MAX_NAME).collect();
    let name = name.trim();
    if name.is_empty() { "Unnamed client".to_owned() } else { name.to_owned() }
}

/// Marks that change the direction of text or take no room.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn metadata_error(why: &'static str) -> Error {
    Error::new(Code::InvalidClientMetadata, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "https://claude.ai/oauth/claude-code-client-metadata";

    fn document(change: &Value) -> Value {
        let mut document = json!({
            "client_id": ID, "client_name": "Claude Code",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let members = document.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        document
    }

    #[test]
    fn document_is_about_its_own_id_and_keeps_no_secret() {
        let client = document_client(ID, &document(&json!({}))).expect("a client");
        assert_eq!(client.vouched_by().as_deref(), Some("claude.ai"));
        assert!(client.redirect("http://localhost:51234/callback").is_ok());
        assert!(client.redirect("http://localhost:51234/other").is_err());
        for change in [
            json!({ "client_id": "https://claude.ai/oauth/other" }),
            json!({ "client_secret": "s3cret" }),
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            json!({ "redirect_uris": [] }),
            json!({ "redirect_uris": ["javascript:alert(1)"] }),
            json!({ "redirect_uris": "https://claude.ai/cb" }),
            json!({ "grant_types": ["implicit"] }),
        ] {
            assert!(document_client(ID, &document(&change)).is_err(), "{change}");
        }
        let both = json!({ "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"] });
        assert!(document_client(ID, &document(&both)).is_ok());
    }

    #[test]
    fn only_normal_https_addresses_with_a_path_are_client_ids() {
        assert!(document_url(ID).is_ok());
        for bad in [
            "http://claude.ai/client",
            "https://claude.ai/",
            "https://claude.ai",
            "https://claude.ai/a/../b",
            "https://claude.ai/a#b",
            "https://user@claude.ai/a",
            "https://CLAUDE.ai/a",
            "https://claude.ai:443/a",
            "https://127.0.0.1/a",
            "https://[::1]/a",
        ] {
            assert_eq!(document_url(bad).expect_err(bad).code, Code::InvalidClient);
        }
    }

    #[test]
    fn same_client_registers_under_the_same_digest() {
        let of = |name: &str, uris: [&str; 2]| {
            Registration::parse(&json!({ "client_name": name, "redirect_uris": uris }))
                .expect("a registration")
                .digest()
        };
        let one = of("Cursor", ["https://a.example/1", "https://a.example/2"]);
        assert_eq!(one, of("Cursor", ["https://a.example/2", "https://a.example/1"]));
        assert_ne!(one, of("Cursor", ["https://a.example/1", "https://a.example/3"]));
        assert_ne!(one, of("Other", ["https://a.example/1", "https://a.example/2"]));
    }

    #[test]
    fn name_cannot_turn_the_page_around() {
        let name = "Good\u{202e}evil\u{200b}\n";
        let parsed = Registration::parse(
            &json!({ "client_name": name, "redirect_uris": ["https://a.example/1"] }),
        );
        assert_eq!(parsed.expect("a registration").name, "Goodevil");
    }
}
