//! The gateway as one readable list of layers. A request enters at the bottom of the list and goes up to the upstream; the
//! answer comes back down. The types decide the order: a layer that needs a known caller cannot be put before the one that
//! finds out who calls, and the upstream accepts nothing that was not permitted.

use crate::{
    call::{Call, Outcome},
    layer::{audit, cache, credential, identify, permit, quota, route, trace},
    upstream::Upstream,
};

/// Answers calls of stage `In`.
pub(crate) trait Service<In>: Send + Sync + 'static {
    fn call(&self, input: In) -> impl Future<Output = Outcome> + Send;
}

/// Wraps a service in another.
pub(crate) trait Layer<S> {
    type Service;
    fn layer(self, inner: S) -> Self::Service;
}

/// A service under construction, from the inside to the outside.
pub(crate) struct Stack<S>(S);

/// What the layers are made of.
pub(crate) struct Layers {
    pub(crate) upstream: Upstream,
    pub(crate) credential: credential::Inject,
    pub(crate) cache: cache::Lookup,
    pub(crate) permit: permit::Authorize,
    pub(crate) route: route::Resolve,
    pub(crate) quota: quota::Limit,
    pub(crate) identify: identify::Identify,
    pub(crate) audit: audit::Record,
    pub(crate) trace: trace::Span,
}

/// The stack of [`build`].
pub(crate) type Door = trace::Spanned<
    audit::Recorded<
        identify::Identifying<
            quota::Limited<
                route::Routing<
                    permit::Permitting<cache::Cached<credential::Credentialed<Upstream>>>,
                >,
            >,
        >,
    >,
>;

/// THE list.
pub(crate) fn build(layers: Layers) -> Door {
    Stack::new(layers.upstream) // accepts only Permitted<Routed> with its credential
        .push(layers.credential) // last: the secret exists only from here on
        .push(layers.cache) // after permit, or a cached answer would leak
        .push(layers.permit) // Identified -> Permitted; a refused tool answers exactly like an unknown one
        .push(layers.route) // what the call is for, by the tables of the tenant's snapshot
        .push(layers.quota) // hits and refusals count too
        .push(layers.identify) // path + token -> Identified<Call>
        .push(layers.audit) // outside of all, so that refusals are recorded
        .push(layers.trace) // joins the caller's trace
        .finish()
}

// === impl Stack ===

impl<S> Stack<S> {
    fn new(innermost: S) -> Self {
        Self(innermost)
    }

    fn push<L: Layer<S>>(self, layer: L) -> Stack<L::Service> {
        Stack(layer.layer(self.0))
    }

    fn finish(self) -> S
    where
        S: Service<Call>,
    {
        self.0
    }
}
