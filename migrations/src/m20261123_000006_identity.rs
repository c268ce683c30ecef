//! How people prove who they are: connections to identity providers, domains, identities, and what a sign-in needs.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, CONNECTIONS).await?;
        dialect::isolate(manager, &["sso_connections", "domains"]).await?;
        dialect::run(manager, DIRECTORY).await?;
        dialect::run(manager, SESSIONS).await?;
        dialect::for_each_tenant(manager, &[AFFILIATE]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const CONNECTIONS: &[&str] = &[
    "CREATE TABLE sso_connections (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        issuer text NOT NULL,
        client_id text NOT NULL,
        rules {json} NOT NULL,
        state text NOT NULL CHECK (state IN ('draft', 'enabled', 'enforced')),
        sealed_secret {bytes},
        secret_version {int} NOT NULL,
        version {int} NOT NULL,
        tested {json},
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )",
    "CREATE TABLE domains (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        name text NOT NULL,
        token text NOT NULL,
        created_at {time} NOT NULL,
        verified_at {time},
        checked_at {time},
        missing_since {time},
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, name)
    )",
];

const DIRECTORY: &[&str] = &[
    // Global, because an address is typed before an organisation is known; and because a domain has one organisation.
    "CREATE TABLE verified_domains (
        name text PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        domain_id {uuid} NOT NULL,
        UNIQUE (tenant_id, domain_id),
        FOREIGN KEY (tenant_id, domain_id) REFERENCES domains (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE TABLE identities (
        id {uuid} PRIMARY KEY,
        issuer text NOT NULL,
        subject text NOT NULL,
        user_id {uuid} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_at {time} NOT NULL,
        UNIQUE (issuer, subject)
    )",
    "CREATE INDEX identities_user ON identities (user_id)",
    // Global, because a person asks for their organisations before one is chosen. It follows `memberships`.
    "CREATE TABLE affiliations (
        tenant_id {uuid} NOT NULL,
        user_id {uuid} NOT NULL,
        PRIMARY KEY (tenant_id, user_id),
        FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
    )",
    "CREATE INDEX affiliations_user ON affiliations (user_id)",
    // `voucher` is the connection or the provider; there is none before the address has led to one.
    "CREATE TABLE sign_in_attempts (
        id {uuid} PRIMARY KEY,
        hash text NOT NULL UNIQUE,
        browser text NOT NULL,
        purpose text NOT NULL,
        tenant_id {uuid} REFERENCES tenants (id) ON DELETE CASCADE,
        connection_id {uuid},
        provider text,
        session_id {uuid} REFERENCES sessions (id) ON DELETE CASCADE,
        detail {json} NOT NULL,
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        used_at {time}
    )",
    "CREATE INDEX sign_in_attempts_expiry ON sign_in_attempts (expires_at)",
    "CREATE INDEX sign_in_attempts_tenant ON sign_in_attempts (tenant_id)",
    "CREATE INDEX sign_in_attempts_session ON sign_in_attempts (session_id)",
    "CREATE TABLE logout_tokens (
        hash text PRIMARY KEY,
        expires_at {time} NOT NULL
    )",
    "CREATE INDEX logout_tokens_expiry ON logout_tokens (expires_at)",
];

/// `authenticated_at` and `last_seen_at` are empty for sessions of the release before: they began with their sign-in.
const SESSIONS: &[&str] = &[
    "ALTER TABLE sessions ADD COLUMN last_seen_at {time}",
    "ALTER TABLE sessions ADD COLUMN authenticated_at {time}",
    "ALTER TABLE sessions ADD COLUMN idle_seconds {int}",
    "ALTER TABLE sessions ADD COLUMN connection_id {uuid}",
    "ALTER TABLE sessions ADD COLUMN provider text",
    "ALTER TABLE sessions ADD COLUMN issuer text",
    "ALTER TABLE sessions ADD COLUMN subject text",
    "ALTER TABLE sessions ADD COLUMN provider_session text",
    "CREATE INDEX sessions_connection ON sessions (connection_id)",
];

const AFFILIATE: &str =
    "INSERT INTO affiliations (tenant_id, user_id) SELECT tenant_id, user_id FROM memberships";
