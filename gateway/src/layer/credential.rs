//! The secret of a call to a remote server, opened at the last moment. It exists from here to the request that carries it.

use control::Control;
use domain::{
    OpCtx, SecretString,
    route::{RemoteServer, RouteInstall, Upstream},
};

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

/// Tells the control plane that a server refused the token that it was sent: the install is hidden until it gets a new one.
pub(crate) async fn report_refused(control: &Control, ctx: &OpCtx, install: &RouteInstall) {
    let Upstream::Remote(RemoteServer { has_credential: true, .. }) = &install.upstream else {
        return;
    };
    if let Err(error) = control.report_refused_bearer(ctx, install.id).await {
        tracing::warn!(install.id = %install.id, error = &error as &dyn std::error::Error, "A refused credential of `{}` could not be noted", install.alias);
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
