//! The OAuth 2.1 authorization server for MCP clients, without any I/O: what a request must look like, who a client is, what a
//! token says. Whoever calls brings the time, the rows and the random bytes.
//!
//! Sources: OAuth 2.1 (draft-ietf-oauth-v2-1), RFC 8414 (metadata), RFC 9728 (protected resources), RFC 8707 (resource
//! indicators), RFC 9207 (`iss` in answers), RFC 7591 (registration), client id metadata documents, RFC 9068 (access tokens).

mod access_token;
mod authorize;
mod client;
mod error;
mod form;
mod keys;
mod metadata;
mod pkce;
mod redirect;
mod refresh;
mod scope;
mod token;

pub use access_token::{AccessToken, TokenError, verify};
pub use authorize::{Request, Started};
pub use client::{
    Client, ClientKind, Registration, document_client, document_url, is_document_url,
};
pub use error::{Code, Error};
pub use form::Form;
pub use keys::{KEY_DAYS, Keys};
pub use metadata::{Issuer, PROTECTED_RESOURCE_PATH};
pub use pkce::Challenge;
pub use redirect::{Place, RedirectUri};
pub use refresh::{Presented, REUSE_GRACE_SECONDS, Verdict, judge};
pub use scope::{Scope, Scopes};
pub use token::TokenRequest;
