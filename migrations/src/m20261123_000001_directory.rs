//! Who there is, before anything is known of an organisation: tenants, users, sessions, sign-in links.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(
            manager,
            &[
                "CREATE TABLE tenants (
                    id {uuid} PRIMARY KEY,
                    slug text NOT NULL UNIQUE,
                    name text NOT NULL,
                    created_at {time} NOT NULL
                )",
                "CREATE TABLE users (
                    id {uuid} PRIMARY KEY,
                    email text NOT NULL UNIQUE,
                    display_name text NOT NULL,
                    created_at {time} NOT NULL
                )",
                "CREATE TABLE sessions (
                    id {uuid} PRIMARY KEY,
                    hash text NOT NULL UNIQUE,
                    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                    tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
                    created_at {time} NOT NULL,
                    expires_at {time} NOT NULL,
                    revoked_at {time}
                )",
                "CREATE INDEX sessions_user ON sessions (user_id)",
                "CREATE INDEX sessions_tenant ON sessions (tenant_id)",
                "CREATE INDEX sessions_expiry ON sessions (expires_at)",
                "CREATE TABLE sign_in_links (
                    id {uuid} PRIMARY KEY,
                    hash text NOT NULL UNIQUE,
                    user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                    tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
                    created_at {time} NOT NULL,
                    expires_at {time} NOT NULL,
                    used_at {time}
                )",
                "CREATE INDEX sign_in_links_user ON sign_in_links (user_id)",
                "CREATE INDEX sign_in_links_tenant ON sign_in_links (tenant_id)",
                "CREATE INDEX sign_in_links_expiry ON sign_in_links (expires_at)",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
