//! Which role the directory's groups give a member: by the mapping of the organisation's sign-in connection.

use domain::{
    Granted, Membership, MembershipId, PageArgs, Role,
    authz::permission::{IdentityRead, MemberRead, MemberWrite},
    identity::{ConnectionRules, ConnectionState},
};
use serde_json::json;
use store::Tx;

use super::{Provisioner, ScimError};
use crate::{Control, audit::action};

/// For an organisation without a connection that says otherwise.
const USUAL: Role = Role::Member;

// === impl Control ===

impl Control {
    /// The rules of the connection that is in use: the enforced one before others.
    pub(super) async fn role_rules(
        &self,
        tx: &Tx,
        who: &Provisioner,
    ) -> Result<Option<ConnectionRules>, ScimError> {
        let reading: Granted<IdentityRead> = who.granted();
        let page = tx.sso_connections().list(&reading, &PageArgs::all()).await?;
        let mut used: Vec<_> =
            page.into_items().filter(|it| it.settings.state != ConnectionState::Draft).collect();
        used.sort_by_key(|it| it.settings.state != ConnectionState::Enforced);
        Ok(used.into_iter().next().map(|it| it.settings.rules))
    }

    /// The role of somebody who is provisioned now, and in no group yet. The least one where the connection lets nobody in by default.
    pub(super) fn first_role(rules: Option<&ConnectionRules>) -> Role {
        match rules {
            Some(rules) => rules.role_of(&[]).unwrap_or(Role::Viewer),
            None => USUAL,
        }
    }

    /// Brings the roles of members up to date with their groups. Only where a mapping is made, and never to or from ownership: that is
    /// given and taken by people.
    pub(super) async fn follow_groups(
        &self,
        tx: &Tx,
        who: &Provisioner,
        members: &[MembershipId],
    ) -> Result<(), ScimError> {
        let rules = self.role_rules(tx, who).await?;
        let Some(rules) = rules.filter(|it| !it.group_roles.is_empty()) else { return Ok(()) };
        let reading: Granted<MemberRead> = who.granted();
        let writing: Granted<MemberWrite> = who.granted();
        let groups = tx.groups().of_members(&reading, members).await?;
        for member in tx.directory_entries().lookup_many(&reading, members).await? {
            let Membership { id, role, .. } = member.membership;
            if member.entry.is_none() || role == Role::Owner {
                continue;
            }
            // Entra ID's tokens name groups by their object id, which is the external id here.
            let own = groups.get(&id).into_iter().flatten();
            let names: Vec<String> = own
                .flat_map(|it| [Some(it.name.clone()), it.external_id.clone()])
                .flatten()
                .collect();
            let given = rules.role_of(&names).unwrap_or(Role::Viewer);
            if given == role || given == Role::Owner {
                continue;
            }
            tx.members().update(&writing, id, given).await?;
            let detail = json!({ "from": role.as_str(), "to": given.as_str() });
            self.audit_provisioning(tx, who, action::MEMBER_ROLE_BY_GROUP, &id, detail).await?;
        }
        Ok(())
    }
}
