//! What the doors ask before they list, call, find or read: one caller's view of the organisation's policies.

use std::sync::Arc;

use domain::{
    Install, InstallStatus, OpCtx, Principal,
    route::{RouteInstall, ToolDefinition},
};
use policy::{
    Answer, Circumstances, Compiled, InstallFacts, Resource, Subject, SubjectKind, ToolEffect, View,
};
use serde::Deserialize;

use crate::Control;

/// What one caller may see and do. Seeing something in a list and using it are one question, so they agree.
#[derive(Clone)]
pub struct Permits {
    view: View,
    tenant: domain::TenantId,
}

// === impl Control ===

impl Control {
    /// What a caller may see and do by these policies, under the circumstances of their request.
    pub fn permits(&self, ctx: &OpCtx, policies: &Arc<Compiled>) -> Permits {
        let origin = ctx.origin();
        let circumstances = Circumstances {
            client: origin.client.clone(),
            network: origin.network,
            at: self.now(),
        };
        Permits { view: policies.view(&subject(ctx), circumstances), tenant: ctx.tenant() }
    }
}

// === impl Permits ===

impl Permits {
    /// Whether a tool is listed. `name` is without the install's prefix. For tools of a remote server, whose own word on their
    /// effect nobody vouches for, give [`ToolEffect::Destructive`].
    pub fn tool(&self, install: &RouteInstall, name: &str, effect: ToolEffect) -> bool {
        self.view.lists(&Resource::Tool { install: self.route(install), name, effect })
    }

    /// Whether there can be a tool of this install that is listed.
    pub fn some_tool(&self, install: &RouteInstall) -> bool {
        self.view.may_use_some(&self.route(install))
    }

    /// Decides about a call of a tool, with its arguments as JSON.
    pub fn call(
        &self,
        install: &RouteInstall,
        name: &str,
        effect: ToolEffect,
        arguments: &[u8],
    ) -> Answer {
        let tool = Resource::Tool { install: self.route(install), name, effect };
        self.view.decide(&tool, arguments)
    }

    /// Whether a synced record of this install is found and read.
    pub fn record(&self, install: &RouteInstall, stream: &str, external_id: &str) -> bool {
        let install = self.route(install);
        self.view.lists(&Resource::Record { install, stream, external_id })
    }

    /// Whether there can be a record of this install that is found.
    pub fn some_record(&self, install: &RouteInstall) -> bool {
        let streams = install.streams.iter().map(String::as_str);
        !install.streams.is_empty() && some_record(&self.view, self.route(install), streams)
    }

    /// Whether a built-in prompt is listed and can be got.
    pub fn prompt(&self, name: &str) -> bool {
        self.view.lists(&Resource::Prompt { tenant: self.tenant, name })
    }

    /// The set of policies that decides.
    pub fn policies(&self) -> &Compiled {
        self.view.policies()
    }

    pub(crate) fn record_of(&self, install: &Install, stream: &str, external_id: &str) -> bool {
        self.view.lists(&Resource::Record { install: facts(install), stream, external_id })
    }

    /// Whether there can be a record of these streams that is found.
    pub(crate) fn some_record_of<'s>(
        &self,
        install: &Install,
        streams: impl Iterator<Item = &'s str>,
    ) -> bool {
        some_record(&self.view, facts(install), streams)
    }

    pub(crate) fn tool_of(&self, install: &Install, name: &str, effect: ToolEffect) -> bool {
        self.view.lists(&Resource::Tool { install: facts(install), name, effect })
    }

    pub(crate) fn some_tool_of(&self, install: &Install) -> bool {
        self.view.may_use_some(&facts(install))
    }

    /// A snapshot holds active installs only.
    fn route<'a>(&self, install: &'a RouteInstall) -> InstallFacts<'a> {
        InstallFacts {
            tenant: self.tenant,
            id: install.id,
            alias: &install.alias,
            connector: &install.connector,
            status: InstallStatus::Active,
            classification: install.classification,
        }
    }
}

impl std::fmt::Debug for Permits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Permits({:?})", self.policies())
    }
}

fn some_record<'s>(
    view: &View,
    install: InstallFacts<'_>,
    mut streams: impl Iterator<Item = &'s str>,
) -> bool {
    streams.any(|stream| view.may_read_some(&install, stream))
}

/// An install as policies see it.
pub(crate) fn facts(install: &Install) -> InstallFacts<'_> {
    InstallFacts {
        tenant: install.tenant,
        id: install.id,
        alias: &install.alias,
        connector: &install.connector,
        status: install.status,
        classification: install.classification,
    }
}

/// A caller as policies see them.
pub(crate) fn subject(ctx: &OpCtx) -> Subject {
    let access = ctx.access();
    let kind = match ctx.principal() {
        Principal::ApiKey(_) => SubjectKind::ApiKey,
        Principal::User(_) | Principal::System(_) => SubjectKind::User,
    };
    Subject {
        tenant: ctx.tenant(),
        id: ctx.principal().to_string(),
        kind,
        role: access.role,
        groups: access.groups.clone(),
        clearance: access.clearance,
        permissions: access.permissions,
        installs: access.installs.clone(),
    }
}

/// What one of our own connectors declares of a tool, from the annotations of its definition. Parse once per snapshot.
pub fn tool_effect(tool: &ToolDefinition) -> ToolEffect {
    serde_json::from_str::<Declared>(tool.json.get())
        .map_or(ToolEffect::Destructive, |declared| declared.annotations.effect())
}

#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    annotations: Annotations,
}

/// MCP `ToolAnnotations` with the defaults of the specification: not read-only, destructive.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Annotations {
    read_only_hint: bool,
    destructive_hint: bool,
}

// === impl Annotations ===

impl Annotations {
    const fn effect(&self) -> ToolEffect {
        ToolEffect::declared(self.read_only_hint, self.destructive_hint)
    }
}

impl Default for Annotations {
    fn default() -> Self {
        Self { read_only_hint: false, destructive_hint: true }
    }
}
