//! What the gateway asks before it lists, calls, finds or reads: the answers of the policy over its snapshot.

use domain::{
    InstallStatus, OpCtx,
    route::{RouteInstall, ToolDefinition},
};
use policy::{Action, Resource, Subject, ToolEffect, decide};
use serde::Deserialize;

/// Whether the caller may see and call a tool of this install. Listing and calling ask the same question, so they agree.
/// For tools of a remote server, whose own word on their effect nobody vouches for, give [`ToolEffect::Destructive`].
pub fn permit_tool(ctx: &OpCtx, install: &RouteInstall, effect: ToolEffect) -> bool {
    // A snapshot holds active installs only.
    let tool = Resource::Tool { install: InstallStatus::Active, effect };
    decide(subject(ctx, install.id), Action::CallTool, tool).allow
}

/// Whether the caller may find and read synced records of this install.
pub fn permit_records(ctx: &OpCtx, install: &RouteInstall) -> bool {
    let records = Resource::Records { install: InstallStatus::Active };
    install.synced && decide(subject(ctx, install.id), Action::ReadRecord, records).allow
}

/// What one of our own connectors declares of a tool, from the annotations of its definition. Parse once per snapshot.
pub fn tool_effect(tool: &ToolDefinition) -> ToolEffect {
    serde_json::from_str::<Declared>(tool.json.get())
        .map_or(ToolEffect::Destructive, |declared| declared.annotations.effect())
}

/// The caller, as far as a decision about this install depends on it.
pub(crate) fn subject(ctx: &OpCtx, install: domain::InstallId) -> Subject {
    Subject { permissions: ctx.access().permissions, reaches_install: ctx.reaches(install) }
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
