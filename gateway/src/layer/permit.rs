//! May this caller do this? The same question decides what is listed and what can be called, and only this file makes a
//! [`Permitted`].

use control::ToolEffect;
use domain::route::RouteInstall;

use crate::{
    call::{Caller, Identified, Outcome, Routed, Target},
    error::Refusal,
    stack::{Layer, Service},
};

/// A call that the policy allows. Nothing else reaches cache, credential and upstream.
pub(crate) struct Permitted<C>(Identified<C>);

/// Makes the layer.
pub(crate) struct Authorize;

/// A service behind the policy.
pub(crate) struct Permitting<S> {
    inner: S,
}

// === impl Permitted ===

impl<C> Permitted<C> {
    pub(crate) fn get(&self) -> &Identified<C> {
        &self.0
    }
}

// === impl Authorize ===

impl<S> Layer<S> for Authorize {
    type Service = Permitting<S>;

    fn layer(self, inner: S) -> Permitting<S> {
        Permitting { inner }
    }
}

// === impl Permitting ===

impl<S: Service<Permitted<Routed>>> Service<Identified<Routed>> for Permitting<S> {
    async fn call(&self, identified: Identified<Routed>) -> Outcome {
        if !allows(&identified) {
            let _ = identified.call.call.trail.denied.set(());
            return Err(as_unknown(&identified.call));
        }
        self.inner.call(Permitted(identified)).await
    }
}

fn allows(identified: &Identified<Routed>) -> bool {
    let caller = &identified.caller;
    match &identified.call.target {
        Target::Tool(target) => identified
            .install(target.install)
            .is_some_and(|install| may_use(caller, install, target.tool.effect)),
        Target::Unlisted { install } => identified
            .install(*install)
            .is_some_and(|install| may_use(caller, install, ToolEffect::Destructive)),
        Target::Search | Target::Fetch => may_search(caller, &identified.routes.snapshot.installs),
        Target::ReadResource { install, .. } => {
            identified.install(*install).is_some_and(|install| may_read(caller, install))
        }
        // Lists hold what the caller may use and nothing else; the rest concerns the caller alone.
        Target::Discover
        | Target::Initialize
        | Target::Ping
        | Target::ListTools
        | Target::ListResources
        | Target::ListTemplates
        | Target::ListPrompts
        | Target::GetPrompt
        | Target::Accept
        | Target::EndSession(_) => true,
    }
}

/// What the caller is told: exactly what a name that does not exist gets.
fn as_unknown(routed: &Routed) -> Refusal {
    let params = routed.call.params();
    match &routed.target {
        Target::ReadResource { .. } => Refusal::UnknownResource {
            uri: params.and_then(|params| params.uri.clone()).unwrap_or_default(),
        },
        _ => Refusal::UnknownTool {
            name: params.and_then(|params| params.name.clone()).unwrap_or_default(),
        },
    }
}

/// Whether a tool is listed for the caller and may be called by them.
pub(crate) fn may_use(caller: &Caller, install: &RouteInstall, effect: ToolEffect) -> bool {
    control::permit_tool(&caller.ctx, install, effect)
}

/// Whether records of an install are listed, found and read.
pub(crate) fn may_read(caller: &Caller, install: &RouteInstall) -> bool {
    control::permit_records(&caller.ctx, install)
}

/// Whether the tools over synced records are listed and may be called: there has to be something to find.
pub(crate) fn may_search(caller: &Caller, installs: &[RouteInstall]) -> bool {
    installs.iter().any(|install| may_read(caller, install))
}
