//! A client asks for access, and the person decides.

use authserver::{Form, Issuer, Request, Started};
use chrono::TimeDelta;
use domain::{
    ClientGrant, ClientGrantId, OpCtx, Principal, TokenHash, event::Event, secret::ExposeSecret,
};
use serde_json::json;
use store::{NewClientGrant, NewCode};

use super::{Refusal, granted};
use crate::{
    Control, Error,
    audit::{Deed, action},
    login::random_token,
    oauth::tokens::GRANT_DAYS,
};

/// How long a client has to come for its tokens.
const CODE_SECONDS: i64 = 60;
/// Grants that are over are removed after this.
const KEPT_DAYS: i64 = 30;

/// What the person is to decide, or where the client is told that it asked wrongly.
#[derive(Debug)]
pub enum Asked {
    /// Show the person who wants what.
    Consent(Box<Request>),
    /// Send the browser there.
    Refused(String),
}

// === impl Control ===

impl Control {
    /// Reads what a client asks of the caller.
    ///
    /// # Errors
    /// [`Refusal::Client`] for the person's eyes: who asks, or where the answer would go, is not to be believed.
    /// [`Error::NotFound`] when the caller is in another organisation; [`Error::Denied`] when they may not use MCP.
    pub async fn read_authorization(
        &self,
        ctx: &OpCtx,
        slug: &str,
        form: &Form,
    ) -> Result<Asked, Refusal> {
        let deed = Deed::new(action::CLIENT_GRANT_CREATE);
        self.require_whole::<domain::authz::permission::McpUse>(ctx, &deed).await?;
        // Another organisation answers like one that is not there.
        let tenant = self.viewer(ctx).await?.tenant;
        if tenant.slug != slug || !matches!(ctx.principal(), Principal::User(_)) {
            return Err(Error::NotFound.into());
        }
        let client_id = Started::client_id(form)?;
        let client = self.oauth_client(tenant.id, client_id, ctx.request_id()).await?;
        let started = Started::begin(form, (*client).clone())?;
        let issuer = self.issuer(slug);
        Ok(match started.check(form, &issuer) {
            Ok(request) => Asked::Consent(Box::new(request)),
            Err(error) => Asked::Refused(started.refused(&issuer, &error)),
        })
    }

    /// The caller allows what a client asks. Gives where to send the browser.
    ///
    /// # Errors
    /// As [`Control::read_authorization`].
    pub async fn allow_client(
        &self,
        ctx: &OpCtx,
        slug: &str,
        form: &Form,
    ) -> Result<String, Refusal> {
        let request = match self.read_authorization(ctx, slug, form).await? {
            Asked::Consent(request) => request,
            Asked::Refused(location) => return Ok(location),
        };
        let Principal::User(user) = *ctx.principal() else { return Err(Error::NotFound.into()) };
        let code = random_token()?;
        let now = self.now();
        let id = ClientGrantId::generate();
        let grant = ClientGrant {
            id,
            tenant: ctx.tenant(),
            user,
            client_id: request.client.id.clone(),
            client_name: request.client.name.clone(),
            redirect: request.redirect.shown(),
            scope: request.scopes.to_string(),
            created_at: now,
            last_used_at: None,
            expires_at: now + TimeDelta::days(GRANT_DAYS),
            revoked_at: None,
        };
        let new = NewClientGrant {
            code: NewCode {
                hash: TokenHash::of(code.expose_secret()),
                redirect_uri: request.redirect.as_str().to_owned(),
                challenge: request.challenge.as_str().to_owned(),
                expires_at: now + TimeDelta::seconds(CODE_SECONDS),
            },
            grant,
        };
        let detail = json!({ "client": request.client.id, "client_name": request.client.name,
            "redirect": request.redirect.shown(), "scope": request.scopes.to_string() });
        let granted = granted(ctx.tenant(), ctx.request_id());
        let tx = self.store().begin(&granted).await?;
        tx.client_grants().purge(&granted, now - TimeDelta::days(KEPT_DAYS)).await?;
        tx.client_grants().create(&granted, new).await?;
        if let Ok(registered) = request.client.id.parse() {
            tx.oauth_clients().touch_used(&granted, registered, now).await?;
        }
        self.audit(&tx, ctx, &Deed::on(action::CLIENT_GRANT_CREATE, &id), detail).await?;
        tx.commit().await?;
        // Before the client has its code, so that gateways have heard of the grant when the first call comes.
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(request.granted(&self.issuer(slug), code.expose_secret()))
    }

    /// The caller does not allow it. Gives where to send the browser.
    ///
    /// # Errors
    /// As [`Control::read_authorization`].
    pub async fn deny_client(
        &self,
        ctx: &OpCtx,
        slug: &str,
        form: &Form,
    ) -> Result<String, Refusal> {
        let issuer: Issuer = self.issuer(slug);
        Ok(match self.read_authorization(ctx, slug, form).await? {
            Asked::Consent(request) => request.refused(&issuer, &authserver::Error::denied()),
            Asked::Refused(location) => location,
        })
    }
}
