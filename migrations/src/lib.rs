//! The schema's history: the list of migrations, one file each. How to write one is in `README.md`.
//!
//! The same list runs on SQLite and PostgreSQL; what differs between them is in `dialect.rs`.

mod dialect;
mod m20261123_000001_directory;
mod m20261123_000002_organisation;
mod m20261123_000003_work;
mod m20261123_000004_records;
mod m20261123_000005_standing;
mod m20261123_000006_identity;
mod m20261123_000010_audit_chain;
mod m20261123_000020_keys;
mod m20261123_000030_policies;
mod m20261123_000040_groups;
mod m20261123_000050_members;
mod m20261123_000051_invitations;
mod m20261123_000052_custom_roles;
mod m20261123_000070_webhooks;
mod m20261123_000100_oauth;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

/// Tables that belong to no organisation or are read before one is known: they carry no row-level security.
///
/// Every other table has `tenant_id`, a tenant-first index and row-level security; a test walks the schema.
pub const GLOBAL_TABLES: &[&str] = &[
    "tenants",
    "users",
    "sessions",
    "sign_in_links",
    "jobs",
    "api_key_hashes",
    "verified_domains",
    "identities",
    "affiliations",
    "sign_in_attempts",
    "logout_tokens",
    "audit_keys",
    "seaql_migrations",
];

/// Tables of which the runtime role may only add and read rows.
pub const APPEND_ONLY_TABLES: &[&str] = &["audit_events", "audit_checkpoints", "audit_keys"];

/// Functions that the runtime role may call, with the types of their parameters. Nobody else may.
pub const RUNTIME_FUNCTIONS: &[&str] = &["audit_events_remove_up_to(bigint)"];

/// Tables that the runtime role may only read.
pub const READ_ONLY_TABLES: &[&str] = &["seaql_migrations"];

/// Runs the list.
pub struct Migrator;

// === impl Migrator ===

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_directory::Migration),
            Box::new(m20261123_000002_organisation::Migration),
            Box::new(m20261123_000003_work::Migration),
            Box::new(m20261123_000004_records::Migration),
            Box::new(m20261123_000005_standing::Migration),
            Box::new(m20261123_000006_identity::Migration),
            Box::new(m20261123_000010_audit_chain::Migration),
            Box::new(m20261123_000040_groups::Migration),
            Box::new(m20261123_000020_keys::Migration),
            Box::new(m20261123_000030_policies::Migration),
            Box::new(m20261123_000050_members::Migration),
            Box::new(m20261123_000070_webhooks::Migration),
            Box::new(m20261123_000051_invitations::Migration),
            Box::new(m20261123_000052_custom_roles::Migration),
            Box::new(m20261123_000100_oauth::Migration),
        ]
    }
}
