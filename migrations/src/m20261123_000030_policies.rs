//! Who may see and call what: classification of installs, versions of policies, calls that wait for a person.

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
                "ALTER TABLE installs ADD COLUMN classification text NOT NULL DEFAULT 'internal' CHECK
                    (classification IN ('public', 'internal', 'confidential', 'restricted'))",
                "CREATE TABLE policy_sets (
                    id {uuid} NOT NULL,
                    tenant_id {uuid} NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
                    version {int} NOT NULL CHECK (version > 0),
                    sources {json} NOT NULL,
                    author text NOT NULL,
                    note text NOT NULL,
                    created_at {time} NOT NULL,
                    PRIMARY KEY (tenant_id, id),
                    UNIQUE (tenant_id, version)
                )",
                "CREATE TABLE approvals (
                    id {uuid} NOT NULL,
                    tenant_id {uuid} NOT NULL,
                    principal text NOT NULL,
                    install_id {uuid} NOT NULL,
                    tool text NOT NULL,
                    arguments text,
                    digest text NOT NULL,
                    reason text NOT NULL,
                    state text NOT NULL CHECK
                        (state IN ('pending', 'approved', 'refused', 'used')),
                    requested_at {time} NOT NULL,
                    expires_at {time} NOT NULL,
                    decided_by text,
                    decided_at {time},
                    used_at {time},
                    PRIMARY KEY (tenant_id, id),
                    FOREIGN KEY (tenant_id, install_id) REFERENCES installs (tenant_id, id) ON DELETE CASCADE
                )",
                "CREATE INDEX approvals_call ON approvals (tenant_id, principal, install_id, digest)",
                "CREATE INDEX approvals_arguments ON approvals (tenant_id, expires_at) WHERE arguments IS NOT NULL",
            ],
        )
        .await?;
        dialect::isolate(manager, &["policy_sets", "approvals"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
