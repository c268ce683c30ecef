//! May this caller list, call, read or search this? One pure function answers for all four, so that a list can never show
//! what a call refuses (`gateway-rules.md` rule 11).
//!
//! The rules are a table over roles and facts. This is the seam where an organisation's own policies come later: [`decide`]
//! keeps its shape, its callers keep theirs, and what stands behind it becomes richer.

use domain::{InstallStatus, Role, authz::PermissionName};

/// Who asks, as far as a decision depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    pub role: Role,
    /// Whether the caller reaches the install at all: API keys can be limited to some.
    pub reaches_install: bool,
}

/// What the caller wants to do with the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See that a tool exists.
    ListTool,
    /// Call it.
    CallTool,
    /// Find records, and see them in lists of resources.
    SearchRecords,
    /// Read one record.
    ReadRecord,
}

/// What a tool does to the system behind it, as declared by a connector that we ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolEffect {
    ReadOnly,
    /// Adds or changes.
    Writes,
    /// May delete or overwrite. Also the assumption for every tool whose declaration nobody vouches for (remote servers).
    Destructive,
}

/// What the action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Tool { install: InstallStatus, effect: ToolEffect },
    Records { install: InstallStatus },
}

/// The answer and why: the reason is for the audit log, never for the client, to whom a refusal looks like "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub allow: bool,
    pub reason: Reason,
}

/// Which rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No rule refuses.
    Permitted,
    /// The action does not fit the resource (reading a tool).
    Mismatch,
    /// The caller is limited to other installs.
    OutOfReach,
    /// The install is paused or lost its credential.
    InstallHidden,
    /// The role does not hold the permission.
    RoleLacksPermission,
    /// The role is too low for what the tool does.
    RoleTooLowForEffect,
}

/// The lowest role that may see and use a tool, by what the tool does.
const LOWEST_ROLE: &[(ToolEffect, Role)] = &[
    (ToolEffect::ReadOnly, Role::Member),
    (ToolEffect::Writes, Role::Member),
    (ToolEffect::Destructive, Role::Member),
];

/// Decides. Pure: equal questions get equal answers, and listing and calling are the same question.
pub fn decide(subject: Subject, action: Action, resource: Resource) -> Decision {
    match refusal(subject, action, resource) {
        None => Decision { allow: true, reason: Reason::Permitted },
        Some(reason) => Decision { allow: false, reason },
    }
}

fn refusal(subject: Subject, action: Action, resource: Resource) -> Option<Reason> {
    let Some(permission) = needed_permission(action, resource) else {
        return Some(Reason::Mismatch);
    };
    let (Resource::Tool { install, .. } | Resource::Records { install }) = resource;
    if !subject.reaches_install {
        return Some(Reason::OutOfReach);
    }
    if install != InstallStatus::Active {
        return Some(Reason::InstallHidden);
    }
    if !subject.role.holds(permission) {
        return Some(Reason::RoleLacksPermission);
    }
    match resource {
        Resource::Tool { effect, .. } if subject.role < effect.lowest_role() => {
            Some(Reason::RoleTooLowForEffect)
        }
        _ => None,
    }
}

fn needed_permission(action: Action, resource: Resource) -> Option<PermissionName> {
    match (action, resource) {
        (Action::ListTool | Action::CallTool, Resource::Tool { .. }) => {
            Some(PermissionName::McpUse)
        }
        (Action::SearchRecords | Action::ReadRecord, Resource::Records { .. }) => {
            Some(PermissionName::RecordRead)
        }
        _ => None,
    }
}

// === impl ToolEffect ===

impl ToolEffect {
    /// From what a manifest declares.
    pub const fn declared(read_only: bool, destructive: bool) -> Self {
        match (read_only, destructive) {
            (_, true) => Self::Destructive,
            (true, false) => Self::ReadOnly,
            (false, false) => Self::Writes,
        }
    }

    /// The lowest role that may see and use such a tool.
    pub fn lowest_role(self) -> Role {
        LOWEST_ROLE
            .iter()
            .find(|(effect, _)| *effect == self)
            .map_or(Role::Owner, |(_, role)| *role)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn subjects() -> impl Strategy<Value = Subject> {
        (select(Role::ALL), any::<bool>())
            .prop_map(|(role, reaches_install)| Subject { role, reaches_install })
    }

    fn statuses() -> impl Strategy<Value = InstallStatus> {
        select(vec![InstallStatus::Active, InstallStatus::Paused, InstallStatus::NeedsReauth])
    }

    fn effects() -> impl Strategy<Value = ToolEffect> {
        select(vec![ToolEffect::ReadOnly, ToolEffect::Writes, ToolEffect::Destructive])
    }

    proptest! {
        #[test]
        fn tool_is_listed_exactly_when_it_is_callable(
            subject in subjects(), install in statuses(), effect in effects(),
        ) {
            let tool = Resource::Tool { install, effect };
            let listed = decide(subject, Action::ListTool, tool);
            prop_assert_eq!(listed, decide(subject, Action::CallTool, tool));
        }

        #[test]
        fn record_is_found_exactly_when_it_is_readable(
            subject in subjects(), install in statuses(),
        ) {
            let records = Resource::Records { install };
            let found = decide(subject, Action::SearchRecords, records);
            prop_assert_eq!(found, decide(subject, Action::ReadRecord, records));
        }

        #[test]
        fn hidden_or_unreachable_install_allows_nothing(
            subject in subjects(), install in statuses(), effect in effects(),
        ) {
            prop_assume!(!subject.reaches_install || install != InstallStatus::Active);
            let tool = decide(subject, Action::CallTool, Resource::Tool { install, effect });
            let records = decide(subject, Action::ReadRecord, Resource::Records { install });
            prop_assert!(!tool.allow && !records.allow);
        }

        #[test]
        fn higher_role_never_loses_what_a_lower_one_may(
            lower in select(Role::ALL), higher in select(Role::ALL), effect in effects(),
        ) {
            prop_assume!(lower <= higher);
            let tool = Resource::Tool { install: InstallStatus::Active, effect };
            let asks = |role| decide(Subject { role, reaches_install: true }, Action::CallTool, tool);
            prop_assert!(!asks(lower).allow || asks(higher).allow);
        }
    }

    #[test]
    fn member_calls_and_viewer_does_not() {
        let tool = Resource::Tool { install: InstallStatus::Active, effect: ToolEffect::ReadOnly };
        let asks = |role| decide(Subject { role, reaches_install: true }, Action::CallTool, tool);
        assert_eq!(asks(Role::Member), Decision { allow: true, reason: Reason::Permitted });
        assert_eq!(
            asks(Role::Viewer),
            Decision { allow: false, reason: Reason::RoleLacksPermission }
        );
    }

    #[test]
    fn every_effect_stands_in_the_table() {
        for effect in [ToolEffect::ReadOnly, ToolEffect::Writes, ToolEffect::Destructive] {
            assert!(LOWEST_ROLE.iter().any(|(listed, _)| *listed == effect), "{effect:?}");
        }
    }

    #[test]
    fn a_tool_cannot_be_read_like_a_record() {
        let tool = Resource::Tool { install: InstallStatus::Active, effect: ToolEffect::ReadOnly };
        let owner = Subject { role: Role::Owner, reaches_install: true };
        assert_eq!(decide(owner, Action::ReadRecord, tool).reason, Reason::Mismatch);
    }
}
