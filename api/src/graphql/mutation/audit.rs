//! `updateAuditSettings` and `createAuditCheckpoint`.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        audit_settings::{AuditCheckpoint, AuditOverload, AuditSettings},
        user_error::UserError,
    },
};

#[derive(Default)]
pub(crate) struct AuditMutation;

#[derive(InputObject)]
pub(crate) struct UpdateAuditSettingsInput {
    /// Whether the arguments of tool calls are kept, without what looks like a secret.
    keep_arguments: bool,
    /// Days after which entries are removed; null keeps them.
    retention_days: Option<u32>,
    /// Null is what the operator set.
    overload: Option<AuditOverload>,
}

#[derive(SimpleObject)]
pub(crate) struct UpdateAuditSettingsPayload {
    audit_settings: Option<AuditSettings>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
pub(crate) struct CreateAuditCheckpointPayload {
    checkpoint: Option<AuditCheckpoint>,
    user_errors: Vec<UserError>,
}

#[Object]
impl AuditMutation {
    /// Says what the organisation wants of its audit log.
    async fn update_audit_settings(
        &self,
        ctx: &Context<'_>,
        input: UpdateAuditSettingsInput,
    ) -> Result<UpdateAuditSettingsPayload> {
        let caller = Caller::of(ctx);
        let settings = domain::audit::AuditSettings {
            keep_arguments: input.keep_arguments,
            retention_days: input.retention_days,
            overload: input.overload.map(Into::into),
        };
        let done = caller.control.update_audit_settings(&caller.ctx, settings).await;
        Ok(match expected(done)? {
            Ok(kept) => UpdateAuditSettingsPayload {
                audit_settings: Some(AuditSettings(kept)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => UpdateAuditSettingsPayload { audit_settings: None, user_errors },
        })
    }

    /// Signs the end of the audit log now.
    async fn create_audit_checkpoint(
        &self,
        ctx: &Context<'_>,
    ) -> Result<CreateAuditCheckpointPayload> {
        let caller = Caller::of(ctx);
        Ok(match expected(caller.control.create_checkpoint(&caller.ctx).await)? {
            Ok(signed) => CreateAuditCheckpointPayload {
                checkpoint: Some(AuditCheckpoint(signed)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => CreateAuditCheckpointPayload { checkpoint: None, user_errors },
        })
    }
}
