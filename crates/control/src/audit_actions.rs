//! Every action that can stand in the audit log: a closed list, so that a reader can know it and a typing mistake cannot add to it.

use std::fmt;

/// What an entry of the audit log tells. Only the list below makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(&'static str);

/// Writes the list as one constant each and as the list of all.
macro_rules! actions {
    ($($name:ident $word:literal,)*) => {
        $(pub(crate) const $name: Action = Action($word);)*

        /// Every action, in the order of the list.
        pub(crate) const ALL: &[Action] = &[$($name,)*];
    };
}

actions! {
    API_KEY_CREATE "api_key.create",
    API_KEY_LIST "api_key.list",
    API_KEY_REVOKE "api_key.revoke",
    AUDIT_CHECKPOINT "audit.checkpoint",
    AUDIT_EXPORT "audit.export",
    AUDIT_GAP "audit.gap",
    AUDIT_PURGE "audit.purge",
    AUDIT_READ "audit.read",
    AUDIT_SETTINGS_UPDATE "audit.settings_update",
    CLIENT_GRANT_CREATE "client_grant.create",
    CLIENT_GRANT_LIST "client_grant.list",
    CLIENT_GRANT_REVOKE "client_grant.revoke",
    CONNECTION_CHECK "connection.check",
    CONNECTOR_READ "connector.read",
    CREDENTIAL_OPEN "credential.open",
    DOMAIN_ADD "domain.add",
    DOMAIN_READ "domain.read",
    DOMAIN_RELEASE "domain.release",
    DOMAIN_REMOVE "domain.remove",
    DOMAIN_VERIFY "domain.verify",
    ENDPOINT_LIST "endpoint.list",
    GROUP_CREATE "group.create",
    GROUP_READ "group.read",
    GROUP_REMOVE "group.remove",
    GROUP_UPDATE "group.update",
    INSTALL_CREATE "install.create",
    INSTALL_NEEDS_REAUTH "install.needs_reauth",
    INSTALL_READ "install.read",
    INSTALL_REMOVE "install.remove",
    INSTALL_UPDATE "install.update",
    INVITATION_ACCEPT "invitation.accept",
    INVITATION_CREATE "invitation.create",
    INVITATION_READ "invitation.read",
    INVITATION_RESEND "invitation.resend",
    INVITATION_REVOKE "invitation.revoke",
    KEY_READ "key.read",
    KEY_RETIRE "key.retire",
    KEY_REWRAP "key.rewrap",
    KEY_ROTATE "key.rotate",
    LINK_CREATE "sign_in_link.create",
    MEMBER_PROVISION "member.provision",
    MEMBER_ACTIVATE "member.activate",
    MEMBER_DEACTIVATE "member.deactivate",
    MEMBER_DEPROVISION "member.deprovision",
    MEMBER_DESCRIBE "member.describe",
    MEMBER_ROLE_BY_GROUP "member.role_by_group",
    MEMBER_LEAVE "member.leave",
    MEMBER_LIST "member.list",
    MEMBER_REACTIVATE "member.reactivate",
    MEMBER_REMOVE "member.remove",
    MEMBER_SUSPEND "member.suspend",
    MEMBER_TRANSFER_OWNERSHIP "member.transfer_ownership",
    MEMBER_UPDATE "member.update",
    APPROVAL_DECIDE "approval.decide",
    APPROVAL_READ "approval.read",
    APPROVAL_REQUEST "approval.request",
    POLICY_READ "policy.read",
    POLICY_REMOVE "policy.remove",
    POLICY_RESTORE "policy.restore",
    POLICY_SAVE "policy.save",
    RECORD_READ "record.read",
    RECORD_SEARCH "record.search",
    ROLE_ASSIGN "role.assign",
    ROLE_CREATE "role.create",
    ROLE_DELETE "role.delete",
    ROLE_READ "role.read",
    ROLE_UNASSIGN "role.unassign",
    ROLE_UPDATE "role.update",
    RUN_READ "run.read",
    SCIM_TOKEN_CREATE "scim_token.create",
    SCIM_TOKEN_READ "scim_token.read",
    SCIM_TOKEN_REVOKE "scim_token.revoke",
    SESSION_END_ALL "session.end_all",
    SESSION_END_BY_PROVIDER "session.end_by_provider",
    SESSION_LIST "session.list",
    SESSION_REAUTHENTICATE "session.reauthenticate",
    SESSION_REFUSE "session.refuse",
    SESSION_SWITCH "session.switch",
    SSO_CREATE "sso_connection.create",
    SSO_READ "sso_connection.read",
    SSO_REMOVE "sso_connection.remove",
    SSO_TEST "sso_connection.test",
    SSO_UPDATE "sso_connection.update",
    SESSION_CREATE "session.create",
    SESSION_END "session.end",
    SYNC_CANCEL "sync.cancel",
    SYNC_FINISH "sync.finish",
    SYNC_START "sync.start",
    WEBHOOK_CREATE "webhook.create",
    WEBHOOK_DISABLE "webhook.disable",
    WEBHOOK_READ "webhook.read",
    WEBHOOK_REMOVE "webhook.remove",
    WEBHOOK_REPLAY "webhook.replay",
    WEBHOOK_ROTATE_SECRET "webhook.rotate_secret",
    WEBHOOK_SEND_TEST "webhook.send_test",
    WEBHOOK_UPDATE "webhook.update",
    TENANT_SIGN_UP "tenant.sign_up",
    TENANT_SET_UP "tenant.set_up",
    TENANT_READ "tenant.read",
    TOOL_CALL "tool.call",
    // What the gateway answers, by the method of the protocol.
    MCP_DISCOVER "mcp.server.discover",
    MCP_INITIALIZE "mcp.initialize",
    MCP_LIST_TOOLS "mcp.tools.list",
    MCP_CALL_TOOL "mcp.tools.call",
    MCP_LIST_RESOURCES "mcp.resources.list",
    MCP_LIST_TEMPLATES "mcp.resources.templates.list",
    MCP_READ_RESOURCE "mcp.resources.read",
    MCP_LIST_PROMPTS "mcp.prompts.list",
    MCP_GET_PROMPT "mcp.prompts.get",
    MCP_OPEN_STREAM "mcp.GET",
    MCP_END_SESSION "mcp.DELETE",
    MCP_OTHER "mcp.other",
}

// === impl Action ===

impl Action {
    /// `noun.verb`, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether it tells that something changed, so that an organisation can ask to be told of it. Reading, searching, calling and
    /// opening is no change, nor is the upkeep of the log itself.
    pub fn is_event(self) -> bool {
        const QUIET_NOUNS: &[&str] =
            &["audit", "connection", "connector", "credential", "mcp", "record", "tool"];
        const QUIET_VERBS: &[&str] = &["list", "read", "replay", "search", "send_test"];
        let (noun, verb) = self.0.split_once('.').unwrap_or((self.0, ""));
        self == AUDIT_SETTINGS_UPDATE
            || !(QUIET_NOUNS.contains(&noun) || QUIET_VERBS.contains(&verb))
    }

    /// The action of an MCP request, by its method (`tools/call`). What is not in the list is `mcp.other`.
    pub fn of_call(method: &str) -> Self {
        let word = method.replace('/', ".");
        let known = |action: &&Self| action.0.strip_prefix("mcp.") == Some(word.as_str());
        ALL.iter().find(known).copied().unwrap_or(MCP_OTHER)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_action_is_in_the_list_once_and_is_a_noun_and_a_verb() {
        let words: BTreeSet<_> = ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), ALL.len());
        assert!(words.iter().all(|word| word.contains('.')), "{words:?}");
    }

    #[test]
    fn change_is_an_event_and_what_only_looks_is_none() {
        assert!(INSTALL_CREATE.is_event() && SYNC_FINISH.is_event() && KEY_ROTATE.is_event());
        assert!(AUDIT_SETTINGS_UPDATE.is_event());
        for quiet in [INSTALL_READ, MEMBER_LIST, RECORD_SEARCH, TOOL_CALL, MCP_CALL_TOOL] {
            assert!(!quiet.is_event(), "{quiet}");
        }
        assert!(!CREDENTIAL_OPEN.is_event() && !AUDIT_EXPORT.is_event());
    }

    #[test]
    fn method_that_nobody_knows_adds_nothing_to_the_list() {
        assert_eq!(Action::of_call("tools/call"), MCP_CALL_TOOL);
        assert_eq!(Action::of_call("tools/explode"), MCP_OTHER);
    }
}
