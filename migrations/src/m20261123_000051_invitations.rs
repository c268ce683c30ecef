//! Invitations by e-mail address. Only the hash of a token is kept.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, INVITATIONS).await?;
        dialect::isolate(manager, &["invitations"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// `invited_by` names a person or a key, either of which an invitation may outlive.
const INVITATIONS: &[&str] = &[
    "CREATE TABLE invitations (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
        email text NOT NULL,
        role text NOT NULL CHECK
            (role IN ('viewer', 'member', 'auditor', 'connector_manager', 'admin', 'owner')),
        clearance text NOT NULL CHECK
            (clearance IN ('public', 'internal', 'confidential', 'restricted')),
        group_ids {json} NOT NULL,
        hash text NOT NULL,
        invited_by text NOT NULL,
        created_at {time} NOT NULL,
        expires_at {time} NOT NULL,
        accepted_at {time},
        revoked_at {time},
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, hash)
    )",
    "CREATE UNIQUE INDEX invitations_open ON invitations (tenant_id, email)
        WHERE accepted_at IS NULL AND revoked_at IS NULL",
];
