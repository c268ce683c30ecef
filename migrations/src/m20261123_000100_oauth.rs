//! AI clients that sign in by OAuth: who registered, what people granted them, codes and refresh tokens.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, TABLES).await?;
        let tables = ["oauth_clients", "client_grants", "oauth_codes", "oauth_refresh_tokens"];
        dialect::isolate(manager, &tables).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Codes and refresh tokens are kept as hashes. `parent` is the refresh token that a refresh token was exchanged for.
const TABLES: &[&str] = &[
    "CREATE TABLE oauth_clients (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        digest text NOT NULL,
        name text NOT NULL,
        redirect_uris {json} NOT NULL,
        created_at {time} NOT NULL,
        last_used_at {time},
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, digest)
    )",
    "CREATE TABLE client_grants (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        user_id {uuid} NOT NULL,
        client_id text NOT NULL,
        client_name text NOT NULL,
        redirect text NOT NULL,
        scope text NOT NULL,
        created_at {time} NOT NULL,
        last_used_at {time},
        expires_at {time} NOT NULL,
        revoked_at {time},
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
    )",
    "CREATE INDEX client_grants_user ON client_grants (tenant_id, user_id)",
    "CREATE TABLE oauth_codes (
        tenant_id {uuid} NOT NULL,
        hash text NOT NULL,
        grant_id {uuid} NOT NULL,
        redirect_uri text NOT NULL,
        challenge text NOT NULL,
        expires_at {time} NOT NULL,
        used_at {time},
        PRIMARY KEY (tenant_id, hash),
        FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX oauth_codes_grant ON oauth_codes (tenant_id, grant_id)",
    "CREATE TABLE oauth_refresh_tokens (
        tenant_id {uuid} NOT NULL,
        hash text NOT NULL,
        grant_id {uuid} NOT NULL,
        parent text,
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        used_at {time},
        PRIMARY KEY (tenant_id, hash),
        FOREIGN KEY (tenant_id, grant_id) REFERENCES client_grants (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX oauth_refresh_tokens_grant ON oauth_refresh_tokens (tenant_id, grant_id)",
    "CREATE INDEX oauth_refresh_tokens_parent ON oauth_refresh_tokens (tenant_id, parent)",
];
