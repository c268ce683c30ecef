//! A person's own sessions, their organisations, and how fresh a sign-in must be.

use chrono::TimeDelta;
use domain::{
    OpCtx, Page, PageArgs, Principal, Session, SessionId, SsoConnectionId, Tenant, TenantId,
    UserId,
    authz::permission::TenantRead,
    identity::{ConnectionState, Voucher},
};
use serde_json::json;

use crate::{
    Control, Error, SignedIn,
    audit::{Deed, action},
    sso::BeginSession,
};

/// How somebody comes into another of their organisations.
#[derive(Debug)]
pub enum Switched {
    /// At once: a session there takes the place of this one.
    Here(Box<SignedIn>),
    /// It wants its own provider to say who they are.
    SignInBy { tenant: TenantId, connection: SsoConnectionId },
}

// === impl Control ===

impl Control {
    /// The caller's own sessions in all of their organisations, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not see the organisation; empty behind an API key.
    pub async fn list_own_sessions(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<Session>, Error> {
        self.require::<TenantRead>(ctx, &Deed::new(action::SESSION_LIST)).await?;
        let Principal::User(user) = ctx.principal() else {
            return Ok(Page { items: Vec::new(), has_next: false });
        };
        let directory = self.store().directory();
        let mut page = directory.list_sessions(*user, self.now(), &page).await?;
        let now = self.now();
        page.items.retain(|(_, session)| session.is_live(now));
        Ok(page)
    }

    /// Ends one of the caller's own sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] for any other.
    pub async fn revoke_own_session(&self, ctx: &OpCtx, id: SessionId) -> Result<(), Error> {
        let deed = Deed::on(action::SESSION_END, &id);
        let granted = self.require::<TenantRead>(ctx, &deed).await?;
        let user = person(ctx)?;
        let ended = self.store().directory().revoke_own_session(user, id, self.now()).await?;
        if !ended {
            return Err(Error::NotFound);
        }
        let tx = self.store().begin(&granted).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Ends all of the caller's own sessions, this one too, in all of their organisations. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] behind an API key.
    pub async fn sign_out_everywhere(&self, ctx: &OpCtx) -> Result<u64, Error> {
        let deed = Deed::new(action::SESSION_END_ALL);
        let granted = self.require::<TenantRead>(ctx, &deed).await?;
        let user = person(ctx)?;
        let ended = self.store().directory().revoke_sessions_of(user, None, self.now()).await?;
        let tx = self.store().begin(&granted).await?;
        self.audit(&tx, ctx, &deed, json!({ "sessions": ended })).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The organisations that the caller belongs to; behind an API key none but its own.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not see the organisation.
    pub async fn list_organisations(&self, ctx: &OpCtx) -> Result<Vec<Tenant>, Error> {
        let granted = self.require::<TenantRead>(ctx, &Deed::new(action::TENANT_READ)).await?;
        if let Principal::User(user) = ctx.principal() {
            Ok(self.store().directory().list_organisations(*user).await?)
        } else {
            let tx = self.store().read(&granted).await?;
            Ok(vec![tx.tenant().lookup(&granted).await?])
        }
    }

    /// Goes on in another of the caller's organisations: by a new session, or by its own provider where it enforces one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an organisation that the caller does not belong to.
    pub async fn switch_organisation(
        &self,
        ctx: &OpCtx,
        tenant: TenantId,
    ) -> Result<Switched, Error> {
        let deed = Deed::on(action::SESSION_SWITCH, &tenant);
        self.require::<TenantRead>(ctx, &deed).await?;
        let user = person(ctx)?;
        let request_id = ctx.request_id();
        let access = self.access_of_user(tenant, user, request_id).await?;
        access.ok_or(Error::NotFound)?;
        // Owners too: a way in for emergencies is a link of that organisation, not a sign-in at another one's provider.
        let usable = self.usable_connections(tenant, request_id).await?;
        let enforced = usable.iter().find(|it| it.settings.state == ConnectionState::Enforced);
        let id = ctx.session().ok_or(Error::NotFound)?;
        let directory = self.store().directory();
        let session = directory.lookup_session(id).await?;
        if let Some(connection) = enforced {
            let voucher = Voucher::Connection(tenant, connection.id);
            if session.proof.as_ref().is_none_or(|proof| proof.voucher != voucher) {
                return Ok(Switched::SignInBy { tenant, connection: connection.id });
            }
        }
        let begin = BeginSession { tenant, user, policy: None, proof: session.proof };
        let mut fresh = self.begin_session(begin, request_id).await?;
        // The person has not proven anything anew.
        directory.mark_authenticated(fresh.session.id, session.authenticated_at).await?;
        fresh.session.authenticated_at = session.authenticated_at;
        directory.revoke_session(id, self.now()).await?;
        Ok(Switched::Here(Box::new(fresh)))
    }

    /// Refuses what matters most to a session whose person has not proven who they are for a while. Keys are not asked: whoever
    /// made one has given it its rights.
    pub(crate) async fn require_recent(&self, ctx: &OpCtx) -> Result<(), Error> {
        let Some(session) = ctx.session() else { return Ok(()) };
        let session = self.store().directory().lookup_session(session).await?;
        let limit = TimeDelta::minutes(self.config().recent_minutes.into());
        if self.now() - session.authenticated_at > limit {
            return Err(Error::Reauthenticate);
        }
        Ok(())
    }
}

/// The person who asks; keys have nothing of their own.
pub(crate) fn person(ctx: &OpCtx) -> Result<UserId, Error> {
    match ctx.principal() {
        Principal::User(user) => Ok(*user),
        _ => Err(Error::NotFound),
    }
}
