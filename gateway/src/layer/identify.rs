//! Who calls: the tenant of the path and the API key or access token of the header, checked against the tenant's snapshot in
//! memory.
//!
//! A tenant that does not exist and a credential that is wrong get the same answer.

use std::sync::Arc;

use control::{Control, TokenCaller, TokenRefusal};
use domain::{OpCtx, Principal, secret::ExposeSecret};
use uuid::Uuid;

use crate::{
    call::{Call, Caller, Identified, Outcome},
    error::Refusal,
    snapshots::{Routes, Snapshots},
    stack::{Layer, Service},
};

/// How every signed token begins: `{"` in base64url.
const JWT_HEAD: &str = "eyJ";
/// How long after it was made a token may be newer than what this gateway knows.
const YOUNG_SECONDS: i64 = 15;

/// Makes the layer.
pub(crate) struct Identify {
    pub(crate) control: Control,
    pub(crate) snapshots: Arc<Snapshots>,
}

/// A service behind authentication.
pub(crate) struct Identifying<S> {
    inner: S,
    control: Control,
    snapshots: Arc<Snapshots>,
}

/// What was shown, and whose it is.
struct Shown {
    ctx: OpCtx,
    credential: Uuid,
    may_change: bool,
}

// === impl Identify ===

impl<S> Layer<S> for Identify {
    type Service = Identifying<S>;

    fn layer(self, inner: S) -> Identifying<S> {
        Identifying { inner, control: self.control, snapshots: self.snapshots }
    }
}

// === impl Identifying ===

impl<S: Service<Identified<Call>>> Service<Call> for Identifying<S> {
    async fn call(&self, call: Call) -> Outcome {
        let identified = self.identify(call).await?;
        self.inner.call(identified).await
    }
}

impl<S> Identifying<S> {
    async fn identify(&self, mut call: Call) -> Result<Identified<Call>, Refusal> {
        // A token that cannot be one costs no look-up; its answer is that of a wrong one.
        let token = call.token.take().ok_or(Refusal::Unauthenticated)?;
        let text = token.expose_secret();
        let key = domain::key::is_well_formed(text);
        if !key && !text.starts_with(JWT_HEAD) {
            return Err(Refusal::Unauthenticated);
        }
        let routes = self.snapshots.get(&call.tenant).await?.ok_or(Refusal::Unauthenticated)?;
        // Outer layers only read what is set here; nobody else sets it.
        let _ = call.trail.tenant.set(routes.snapshot.tenant.id);
        let (shown, routes) = if key {
            (self.by_key(&routes, text, &call.request_id)?, routes)
        } else {
            self.by_token(routes, text, &call).await?
        };
        let Shown { ctx, credential, may_change } = shown;
        let _ = call.trail.actor.set(ctx.principal().clone());
        let _ = call.trail.opened.set(ctx.opened().clone());
        let ctx = ctx.from_origin(call.origin.clone());
        let permits = self.control.permits(&ctx, &routes.policies);
        let tenant = routes.snapshot.tenant.id;
        if call.trail.unnoted.get().is_some() && !self.control.serves_unnoted(tenant) {
            return Err(Refusal::NotNoted);
        }
        let caller = Caller { ctx, credential, may_change, permits };
        Ok(Identified { call, caller, routes })
    }

    fn by_key(&self, routes: &Routes, text: &str, request_id: &str) -> Result<Shown, Refusal> {
        let ctx = self.control.by_route_key(&routes.snapshot, text, request_id);
        let ctx = ctx.ok_or(Refusal::Unauthenticated)?;
        let Principal::ApiKey(key) = *ctx.principal() else { return Err(Refusal::Unauthenticated) };
        Ok(Shown { ctx, credential: key.uuid(), may_change: true })
    }

    /// A client calls the moment it has its token, perhaps before this gateway has heard of the grant: then it looks itself.
    async fn by_token(
        &self,
        routes: Arc<Routes>,
        text: &str,
        call: &Call,
    ) -> Result<(Shown, Arc<Routes>), Refusal> {
        let id = &call.request_id;
        match self.control.by_access_token(&routes.snapshot, text, id) {
            Ok(caller) => Ok((caller.into(), routes)),
            Err(TokenRefusal::UnknownGrant { issued_at }) if self.is_young(issued_at) => {
                let routes = self.snapshots.reload(&call.tenant).await?;
                let routes = routes.ok_or(Refusal::Unauthenticated)?;
                let caller = self.control.by_access_token(&routes.snapshot, text, id);
                Ok((caller.map_err(|_| Refusal::Unauthenticated)?.into(), routes))
            }
            Err(_) => Err(Refusal::Unauthenticated),
        }
    }

    fn is_young(&self, issued_at: i64) -> bool {
        self.control.now().timestamp() - issued_at <= YOUNG_SECONDS
    }
}

impl From<TokenCaller> for Shown {
    fn from(caller: TokenCaller) -> Self {
        let TokenCaller { ctx, grant, may_change } = caller;
        Self { ctx, credential: grant.uuid(), may_change }
    }
}
