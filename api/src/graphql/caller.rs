//! What a resolver knows of its request: who asks, and how to reach the use-cases.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::Context;
use control::{Control, SignedIn};
use domain::OpCtx;
use tokio_util::task::TaskTracker;

use super::loaders::Loaders;

/// The caller of one GraphQL operation, put into every request before it is executed.
pub(crate) struct Caller {
    pub(crate) control: Control,
    pub(crate) ctx: OpCtx,
    pub(crate) loaders: Loaders,
    /// Base of returned addresses, without a slash at its end.
    pub(crate) public_url: Arc<str>,
    signed_out: Arc<AtomicBool>,
    switched: Arc<OnceLock<SignedIn>>,
}

// === impl Caller ===

impl Caller {
    pub(crate) fn new(
        control: &Control,
        ctx: &OpCtx,
        tasks: &TaskTracker,
        public_url: Arc<str>,
    ) -> Self {
        let loaders = Loaders::new(control, ctx, tasks);
        Self {
            control: control.clone(),
            ctx: ctx.clone(),
            loaders,
            public_url,
            signed_out: Arc::default(),
            switched: Arc::default(),
        }
    }

    /// Tells through `flag` that the session was ended, so that the answer can take its cookie back.
    pub(crate) fn telling_sign_out(mut self, flag: Arc<AtomicBool>) -> Self {
        self.signed_out = flag;
        self
    }

    /// Gives the session that took the place of the caller's through `slot`, so that the answer can set its cookie.
    pub(crate) fn telling_switch(mut self, slot: Arc<OnceLock<SignedIn>>) -> Self {
        self.switched = slot;
        self
    }

    /// Of several switches in one document the first one counts.
    pub(crate) fn switch_done(&self, fresh: SignedIn) {
        drop(self.switched.set(fresh));
    }

    pub(crate) fn sign_out_done(&self) {
        self.signed_out.store(true, Ordering::Relaxed);
    }

    /// The caller of the operation that a resolver works for.
    pub(crate) fn of<'a>(context: &Context<'a>) -> &'a Self {
        context.data_unchecked()
    }
}
