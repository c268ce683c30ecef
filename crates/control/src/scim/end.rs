//! What ends when a directory lets somebody go: sessions, keys, and with them subscriptions and the way in for MCP clients.

use domain::{
    Granted, Membership, Role,
    authz::permission::{ApiKeyWrite, MemberWrite},
};
use serde_json::json;
use store::Tx;

use super::{Provisioner, ScimError};
use crate::{Control, audit::Action};

// === impl Control ===

impl Control {
    /// Ends everything by which a member comes in. Sockets look again every few seconds, gateways by the signal that follows the commit.
    ///
    /// # Errors
    /// [`ScimError::LastOwner`].
    pub(super) async fn end_access(
        &self,
        tx: &Tx,
        who: &Provisioner,
        member: &Membership,
        action: Action,
    ) -> Result<(), ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        if member.role == Role::Owner {
            let owners = tx.directory_entries().hold_owners(&writing).await?;
            if owners.iter().all(|id| *id == member.id) {
                return Err(ScimError::LastOwner);
            }
        }
        let now = self.now();
        let keys: Granted<ApiKeyWrite> = who.granted();
        let keys = tx.directory_entries().revoke_keys_of(&keys, member.user, now).await?;
        let sessions =
            tx.directory().revoke_sessions_of(member.user, Some(who.tenant), now).await?;
        let detail = json!({ "sessions": sessions, "api_keys": keys });
        self.audit_provisioning(tx, who, action, &member.id, detail).await
    }
}
