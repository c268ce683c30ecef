//! An organisation's own roles: named sets of permissions that add to the built-in ones.

use chrono::{DateTime, Utc};

use crate::{CustomRoleId, GroupId, MembershipId, PermissionSet, RoleAssignmentId, TenantId};

/// A named set of permissions. It adds to what the holder's built-in role gives and takes nothing away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    pub id: CustomRoleId,
    pub tenant: TenantId,
    /// Unique in the organisation; upper and lower case are the same.
    pub name: String,
    pub description: String,
    pub permissions: PermissionSet,
    /// Counts every change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Who has a custom role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleHolder {
    Member(MembershipId),
    /// Everybody in the group.
    Group(GroupId),
}

/// That somebody has a custom role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    pub id: RoleAssignmentId,
    pub role: CustomRoleId,
    pub holder: RoleHolder,
    pub created_at: DateTime<Utc>,
}
