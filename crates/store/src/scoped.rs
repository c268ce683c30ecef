//! The only start of a query. A tenant's tables are reached through a grant, from which the tenant is taken.

use domain::{Granted, authz::Permission};
use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany};

use crate::entity;

/// A table whose rows belong to one tenant each.
pub(crate) trait TenantOwned: EntityTrait {
    /// The column that says to whom.
    const TENANT: Self::Column;

    /// Starts a read of the granted tenant's rows.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    fn scoped<P: Permission>(granted: &Granted<P>) -> Select<Self> {
        Self::find().filter(Self::TENANT.eq(granted.tenant().uuid()))
    }

    /// Starts a change of the granted tenant's rows.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    fn scoped_update<P: Permission>(granted: &Granted<P>) -> UpdateMany<Self> {
        Self::update_many().filter(Self::TENANT.eq(granted.tenant().uuid()))
    }

    /// Starts a removal of the granted tenant's rows.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    fn scoped_delete<P: Permission>(granted: &Granted<P>) -> DeleteMany<Self> {
        Self::delete_many().filter(Self::TENANT.eq(granted.tenant().uuid()))
    }
}

/// A table of `GLOBAL_TABLES`: its rows are found before a tenant is known.
pub(crate) trait Global: EntityTrait {
    /// Starts a read.
    #[expect(
        clippy::disallowed_methods,
        reason = "tables of GLOBAL_TABLES have no tenant to scope to"
    )]
    fn all() -> Select<Self> {
        Self::find()
    }

    /// Starts a change.
    #[expect(
        clippy::disallowed_methods,
        reason = "tables of GLOBAL_TABLES have no tenant to scope to"
    )]
    fn all_update() -> UpdateMany<Self> {
        Self::update_many()
    }

    /// Starts a removal.
    #[expect(
        clippy::disallowed_methods,
        reason = "tables of GLOBAL_TABLES have no tenant to scope to"
    )]
    fn all_delete() -> DeleteMany<Self> {
        Self::delete_many()
    }
}

// === tables ===

impl TenantOwned for entity::membership::Entity {
    const TENANT: Self::Column = entity::membership::Column::TenantId;
}
impl TenantOwned for entity::custom_role::Entity {
    const TENANT: Self::Column = entity::custom_role::Column::TenantId;
}
impl TenantOwned for entity::role_assignment::Entity {
    const TENANT: Self::Column = entity::role_assignment::Column::TenantId;
}
impl TenantOwned for entity::invitation::Entity {
    const TENANT: Self::Column = entity::invitation::Column::TenantId;
}
impl TenantOwned for entity::group::Entity {
    const TENANT: Self::Column = entity::group::Column::TenantId;
}
impl TenantOwned for entity::group_member::Entity {
    const TENANT: Self::Column = entity::group_member::Column::TenantId;
}
impl TenantOwned for entity::scim_token::Entity {
    const TENANT: Self::Column = entity::scim_token::Column::TenantId;
}
impl TenantOwned for entity::directory_entry::Entity {
    const TENANT: Self::Column = entity::directory_entry::Column::TenantId;
}
impl TenantOwned for entity::install::Entity {
    const TENANT: Self::Column = entity::install::Column::TenantId;
}
impl TenantOwned for entity::credential::Entity {
    const TENANT: Self::Column = entity::credential::Column::TenantId;
}
impl TenantOwned for entity::data_key_version::Entity {
    const TENANT: Self::Column = entity::data_key_version::Column::TenantId;
}
impl TenantOwned for entity::key_rotation::Entity {
    const TENANT: Self::Column = entity::key_rotation::Column::TenantId;
}
impl TenantOwned for entity::run::Entity {
    const TENANT: Self::Column = entity::run::Column::TenantId;
}
impl TenantOwned for entity::record::Entity {
    const TENANT: Self::Column = entity::record::Column::TenantId;
}
impl TenantOwned for entity::endpoint::Entity {
    const TENANT: Self::Column = entity::endpoint::Column::TenantId;
}
impl TenantOwned for entity::api_key::Entity {
    const TENANT: Self::Column = entity::api_key::Column::TenantId;
}
impl TenantOwned for entity::audit_checkpoint::Entity {
    const TENANT: Self::Column = entity::audit_checkpoint::Column::TenantId;
}
impl TenantOwned for entity::audit_head::Entity {
    const TENANT: Self::Column = entity::audit_head::Column::TenantId;
}
impl TenantOwned for entity::audit_setting::Entity {
    const TENANT: Self::Column = entity::audit_setting::Column::TenantId;
}
impl TenantOwned for entity::policy_set::Entity {
    const TENANT: Self::Column = entity::policy_set::Column::TenantId;
}
impl TenantOwned for entity::approval::Entity {
    const TENANT: Self::Column = entity::approval::Column::TenantId;
}
impl TenantOwned for entity::audit_event::Entity {
    const TENANT: Self::Column = entity::audit_event::Column::TenantId;
}
impl TenantOwned for entity::sso_connection::Entity {
    const TENANT: Self::Column = entity::sso_connection::Column::TenantId;
}
impl TenantOwned for entity::webhook::Entity {
    const TENANT: Self::Column = entity::webhook::Column::TenantId;
}
impl TenantOwned for entity::webhook_secret::Entity {
    const TENANT: Self::Column = entity::webhook_secret::Column::TenantId;
}
impl TenantOwned for entity::webhook_delivery::Entity {
    const TENANT: Self::Column = entity::webhook_delivery::Column::TenantId;
}
impl TenantOwned for entity::domain::Entity {
    const TENANT: Self::Column = entity::domain::Column::TenantId;
}
impl TenantOwned for entity::oauth_client::Entity {
    const TENANT: Self::Column = entity::oauth_client::Column::TenantId;
}
impl TenantOwned for entity::client_grant::Entity {
    const TENANT: Self::Column = entity::client_grant::Column::TenantId;
}
impl TenantOwned for entity::oauth_code::Entity {
    const TENANT: Self::Column = entity::oauth_code::Column::TenantId;
}
impl TenantOwned for entity::oauth_refresh_token::Entity {
    const TENANT: Self::Column = entity::oauth_refresh_token::Column::TenantId;
}
/// A global table, but within a tenant's transaction it is used as the tenant's.
impl TenantOwned for entity::verified_domain::Entity {
    const TENANT: Self::Column = entity::verified_domain::Column::TenantId;
}
/// A global table, but within a tenant's transaction it is used as the tenant's.
impl TenantOwned for entity::job::Entity {
    const TENANT: Self::Column = entity::job::Column::TenantId;
}
/// A global table, but within a tenant's transaction it is used as the tenant's.
impl TenantOwned for entity::api_key_hash::Entity {
    const TENANT: Self::Column = entity::api_key_hash::Column::TenantId;
}
/// The tenant's own row.
impl TenantOwned for entity::tenant::Entity {
    const TENANT: Self::Column = entity::tenant::Column::Id;
}

impl Global for entity::audit_key::Entity {}
impl Global for entity::tenant::Entity {}
impl Global for entity::user::Entity {}
impl Global for entity::session::Entity {}
impl Global for entity::sign_in_link::Entity {}
impl Global for entity::job::Entity {}
impl Global for entity::api_key_hash::Entity {}
impl Global for entity::verified_domain::Entity {}
impl Global for entity::identity::Entity {}
impl Global for entity::affiliation::Entity {}
impl Global for entity::sign_in_attempt::Entity {}
impl Global for entity::logout_token::Entity {}
