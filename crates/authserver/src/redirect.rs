//! Where an answer may be sent.

use url::{Host, Url};

use crate::{Code, Error, Issuer};

/// Schemes that run or read something instead of handing an answer to a program.
const FORBIDDEN_SCHEMES: [&str; 11] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "vbscript",
    "view-source",
    "ws",
];
/// Longest redirect URI.
const MAX_LENGTH: usize = 2000;

/// An absolute URI to which answers go, as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    url: Url,
}

/// What kind of place a redirect URI is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A web site.
    Web,
    /// A program on the person's machine, by a port of the loopback address: any program there can take it.
    Loopback,
    /// A program on the person's machine, by a scheme of its own: any program there can take it.
    App,
}

// === impl RedirectUri ===

impl RedirectUri {
    /// Reads one: `https:`, `http:` for loopback hosts, or a program's own scheme; no fragment, no user information.
    ///
    /// # Errors
    /// [`Code::InvalidRedirectUri`], saying which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: &'static str| Err(Error::new(Code::InvalidRedirectUri, why));
        if text.len() > MAX_LENGTH || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return refused("a redirect URI is at most 2000 characters without white space");
        }
        let Ok(url) = Url::parse(text) else {
            return refused("a redirect URI must be absolute");
        };
        if url.fragment().is_some() || text.contains('#') {
            return refused("a redirect URI has no fragment");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a redirect URI has no user name");
        }
        let scheme = url.scheme();
        if FORBIDDEN_SCHEMES.contains(&scheme) || scheme == "wss" {
            return refused("answers cannot be sent to this scheme");
        }
        if scheme == "http" && !is_loopback(&url) {
            return refused("`http:` is for loopback addresses alone: use `https:`");
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn place(&self) -> Place {
        match self.url.scheme() {
            "https" if !is_loopback(&self.url) => Place::Web,
            "https" | "http" => Place::Loopback,
            _ => Place::App,
        }
    }

    /// What the person is shown: the host, or the scheme of a program.
    pub fn shown(&self) -> String {
        match (self.place(), self.url.host_str()) {
            (Place::App, _) | (_, None) => format!("{}:", self.url.scheme()),
            (_, Some(host)) => host.to_owned(),
        }
    }

    /// For `form-action` of a page's content security policy: what a form that ends there must be allowed.
    pub fn policy_source(&self) -> String {
        match self.place() {
            Place::App => format!("{}:", self.url.scheme()),
            Place::Web | Place::Loopback => self.url.origin().ascii_serialization(),
        }
    }

    /// Whether this is the registered one: the same text. The port of a loopback address is the program's choice at the moment it
    /// asks (RFC 8252, section 7.3); the rest is compared there too.
    pub fn matches(&self, registered: &RedirectUri) -> bool {
        if self.text == registered.text {
            return true;
        }
        let (Some(mine), Some(theirs)) = (self.without_port(), registered.without_port()) else {
            return false;
        };
        mine == theirs
    }

    fn without_port(&self) -> Option<Url> {
        if self.url.scheme() != "http" || !is_loopback(&self.url) {
            return None;
        }
        let mut url = self.url.clone();
        url.set_port(None).ok()?;
        Some(url)
    }

    /// The URI of an answer: RFC 6749 section 4.1.2, with `iss` of RFC 9207.
    pub fn answer(&self, issuer: &Issuer, state: Option<&str>, answer: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(answer);
            if let Some(state) = state {
                query.append_pair("state", state);
            }
            query.append_pair("iss", issuer.as_str());
        }
        url.into()
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).expect(text)
    }

    #[test]
    fn only_places_that_take_an_answer_are_taken() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost/callback",
            "http://127.0.0.1:33418/",
            "http://[::1]:9000/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ] {
            assert_eq!(uri(good).as_str(), good);
        }
        for bad in [
            "javascript:alert(1)",
            "data:text/html,hi",
            "file:///etc/passwd",
            "http://example.com/cb",
            "https://user@example.com/cb",
            "https://example.com/cb#there",
            "/relative",
            "https://example.com/\r\nLocation: x",
        ] {
            assert_eq!(RedirectUri::parse(bad).expect_err(bad).code, Code::InvalidRedirectUri);
        }
    }

    #[test]
    fn every_character_counts_but_the_port_of_a_loopback_address() {
        let registered = uri("https://example.com/cb");
        for other in [
            "https://example.com/cb/",
            "https://example.com/CB",
            "https://EXAMPLE.com/cb",
            "https://example.com:443/cb",
            "https://example.com/cb?x=1",
            "http://127.0.0.1/cb",
        ] {
            assert!(!uri(other).matches(&registered), "{other}");
        }
        assert!(uri("http://localhost:5123/callback").matches(&uri("http://localhost/callback")));
        assert!(uri("http://127.0.0.1:1/cb").matches(&uri("http://127.0.0.1:2/cb")));
        assert!(!uri("http://127.0.0.1:1/cb").matches(&uri("http://localhost:1/cb")));
        assert!(!uri("http://127.0.0.1:1/other").matches(&uri("http://127.0.0.1:2/cb")));
    }

    #[test]
    fn answer_keeps_the_query_and_says_who_answers() {
        let issuer = Issuer::new("https://patchbay.example", "acme");
        let answer =
            uri("https://example.com/cb?keep=1").answer(&issuer, Some("a b"), &[("code", "c")]);
        assert_eq!(
            answer,
            "https://example.com/cb?keep=1&code=c&state=a+b&iss=https%3A%2F%2Fpatchbay.example%2Foauth%2Facme"
        );
        assert_eq!(uri("cursor://app/cb").policy_source(), "cursor:");
    }
}
