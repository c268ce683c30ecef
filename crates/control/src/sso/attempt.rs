//! Beginning: which provider, with which state, in which browser.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    OpCtx, Role, SecretString, SessionId, SignInAttemptId, SsoConnection, SsoConnectionId,
    TenantId, TokenHash,
    authz::permission::IdentityRead,
    identity::{AttemptPurpose, ConnectionState, Voucher},
    secret::ExposeSecret,
};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{NewSignInAttempt, SignInAttempt};
use url::Url;

use super::{
    granted,
    invited::Invited,
    provider::{Client, misbehaves},
    redirect_uri,
};
use crate::{
    Control, Error,
    audit::{Deed, action},
    login::{hash_of, random_token},
};

/// How long a begun sign-in waits for its answer.
const MINUTES: i64 = 10;

/// A sign-in that was begun: where the browser goes, and what its cookie remembers.
#[derive(Debug)]
pub struct Begun {
    /// The provider's authorization endpoint, with everything that it is asked.
    pub location: Url,
    pub browser: SecretString,
}

/// Whose browser it is, as far as a begun sign-in needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Browser<'a> {
    /// Address under which users reach Patchbay.
    pub public_url: &'a str,
    /// Path of this site to go to in the end.
    pub return_to: Option<&'a str>,
}

/// Where an e-mail address leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProviders {
    /// Connections of the organisation that owns the address's domain; empty when there is none.
    pub connections: Vec<SsoConnection>,
    pub email: String,
    /// Where the person was going.
    pub return_to: Option<String>,
}

/// What the end of an attempt needs to know of its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) return_to: Option<String>,
    /// The address that was typed; shown to the provider as a hint, never believed.
    pub(super) email: Option<String>,
    /// Signing up: the name of the organisation to be.
    pub(super) organisation: Option<String>,
    /// A test: the version of the connection that it is about.
    pub(super) version: Option<i64>,
    /// The invitation that is accepted by it.
    pub(super) invited: Option<Invited>,
}

/// What is asked of a provider.
pub(super) struct Ask<'a> {
    pub(super) client: Client,
    pub(super) scopes: &'a [String],
    pub(super) voucher: Voucher,
    pub(super) purpose: AttemptPurpose,
    pub(super) session: Option<SessionId>,
    pub(super) detail: Detail,
}

// === impl Control ===

impl Control {
    /// Takes an e-mail address and remembers it for the browser. The answer is the same for every address: nothing is looked up.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is not an address.
    pub async fn begin_discovery(
        &self,
        email: &str,
        return_to: Option<&str>,
    ) -> Result<SecretString, Error> {
        let email = email.trim().to_lowercase();
        domain_of(&email)
            .ok_or_else(|| Error::invalid("email", "email", "this is not an e-mail address"))?;
        let detail = Detail {
            return_to: return_to.and_then(local_path),
            email: Some(email),
            ..Detail::default()
        };
        let browser = random_token()?;
        // A discovery has one secret, which the browser holds: it is state and cookie at once.
        self.keep_attempt(AttemptPurpose::Discover, None, None, detail, (&browser, &browser))
            .await?;
        Ok(browser)
    }

    /// Where the address that this browser gave leads. Works once.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when nothing was begun in this browser within ten minutes.
    pub async fn finish_discovery(&self, browser: &str) -> Result<FoundProviders, Error> {
        let attempt = self.use_attempt(browser, browser).await?;
        let Detail { email, return_to, .. } = detail_of(&attempt)?;
        let email = email.unwrap_or_default();
        let domain = domain_of(&email).unwrap_or_default();
        let owner = self.store().directory().find_domain_owner(domain).await?;
        let connections = match owner {
            Some(tenant) => self.usable_connections(tenant, "sign-in").await?,
            None => Vec::new(),
        };
        Ok(FoundProviders { connections, email, return_to })
    }

    /// Begins a sign-in by a connection.
    ///
    /// # Errors
    /// [`Error::NotFound`] for one that is not in use, [`Error::Upstream`] when the provider does not answer as it should.
    pub async fn begin_sign_in(
        &self,
        tenant: TenantId,
        id: SsoConnectionId,
        email: Option<&str>,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        let (connection, client) = self.connection_client(tenant, id, "sign-in").await?;
        if connection.settings.state == ConnectionState::Draft {
            return Err(Error::NotFound);
        }
        let detail = Detail {
            return_to: browser.return_to.and_then(local_path),
            email: email.map(str::to_owned),
            ..Detail::default()
        };
        let ask = Ask {
            client,
            scopes: &connection.settings.rules.scopes,
            voucher: Voucher::Connection(tenant, id),
            purpose: AttemptPurpose::SignIn,
            session: None,
            detail,
        };
        self.begin(ask, browser.public_url).await
    }

    /// Begins a test sign-in: its end shows what the provider says and signs nobody in.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`], [`Error::Upstream`].
    pub async fn begin_test(
        &self,
        ctx: &OpCtx,
        id: SsoConnectionId,
        public_url: &str,
    ) -> Result<Begun, Error> {
        let deed = Deed::on(action::SSO_TEST, &id);
        self.require_whole::<domain::authz::permission::IdentityWrite>(ctx, &deed).await?;
        let (connection, client) =
            self.connection_client(ctx.tenant(), id, ctx.request_id()).await?;
        let detail = Detail { version: Some(connection.version), ..Detail::default() };
        let ask = Ask {
            client,
            scopes: &connection.settings.rules.scopes,
            voucher: Voucher::Connection(ctx.tenant(), id),
            purpose: AttemptPurpose::Test,
            session: ctx.session(),
            detail,
        };
        self.begin(ask, public_url).await
    }

    /// Begins to prove again that the person of this session is there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a session by a one-time link: its person asks for a new link.
    pub async fn begin_reauthentication(
        &self,
        ctx: &OpCtx,
        browser: Browser<'_>,
    ) -> Result<Begun, Error> {
        let session = ctx.session().ok_or(Error::Unauthenticated)?;
        let session = self.store().directory().lookup_session(session).await?;
        let proof = session.proof.ok_or_else(|| {
            let message = "you signed in by a one-time link: sign in by a new one";
            Error::invalid("session", "one_time_link", message)
        })?;
        let (client, scopes) = self.client_of(&proof.voucher, ctx.request_id()).await?;
        let detail =
            Detail { return_to: browser.return_to.and_then(local_path), ..Detail::default() };
        let ask = Ask {
            client,
            scopes: &scopes,
            voucher: proof.voucher,
            purpose: AttemptPurpose::Reauthenticate,
            session: Some(session.id),
            detail,
        };
        self.begin(ask, browser.public_url).await
    }

    /// The client behind a voucher, and what it asks for.
    pub(super) async fn client_of(
        &self,
        voucher: &Voucher,
        request_id: &str,
    ) -> Result<(Client, Vec<String>), Error> {
        match voucher {
            Voucher::Connection(tenant, id) => {
                let (connection, client) = self.connection_client(*tenant, *id, request_id).await?;
                Ok((client, connection.settings.rules.scopes))
            }
            Voucher::Provider(name) => self.provider_client(name),
        }
    }

    pub(super) async fn begin(&self, ask: Ask<'_>, public_url: &str) -> Result<Begun, Error> {
        let provider = self.provider(&ask.client).await?;
        let (state, browser) = (random_token()?, random_token()?);
        let mut location = provider.metadata.authorization_endpoint().url().clone();
        if !matches!(location.scheme(), "https" | "http") {
            return Err(misbehaves(&ask.client, "its authorization endpoint is not a web address"));
        }
        let mut scope = vec!["openid"];
        scope.extend(ask.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        {
            let mut query = location.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &ask.client.id)
                .append_pair("redirect_uri", &redirect_uri(public_url, &key_of(&ask.voucher)))
                .append_pair("scope", &scope.join(" "))
                .append_pair("state", state.expose_secret())
                .append_pair("nonce", &self.nonce_of(state.expose_secret()))
                .append_pair("code_challenge", &challenge(&self.verifier_of(state.expose_secret())))
                .append_pair("code_challenge_method", "S256");
            if let Some(email) = &ask.detail.email {
                query.append_pair("login_hint", email);
            }
            if ask.purpose == AttemptPurpose::Reauthenticate {
                query.append_pair("max_age", "0").append_pair("prompt", "login");
            }
        }
        let voucher = Some(ask.voucher);
        self.keep_attempt(ask.purpose, voucher, ask.session, ask.detail, (&state, &browser))
            .await?;
        Ok(Begun { location, browser })
    }

    async fn keep_attempt(
        &self,
        purpose: AttemptPurpose,
        voucher: Option<Voucher>,
        session: Option<SessionId>,
        detail: Detail,
        (state, browser): (&SecretString, &SecretString),
    ) -> Result<(), Error> {
        let now = self.now();
        let attempt = SignInAttempt {
            id: SignInAttemptId::generate(),
            purpose,
            voucher,
            session,
            detail: serde_json::to_value(detail).map_err(Error::internal)?,
            created_at: now,
        };
        let new = NewSignInAttempt {
            attempt,
            state: hash_of(state),
            browser: hash_of(browser),
            expires_at: now + TimeDelta::minutes(MINUTES),
        };
        Ok(self.store().directory().create_sign_in_attempt(new).await?)
    }

    /// Uses up what was begun with this state in this browser.
    pub(super) async fn use_attempt(
        &self,
        state: &str,
        browser: &str,
    ) -> Result<SignInAttempt, Error> {
        let (state, browser) = (TokenHash::of(state), TokenHash::of(browser));
        let directory = self.store().directory();
        let found = directory.use_sign_in_attempt(state, browser, self.now()).await?;
        found.ok_or(Error::Unauthenticated)
    }

    /// What people of an organisation may sign in by.
    pub(crate) async fn usable_connections(
        &self,
        tenant: TenantId,
        request_id: &str,
    ) -> Result<Vec<SsoConnection>, Error> {
        let reading = granted::<IdentityRead>(tenant, request_id);
        let tx = self.store().read(&reading).await?;
        Ok(tx.sso_connections().list_usable(&reading).await?)
    }

    /// Whether somebody of this role must sign in by a connection: everybody but an owner, when one is enforced.
    pub(crate) async fn must_use_connection(
        &self,
        tenant: TenantId,
        role: Role,
        request_id: &str,
    ) -> Result<bool, Error> {
        if role == Role::Owner {
            return Ok(false);
        }
        let usable = self.usable_connections(tenant, request_id).await?;
        Ok(usable.iter().any(|it| it.settings.state == ConnectionState::Enforced))
    }

    /// What the ID token must repeat.
    pub(super) fn nonce_of(&self, state: &str) -> String {
        hex::encode(self.derived("nonce", state))
    }

    /// The PKCE verifier (RFC 7636, section 4.1): 43 characters.
    pub(super) fn verifier_of(&self, state: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.derived("pkce", state))
    }

    fn derived(&self, label: &str, state: &str) -> [u8; 32] {
        Hmac::<Sha256>::new_from_slice(&self.0.sso_key)
            .expect("HMAC takes keys of every length")
            .chain_update(label.as_bytes())
            .chain_update(b"|")
            .chain_update(state.as_bytes())
            .finalize()
            .into_bytes()
            .into()
    }
}

/// The last part of the redirect URI of a voucher.
pub(super) fn key_of(voucher: &Voucher) -> String {
    match voucher {
        Voucher::Connection(_, id) => id.uuid().to_string(),
        Voucher::Provider(name) => name.clone(),
    }
}

pub(super) fn detail_of(attempt: &SignInAttempt) -> Result<Detail, Error> {
    serde_json::from_value(attempt.detail.clone()).map_err(Error::internal)
}

/// The time since which a person must have signed in at the provider, if they were asked to.
pub(super) fn authenticated_since(attempt: &SignInAttempt) -> Option<DateTime<Utc>> {
    (attempt.purpose == AttemptPurpose::Reauthenticate).then_some(attempt.created_at)
}

/// The part of an address that says where it is.
pub(super) fn domain_of(email: &str) -> Option<&str> {
    let (local, domain) = email.rsplit_once('@')?;
    let fits = !local.is_empty() && email.len() <= 254 && domain.contains('.');
    (fits && !email.chars().any(|it| it.is_whitespace() || it.is_control())).then_some(domain)
}

/// A path of this site; anything that a browser could take for another site is dropped.
pub(super) fn local_path(path: &str) -> Option<String> {
    let mut characters = path.chars();
    let local = characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        // An authorization request of an AI client is the longest that somebody comes back to.
        && path.len() <= 4096
        && path.chars().all(|it| it.is_ascii_graphic() && it != '\\');
    local.then(|| path.to_owned())
}

/// RFC 7636, section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_returned_to() {
        assert_eq!(local_path("/installs?a=1").as_deref(), Some("/installs?a=1"));
        for path in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb"] {
            assert_eq!(local_path(path), None, "{path}");
        }
    }

    #[test]
    fn challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let made = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(made, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn address_has_a_domain() {
        assert_eq!(domain_of("ann@acme.example"), Some("acme.example"));
        for text in ["ann", "@acme.example", "ann@local", "ann b@acme.example"] {
            assert_eq!(domain_of(text), None, "{text}");
        }
    }
}
