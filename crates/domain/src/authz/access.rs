//! What somebody may do and reach in one organisation, as established when they came in.

use serde::{Deserialize, Serialize};

use super::{PermissionSet, Role};
use crate::{GroupId, InstallId};

/// How confidential something is. Whoever lacks the clearance for it neither sees nor reaches it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    Public,
    #[default]
    Internal,
    Confidential,
    Restricted,
}

/// The standing of a caller. Made from the membership, its groups and custom roles, and narrowed by the key that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The built-in role, for display and for the policies.
    pub role: Role,
    /// The role's, those of custom roles, less what the key leaves out.
    pub permissions: PermissionSet,
    /// Groups that the person or service account belongs to, sorted.
    pub groups: Vec<GroupId>,
    /// The highest classification that the caller reaches.
    pub clearance: Classification,
    /// `Some` limits the caller to these installs (API keys).
    pub installs: Option<Vec<InstallId>>,
}

// === impl Classification ===

impl Classification {
    /// Lowest first.
    pub const ALL: &[Classification] = &[
        Classification::Public,
        Classification::Internal,
        Classification::Confidential,
        Classification::Restricted,
    ];

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Classification::Public => "public",
            Classification::Internal => "internal",
            Classification::Confidential => "confidential",
            Classification::Restricted => "restricted",
        }
    }

    /// Its rank, for comparisons in policies: 0 for public, 3 for restricted.
    pub const fn level(self) -> i64 {
        self as i64
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.as_str() == text)
    }
}

// === impl Access ===

impl Access {
    /// A standing by a built-in role alone.
    pub const fn of_role(role: Role, clearance: Classification) -> Self {
        Self {
            role,
            permissions: role.permissions(),
            groups: Vec::new(),
            clearance,
            installs: None,
        }
    }

    /// At most what `limit` has too: permissions, clearance and reach of both. The role stays that of `self`.
    #[must_use]
    pub fn narrowed(
        mut self,
        permissions: PermissionSet,
        clearance: Classification,
        installs: Option<Vec<InstallId>>,
    ) -> Self {
        self.permissions = self.permissions.intersection(permissions);
        self.clearance = self.clearance.min(clearance);
        self.installs = match (self.installs, installs) {
            (Some(mine), Some(theirs)) => {
                Some(mine.into_iter().filter(|id| theirs.contains(id)).collect())
            }
            (mine, theirs) => mine.or(theirs),
        };
        self
    }

    /// Whether the caller may reach this install at all.
    pub fn reaches(&self, install: InstallId) -> bool {
        self.installs.as_ref().is_none_or(|some| some.contains(&install))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::PermissionName;

    #[test]
    fn narrowing_never_widens() {
        let (one, other) = (InstallId::generate(), InstallId::generate());
        let access = Access::of_role(Role::Member, Classification::Internal);
        let narrow =
            access.narrowed(Role::Owner.permissions(), Classification::Restricted, Some(vec![one]));
        assert_eq!(narrow.permissions, Role::Member.permissions());
        assert_eq!(narrow.clearance, Classification::Internal);
        let narrower = narrow.narrowed(
            PermissionSet::of(&[PermissionName::McpUse]),
            Classification::Public,
            Some(vec![other]),
        );
        assert_eq!(narrower.permissions, PermissionSet::of(&[PermissionName::McpUse]));
        assert_eq!(narrower.clearance, Classification::Public);
        assert!(!narrower.reaches(one) && !narrower.reaches(other));
    }
}
