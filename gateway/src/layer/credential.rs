//! The secret of a call to a remote server, opened at the last moment. It exists from here to the request that carries it.

use control::Control;
use domain::{OpCtx, SecretString, route::{RouteInstall, Upstream}};

use super::permit::Permitted;
use crate::{
    call::{Outcome, Routed, Target},
    error::Refusal,
    stack::{Layer, Service},
};

/// A permitted call with what it needs to be let in by the remote server.
pub(crate) struct Armed {
    pub(crate) permitted: Permitted<Routed>,
    pub(crate) bearer: Option<SecretString>,
}

/// Makes the layer.
pub(crate) struct Inject {
    pub(crate) control: Control,
}

/// A service whose calls carry their credential.
pub(crate) struct Credentialed<S> {
    inner: S,
    control: Control,
}

/// The bearer token of an install; `None` when it has none or is no remote server.
pub(crate) async fn bearer(
    control: &Control,
    ctx: &OpCtx,
    install: &RouteInstall,
) -> Result<Option<SecretString>, control::Error> {
    match &install.upstream {
        Upstream::Remote(remote) if remote.has_credential => {
            control.remote_bearer(ctx, install.id).await
        }
        _ => Ok(None),
    }
}

// === impl Inject ===

impl<S> Layer<S> for Inject {
    type Service = Credentialed<S>;

    fn layer(self, inner: S) -> Credentialed<S> {
        Credentialed { inner, control: self.control }
    }
}

// === impl Credentialed ===

impl<S: Service<Armed>> Service<Permitted<Routed>> for Credentialed<S> {
    async fn call(&self, permitted: Permitted<Routed>) -> Outcome {
        let bearer = {
            let identified = permitted.get();
            let install = match &identified.call.target {
                Target::Tool(target) => identified.install(target.install),
                _ => None,
            };
            match install {
                Some(install) => bearer(&self.control, &identified.caller.ctx, install)
                    .await
                    .map_err(Refusal::from)?,
                None => None,
            }
        };
        self.inner.call(Armed { permitted, bearer }).await
    }
}
