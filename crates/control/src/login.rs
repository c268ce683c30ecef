//! How somebody comes in: the only maker of callers.

use std::sync::Arc;

use authserver::AccessToken;
use chrono::{Duration, TimeDelta};
use domain::{
    Access, ClientGrantId, Granted, OpCtx, Principal, SecretString, Session, SessionId,
    SignInLinkId, SystemReason, TenantId, TokenHash, UserId,
    authz::{
        CtxKind, Identity, Permission,
        permission::{AuditWrite, MemberRead},
    },
    key,
    route::RouteSnapshot,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::{NewSession, NewSignInLink};

use crate::{
    Control, Error,
    audit::{Deed, action},
    error::Fault,
    standing::Standings,
};

/// Access tokens whose signature was checked, by the hash of their text.
pub(crate) type AccessTokens = moka::sync::Cache<TokenHash, Arc<AccessToken>>;
/// Most of them that are remembered.
const ACCESS_TOKENS: u64 = 10_000;
/// Longer than one lives.
const ACCESS_TOKEN_FOR: std::time::Duration = std::time::Duration::from_mins(15);

/// The caller that an access token stands for.
#[derive(Debug)]
pub struct TokenCaller {
    pub ctx: OpCtx,
    pub grant: ClientGrantId,
    /// Whether the client may call what changes something.
    pub may_change: bool,
}

/// Why an access token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    Invalid,
    /// It is good, but these routes do not know what it was granted for: they may be older than it.
    UnknownGrant {
        issued_at: i64,
    },
}

/// Somebody has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The bearer of the session, for the cookie. Only its hash is stored.
    pub token: SecretString,
    pub session: Session,
    /// What every request that changes something must present beside the cookie.
    pub csrf: String,
}

// === impl Control ===

impl Control {
    /// Makes a one-time sign-in link for a member and gives its token. Only the hash is stored.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the person does not belong to the organisation.
    pub async fn create_sign_in_link(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<SecretString, Error> {
        self.access_of_user(tenant, user, "sign-in").await?.ok_or(Error::NotFound)?;
        let token = random_token()?;
        let now = self.now();
        let id = SignInLinkId::generate();
        let link = NewSignInLink {
            id,
            tenant,
            user,
            hash: hash_of(&token),
            created_at: now,
            expires_at: now + TimeDelta::minutes(self.config().link_minutes.into()),
        };
        self.store().directory().create_sign_in_link(link).await?;
        let actor = Principal::System(SystemReason::SignIn);
        self.audit_sign_in(tenant, &actor, "sign-in", &Deed::on(action::LINK_CREATE, &id)).await?;
        Ok(token)
    }

    /// Turns a link into a session, in one transaction: a link is used up only by a session that is there. It works once, until it
    /// expires.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a link that is unknown, used or expired, or whose person no longer belongs to the organisation.
    pub async fn redeem_link(&self, token: &str, request_id: &str) -> Result<SignedIn, Error> {
        let (hash, now) = (TokenHash::of(token), self.now());
        let found = self.store().directory().find_sign_in_link(hash, now).await?;
        let tenant = found.ok_or(Error::Unauthenticated)?.tenant;
        let auditing: Granted<AuditWrite> = granted(tenant, request_id);
        let tx = self.store().begin(&auditing).await?;
        // Of any number of callers who have found it, one gets it.
        let link = tx.directory().redeem_sign_in_link(hash, now).await?;
        let user = link.ok_or(Error::Unauthenticated)?.user;
        let standing = Standings::new(&tx, granted(tenant, request_id)).of_user(user).await?;
        let access = standing.ok_or(Error::Unauthenticated)?;
        // The way in for emergencies is for owners; everybody else signs in by the connection that is enforced.
        if self.must_use_connection(tenant, access.role, request_id).await? {
            return Err(Error::Unauthenticated);
        }
        let token = random_token()?;
        let session = self.new_session(tenant, user);
        let new = NewSession { session: session.clone(), hash: hash_of(&token) };
        tx.directory().create_session(new).await?;
        let deed = Deed::on(action::SESSION_CREATE, &session.id);
        let entry = self.audit_by(&Principal::User(user), request_id, &deed).succeeded();
        tx.audit().append(&auditing, entry).await?;
        tx.commit().await?;
        let csrf = self.csrf_token(session.id);
        Ok(SignedIn { token, session, csrf })
    }

    fn new_session(&self, tenant: TenantId, user: UserId) -> Session {
        let now = self.now();
        Session {
            id: SessionId::generate(),
            user,
            tenant,
            created_at: now,
            expires_at: now + Duration::hours(self.config().session_hours.into()),
            last_seen_at: now,
            authenticated_at: now,
            idle_seconds: None,
            proof: None,
            revoked_at: None,
        }
    }

    /// The caller behind a session's token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the session is unknown, expired or ended, or its person has left the organisation.
    pub async fn by_session(&self, token: &str, request_id: &str) -> Result<OpCtx, Error> {
        let found = self.store().directory().find_session(TokenHash::of(token)).await?;
        let session = found.ok_or(Error::Unauthenticated)?;
        let now = self.now();
        if !session.is_live(now) {
            return Err(Error::Unauthenticated);
        }
        // Once a minute is enough: the shortest idle time is five.
        if now - session.last_seen_at >= TimeDelta::minutes(1) {
            self.store().directory().touch_session(session.id, now).await?;
        }
        let access = self.access_of_user(session.tenant, session.user, request_id).await?;
        Ok(caller(Identity {
            principal: Principal::User(session.user),
            tenant: session.tenant,
            access: access.ok_or(Error::Unauthenticated)?,
            kind: CtxKind::Session,
            session: Some(session.id),
            request_id: request_id.to_owned(),
        }))
    }

    /// The caller behind an API key.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the key is malformed, unknown, expired or revoked, or its maker has left the organisation.
    pub async fn by_api_key(&self, text: &str, request_id: &str) -> Result<OpCtx, Error> {
        if !key::is_well_formed(text) {
            return Err(Error::Unauthenticated);
        }
        let found = self.store().directory().find_api_key(TokenHash::of(text)).await?;
        let (tenant, id) = found.ok_or(Error::Unauthenticated)?;
        let reading = granted(tenant, request_id);
        let tx = self.store().read(&reading).await?;
        let key = match tx.api_keys().lookup(&reading, id).await {
            Err(store::Error::NotFound) => return Err(Error::Unauthenticated),
            key => key?,
        };
        let now = self.now();
        let expired = key.expires_at.is_some_and(|at| at <= now);
        if key.revoked_at.is_some() || expired {
            return Err(Error::Unauthenticated);
        }
        let mut standings = Standings::new(&tx, granted(tenant, request_id));
        let access = standings.of_key(&key).await?.ok_or(Error::Unauthenticated)?;
        drop(tx);
        self.0.journal.key_used(tenant, id, now);
        Ok(caller(Identity {
            principal: Principal::ApiKey(id),
            tenant,
            access,
            kind: CtxKind::ApiKey,
            session: None,
            request_id: request_id.to_owned(),
        }))
    }

    /// The caller behind an API key, by a snapshot alone: no database, no waiting.
    pub fn by_route_key(
        &self,
        snapshot: &RouteSnapshot,
        text: &str,
        request_id: &str,
    ) -> Option<OpCtx> {
        if !key::is_well_formed(text) {
            return None;
        }
        let key = snapshot.keys.get(&TokenHash::of(text))?;
        let now = self.now();
        if key.expires_at.is_some_and(|at| at <= now) {
            return None;
        }
        self.0.journal.key_used(snapshot.tenant.id, key.id, now);
        Some(caller(Identity {
            principal: Principal::ApiKey(key.id),
            tenant: snapshot.tenant.id,
            access: key.access.clone(),
            kind: CtxKind::ApiKey,
            session: None,
            request_id: request_id.to_owned(),
        }))
    }

    /// The caller behind an access token, by a snapshot alone: no database, no waiting.
    ///
    /// # Errors
    /// [`TokenRefusal`].
    pub fn by_access_token(
        &self,
        snapshot: &RouteSnapshot,
        text: &str,
        request_id: &str,
    ) -> Result<TokenCaller, TokenRefusal> {
        let now = self.now();
        let hash = TokenHash::of(text);
        let token = if let Some(known) = self.0.access_tokens.get(&hash) {
            known
        } else {
            let issuer = self.issuer(&snapshot.tenant.slug);
            let token = authserver::verify(text, &self.0.token_keys, &issuer, now.timestamp())
                .map_err(|_| TokenRefusal::Invalid)?;
            let token = Arc::new(token);
            self.0.access_tokens.insert(hash, Arc::clone(&token));
            token
        };
        // What is remembered is the signature: whose endpoint it is for, and that its time is not up, is looked at each time.
        let issuer = self.issuer(&snapshot.tenant.slug);
        if now.timestamp() >= token.exp || token.iss != issuer.as_str() {
            return Err(TokenRefusal::Invalid);
        }
        let grant: ClientGrantId = token.grant.parse().map_err(|_| TokenRefusal::Invalid)?;
        let unknown = TokenRefusal::UnknownGrant { issued_at: token.iat };
        let found = snapshot.grants.get(&grant).ok_or(unknown)?;
        let ctx = caller(Identity {
            principal: Principal::User(found.user),
            tenant: snapshot.tenant.id,
            access: found.access.clone(),
            kind: CtxKind::AccessToken,
            session: None,
            request_id: request_id.to_owned(),
        });
        Ok(TokenCaller { ctx, grant, may_change: token.scopes().may_change() })
    }

    /// Ends the caller's session. Callers without one (API keys) have nothing to end.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn sign_out(&self, ctx: &OpCtx) -> Result<(), Error> {
        let Some(session) = ctx.session() else { return Ok(()) };
        self.store().directory().revoke_session(session, self.now()).await?;
        let deed = Deed::on(action::SESSION_END, &session);
        self.audit_sign_in(ctx.tenant(), ctx.principal(), ctx.request_id(), &deed).await
    }

    /// What a page of the console must present to change something: bound to the session, worthless without its cookie.
    pub fn csrf_token(&self, session: SessionId) -> String {
        hex::encode(self.csrf_mac(session).finalize().into_bytes())
    }

    /// Compares in constant time.
    pub fn check_csrf(&self, session: SessionId, presented: &str) -> bool {
        hex::decode(presented)
            .is_ok_and(|presented| self.csrf_mac(session).verify_slice(&presented).is_ok())
    }

    fn csrf_mac(&self, session: SessionId) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0.csrf_key)
            .expect("HMAC takes keys of every length")
            .chain_update(session.uuid().as_bytes())
    }

    pub(crate) async fn access_of_user(
        &self,
        tenant: TenantId,
        user: UserId,
        request_id: &str,
    ) -> Result<Option<Access>, Error> {
        let reading: Granted<MemberRead> = granted(tenant, request_id);
        let tx = self.store().read(&reading).await?;
        Standings::new(&tx, reading).of_user(user).await
    }

    async fn audit_sign_in(
        &self,
        tenant: TenantId,
        actor: &Principal,
        request_id: &str,
        deed: &Deed,
    ) -> Result<(), Error> {
        let auditing: Granted<AuditWrite> = granted(tenant, request_id);
        let tx = self.store().begin(&auditing).await?;
        let entry = self.audit_by(actor, request_id, deed).succeeded();
        tx.audit().append(&auditing, entry).await?;
        Ok(tx.commit().await?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file establishes who somebody is: the only maker of callers"
)]
fn caller(identity: Identity) -> OpCtx {
    OpCtx::from_identity(identity)
}

/// A cache of checked tokens.
pub(crate) fn access_tokens() -> AccessTokens {
    moka::sync::Cache::builder().max_capacity(ACCESS_TOKENS).time_to_live(ACCESS_TOKEN_FOR).build()
}

/// What working out somebody's standing takes.
pub(crate) fn reading_members(tenant: TenantId, request_id: &str) -> Granted<MemberRead> {
    granted(tenant, request_id)
}

fn granted<P: Permission>(tenant: TenantId, request_id: &str) -> Granted<P> {
    Granted::system(SystemReason::SignIn, tenant, request_id)
}

/// 256 random bits as hex.
pub(crate) fn random_token() -> Result<SecretString, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(Fault::Random(error)))?;
    Ok(hex::encode(bytes).into())
}

pub(crate) fn hash_of(token: &SecretString) -> TokenHash {
    use domain::secret::ExposeSecret;
    TokenHash::of(token.expose_secret())
}
