//! An organisation's own roles.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::RoleHolder;

use super::permission::Permission;
use crate::graphql::{
    caller::Caller,
    page::{Connection, connect, page_args},
};

pub(crate) struct CustomRole(pub(crate) domain::CustomRole);

pub(crate) struct RoleAssignment(domain::RoleAssignment);

/// What a permission means, and whether it can be given.
#[derive(SimpleObject)]
pub(crate) struct PermissionDescription {
    pub(crate) permission: Permission,
    pub(crate) description: &'static str,
    /// Whether the caller can put it into a role.
    pub(crate) grantable: bool,
}

/// A named set of permissions that adds to the built-in role of whoever has it.
#[Object]
impl CustomRole {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Unique in the organisation; upper and lower case are the same.
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    async fn permissions(&self) -> Vec<Permission> {
        self.0.permissions.iter().map(Into::into).collect()
    }

    async fn version(&self) -> i64 {
        self.0.version
    }

    /// Who has it.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<RoleAssignment>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let found = caller.control.list_role_assignments(&caller.ctx, self.0.id, page).await?;
        Ok(connect(found, continued, RoleAssignment))
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// That a member, or everybody in a group, has a role.
#[Object]
impl RoleAssignment {
    async fn member_id(&self) -> Option<ID> {
        match self.0.holder {
            RoleHolder::Member(id) => Some(ID(id.to_string())),
            RoleHolder::Group(_) => None,
        }
    }

    async fn group_id(&self) -> Option<ID> {
        match self.0.holder {
            RoleHolder::Member(_) => None,
            RoleHolder::Group(id) => Some(ID(id.to_string())),
        }
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
