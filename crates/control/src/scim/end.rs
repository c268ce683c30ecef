//! What ends when a directory lets somebody go: sessions, keys, and with them subscriptions and the way in for MCP clients.

use domain::{Granted, MembershipId, authz::permission::MemberWrite};
use serde_json::json;
use store::Tx;

use super::{Provisioner, ScimError};
use crate::{Control, audit::Action, members::is_last_owner};

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
        id: MembershipId,
        action: Action,
    ) -> Result<(), ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        let owners = tx.directory_entries().hold_owners(&writing).await?;
        // Read once the owners are held: ownership may have been handed to this member a moment ago.
        let member = tx.members().lookup(&who.granted(), id).await?;
        if is_last_owner(&owners, &member) {
            return Err(ScimError::LastOwner);
        }
        let ended = self.end_ways_in(tx, &writing, member.user).await?;
        let detail =
            json!({ "sessions": ended.sessions, "api_keys": ended.keys, "clients": ended.clients });
        self.audit_provisioning(tx, who, action, &id, detail).await
    }
}
