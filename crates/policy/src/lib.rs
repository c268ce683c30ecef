//! May this caller list, call, read or search this? One pure function answers for all four, so that a list can never show
//! what a call refuses (`gateway-rules.md` rule 11).
//!
//! The rules are a table over roles and facts. This is the seam where an organisation's own policies come later: [`decide`]
//! keeps its shape, its callers keep theirs, and what stands behind it becomes richer.

use domain::{InstallStatus, PermissionSet, authz::PermissionName};

/// Who asks, as far as a decision depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// What the caller may do in the organisation.
    pub permissions: PermissionSet,
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
    /// The caller does not hold the permission.
    LacksPermission,
}

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
    (!subject.permissions.contains(permission)).then_some(Reason::LacksPermission)
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
}

#[cfg(test)]
mod tests {
    use domain::Role;
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn subjects() -> impl Strategy<Value = Subject> {
        (select(Role::ALL), any::<bool>()).prop_map(|(role, reaches_install)| Subject {
            permissions: role.permissions(),
            reaches_install,
        })
    }

    fn subject_of(role: Role) -> Subject {
        Subject { permissions: role.permissions(), reaches_install: true }
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
        fn who_may_more_never_loses_what_others_may(
            lower in select(Role::ALL), higher in select(Role::ALL), effect in effects(),
        ) {
            prop_assume!(lower.permissions().is_within(higher.permissions()));
            let tool = Resource::Tool { install: InstallStatus::Active, effect };
            let asks = |role| decide(subject_of(role), Action::CallTool, tool);
            prop_assert!(!asks(lower).allow || asks(higher).allow);
        }
    }

    #[test]
    fn member_calls_and_viewer_does_not() {
        let tool = Resource::Tool { install: InstallStatus::Active, effect: ToolEffect::ReadOnly };
        let asks = |role| decide(subject_of(role), Action::CallTool, tool);
        assert_eq!(asks(Role::Member), Decision { allow: true, reason: Reason::Permitted });
        assert_eq!(asks(Role::Viewer), Decision { allow: false, reason: Reason::LacksPermission });
    }

    #[test]
    fn a_tool_cannot_be_read_like_a_record() {
        let tool = Resource::Tool { install: InstallStatus::Active, effect: ToolEffect::ReadOnly };
        let owner = subject_of(Role::Owner);
        assert_eq!(decide(owner, Action::ReadRecord, tool).reason, Reason::Mismatch);
    }
}
