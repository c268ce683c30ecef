//! Signing in by OpenID Connect: connections of organisations, providers of the operator for signing up, and what their answers
//! are worth.
//!
//! A sign-in is begun ([`Control::begin_sign_in`] and its kin), which gives an address and a token for the browser's cookie, and
//! is finished with the provider's answer ([`Control::finish_sign_in`]). In between lies one row, good for one answer of one
//! browser. Nonce and PKCE verifier are derived from the state that went out, so that the row holds nothing worth stealing.

mod attempt;
mod connections;
mod finish;
mod invited;
mod logout;
mod people;
mod provider;
mod sign_up;
mod tokens;

use domain::{Granted, SystemReason, TenantId, authz::Permission};

pub use attempt::{Begun, Browser, FoundProviders};
pub use connections::{CreateSsoConnection, UpdateSsoConnection};
pub use finish::{Answer, Finished};
pub use invited::{InvitationOffer, InvitationWay};
pub use sign_up::{SignUp, SignUpConfig, SignUpProvider};

pub(crate) use finish::BeginSession;
pub(crate) use provider::{Providers, providers};

/// Path of the redirect URI, before the key of the connection or provider. Each has its own, so that an answer of one cannot be
/// given out as that of another even where a provider does not say whose it is (RFC 9207).
pub const CALLBACK: &str = "/sso/callback/";

/// The redirect URI that a provider must know for a connection or an operator's provider.
pub fn redirect_uri(public_url: &str, key: &str) -> String {
    format!("{}{CALLBACK}{key}", public_url.trim_end_matches('/'))
}

fn granted<P: Permission>(tenant: TenantId, request_id: &str) -> Granted<P> {
    Granted::system(SystemReason::SignIn, tenant, request_id)
}
