//! What a call is for. A tool's name is looked up in the tables of the installs that could own it, never taken apart; only a
//! table that is not there yet is asked for, from that one install.

use std::sync::Arc;

use domain::route::Upstream;

use super::permit::may_use_some;
use crate::{
    call::{Act, Call, Identified, Method, Outcome, Routed, Target, ToolTarget},
    clock::Now,
    error::Refusal,
    mcp::{
        names,
        revision::Era,
        session::{Holder, Session, Sessions},
    },
    stack::{Layer, Service},
    upstream::{lists::Lists, synced},
};

/// Makes the layer.
pub(crate) struct Resolve {
    pub(crate) lists: Arc<Lists>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) now: Now,
}

/// A service that gets calls with a target.
pub(crate) struct Routing<S> {
    inner: S,
    resolve: Resolve,
}

// === impl Resolve ===

impl<S> Layer<S> for Resolve {
    type Service = Routing<S>;

    fn layer(self, inner: S) -> Routing<S> {
        Routing { inner, resolve: self }
    }
}

impl Resolve {
    async fn target(&self, identified: &Identified<Call>) -> Result<Target, Refusal> {
        let call = &identified.call;
        if let Act::Request { method: Method::Initialize, .. } = &call.act
            && call.era == Era::Legacy
        {
            return Ok(Target::Initialize);
        }
        if matches!(call.act, Act::OpenStream) {
            return Err(Refusal::NoStream);
        }
        let session = match call.era {
            Era::Legacy => Some(self.session(identified)?),
            Era::Modern => None,
        };
        match (&call.act, session) {
            (Act::Request { method, .. }, _) => self.method(identified, method).await,
            (Act::Notification | Act::Response, _) => Ok(Target::Accept),
            (Act::EndSession, Some(session)) => Ok(Target::EndSession(session)),
            (Act::OpenStream | Act::EndSession, _) => Err(Refusal::NoStream),
        }
    }

    fn session(&self, identified: &Identified<Call>) -> Result<Session, Refusal> {
        let token = identified.call.session.as_deref().ok_or(Refusal::SessionMissing)?;
        let tenant = identified.routes.snapshot.tenant.id;
        let holder = Holder { tenant, credential: identified.caller.credential };
        self.sessions
            .open(token, holder, self.now.now())
            .map_err(|_no_session| Refusal::SessionUnknown)
    }

    async fn method(
        &self,
        identified: &Identified<Call>,
        method: &Method,
    ) -> Result<Target, Refusal> {
        let target = match (method, identified.call.era) {
            (Method::Discover, Era::Modern) => Target::Discover,
            (Method::Ping, Era::Legacy) => Target::Ping,
            (Method::ListTools, _) => Target::ListTools,
            (Method::CallTool, _) => return self.tool(identified).await,
            (Method::ListResources, _) => Target::ListResources,
            (Method::ListTemplates, _) => Target::ListTemplates,
            (Method::ReadResource, _) => return resource(identified),
            (Method::ListPrompts, _) => Target::ListPrompts,
            (Method::GetPrompt, _) => Target::GetPrompt,
            (Method::Initialize | Method::Discover | Method::Ping | Method::Other(_), _) => {
                return Err(Refusal::MethodNotFound { method: method.name().to_owned() });
            }
        };
        Ok(target)
    }

    async fn tool(&self, identified: &Identified<Call>) -> Result<Target, Refusal> {
        let name = identified.call.params().and_then(|params| params.name.as_deref());
        let name =
            name.ok_or(Refusal::InvalidParams { message: "`name` of the tool is missing" })?;
        match name {
            synced::SEARCH => return Ok(Target::Search),
            synced::FETCH => return Ok(Target::Fetch),
            _ => {}
        }
        let mut unlisted = None;
        for index in identified.routes.candidates() {
            let Some(install) = identified.routes.snapshot.installs.get(index) else { continue };
            if !name.starts_with(&names::prefix(&install.alias)) {
                continue;
            }
            let tool = match &install.upstream {
                Upstream::None => None,
                Upstream::Native(_) => identified.routes.native(index).get(name).cloned(),
                // Who may use nothing of an install causes no request to its server, and no failure that others would see.
                Upstream::Remote(_) if !may_use_some(&identified.caller, install) => {
                    unlisted = unlisted.or(Some(index));
                    None
                }
                Upstream::Remote(remote) => {
                    match self.lists.table(&identified.caller.ctx, install, remote).await {
                        Ok(table) => table.get(name).cloned(),
                        Err(_unavailable) => {
                            unlisted = unlisted.or(Some(index));
                            None
                        }
                    }
                }
            };
            if let Some(tool) = tool {
                return Ok(Target::Tool(ToolTarget { install: index, tool }));
            }
        }
        match unlisted {
            Some(install) => Ok(Target::Unlisted { install }),
            None => Err(Refusal::UnknownTool { name: name.to_owned() }),
        }
    }
}

fn resource(identified: &Identified<Call>) -> Result<Target, Refusal> {
    let uri = identified.call.params().and_then(|params| params.uri.as_deref());
    let uri = uri.ok_or(Refusal::InvalidParams { message: "`uri` of the resource is missing" })?;
    let unknown = || Refusal::UnknownResource { uri: uri.to_owned() };
    let (alias, stream, external_id) = synced::parse_uri(uri).ok_or_else(unknown)?;
    let install = identified.routes.index_of(alias).ok_or_else(unknown)?;
    Ok(Target::ReadResource { install, stream, external_id })
}

// === impl Routing ===

impl<S: Service<Identified<Routed>>> Service<Identified<Call>> for Routing<S> {
    async fn call(&self, identified: Identified<Call>) -> Outcome {
        let target = self.resolve.target(&identified).await?;
        let install = match &target {
            Target::Tool(ToolTarget { install, .. })
            | Target::Unlisted { install }
            | Target::ReadResource { install, .. } => {
                identified.routes.snapshot.installs.get(*install)
            }
            _ => None,
        };
        if let Some(install) = install {
            let _ = identified.call.trail.install.set(install.alias.clone());
        }
        self.inner.call(identified.map(|call| Routed { call, target })).await
    }
}
