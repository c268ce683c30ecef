//! The documents by which clients find the way: the authorization server's (RFC 8414) and the resource's (RFC 9728).

use serde_json::{Value, json};

use crate::Scope;

/// Where a resource's document is, before the resource's own path (RFC 9728, section 3.1).
pub const PROTECTED_RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource";

/// The authorization server of one organisation. Its name is compared byte for byte by clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    base: String,
    slug: String,
    name: String,
}

// === impl Issuer ===

impl Issuer {
    /// `base` is the product's public URL without a slash at its end.
    pub fn new(base: &str, slug: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let name = format!("{base}/oauth/{slug}");
        Self { base, slug: slug.to_owned(), name }
    }

    /// The issuer identifier.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The MCP endpoint that its tokens are for: their audience.
    pub fn resource(&self) -> String {
        format!("{}/t/{}/mcp", self.base, self.slug)
    }

    /// Where the resource's document is: for `WWW-Authenticate`.
    pub fn resource_metadata_url(&self) -> String {
        format!("{}{PROTECTED_RESOURCE_PATH}/t/{}/mcp", self.base, self.slug)
    }

    /// RFC 9728, section 2.
    pub fn resource_document(&self) -> Value {
        json!({
            "resource": self.resource(),
            "authorization_servers": [self.as_str()],
            "scopes_supported": [Scope::Mcp.as_str()],
            "bearer_methods_supported": ["header"],
            "resource_name": "Patchbay MCP endpoint",
        })
    }

    /// RFC 8414, section 2. The same document answers OpenID Connect discovery, which some clients ask for instead.
    pub fn document(&self) -> Value {
        let at = |path: &str| format!("{}/{path}", self.name);
        json!({
            "issuer": self.as_str(),
            "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"),
            "registration_endpoint": at("register"),
            "revocation_endpoint": at("revoke"),
            "jwks_uri": at("jwks"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": Scope::ALL.map(Scope::as_str),
            "client_id_metadata_document_supported": true,
            "authorization_response_iss_parameter_supported": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_name_each_other() {
        let issuer = Issuer::new("https://patchbay.example/", "acme");
        let (server, resource) = (issuer.document(), issuer.resource_document());
        assert_eq!(resource["authorization_servers"][0], server["issuer"]);
        assert_eq!(resource["resource"], "https://patchbay.example/t/acme/mcp");
        assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(
            issuer.resource_metadata_url(),
            "https://patchbay.example/.well-known/oauth-protected-resource/t/acme/mcp"
        );
    }
}
