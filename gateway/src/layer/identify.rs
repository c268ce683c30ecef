//! Who calls: the tenant of the path and the API key of the header, checked against the tenant's snapshot in memory.
//!
//! A tenant that does not exist and a key that is wrong get the same answer.

use std::sync::Arc;

use control::Control;
use domain::{Principal, secret::ExposeSecret};

use crate::{
    call::{Call, Caller, Identified, Outcome},
    error::Refusal,
    snapshots::Snapshots,
    stack::{Layer, Service},
};

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
        // A token that cannot be a key costs no look-up; its answer is that of a wrong key.
        let token = call.token.take().ok_or(Refusal::Unauthenticated)?;
        if !domain::key::is_well_formed(token.expose_secret()) {
            return Err(Refusal::Unauthenticated);
        }
        let routes = self.snapshots.get(&call.tenant).await?.ok_or(Refusal::Unauthenticated)?;
        // Outer layers only read what is set here; nobody else sets it.
        let _ = call.trail.tenant.set(routes.snapshot.tenant.id);
        let ctx = self
            .control
            .by_route_key(&routes.snapshot, token.expose_secret(), &call.request_id)
            .ok_or(Refusal::Unauthenticated)?;
        let Principal::ApiKey(key) = *ctx.principal() else { return Err(Refusal::Unauthenticated) };
        let _ = call.trail.actor.set(ctx.principal().clone());
        let _ = call.trail.opened.set(ctx.opened().clone());
        let ctx = ctx.from_origin(call.origin.clone());
        let permits = self.control.permits(&ctx, &routes.policies);
        let tenant = routes.snapshot.tenant.id;
        if call.trail.unnoted.get().is_some() && !self.control.serves_unnoted(tenant) {
            return Err(Refusal::NotNoted);
        }
        Ok(Identified { call, caller: Caller { ctx, key, permits }, routes })
    }
}
