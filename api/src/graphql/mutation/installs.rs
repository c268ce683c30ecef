//! `installConnector`, `updateInstall`, `removeInstall` and `checkConnection`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use control::{
    CheckConnection, CheckReport, InstallConnector, Installed, SecretJson, UpdateInstall,
};
use serde_json::Value;

use super::expected;
use crate::graphql::{
    caller::Caller,
    model::{
        install::{Install, InstallStatus},
        policy::Classification,
        sync_run::SyncRun,
        user_error::UserError,
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct InstallsMutation;

#[derive(InputObject)]
pub(crate) struct InstallConnectorInput {
    /// Slug of the connector.
    connector: String,
    display_name: String,
    /// Prefix of its tools; made from the connector's name when not given.
    alias: Option<String>,
    config: Value,
    #[graphql(secret)]
    credential: Option<Value>,
    sync_interval_seconds: Option<i64>,
}

#[derive(SimpleObject)]
pub(crate) struct InstallConnectorPayload {
    install: Option<Install>,
    /// The first sync; null when the connector does not sync.
    run: Option<SyncRun>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct UpdateInstallInput {
    id: ID,
    display_name: Option<String>,
    config: Option<Value>,
    #[graphql(secret)]
    credential: Option<Value>,
    status: Option<InstallStatus>,
    sync_interval_seconds: Option<i64>,
    /// How confidential everything of it is.
    classification: Option<Classification>,
    /// Refused with `CONFLICT` unless the install still has this version.
    expected_version: Option<i64>,
}

#[derive(SimpleObject)]
pub(crate) struct UpdateInstallPayload {
    install: Option<Install>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct RemoveInstallInput {
    id: ID,
}

#[derive(SimpleObject)]
pub(crate) struct RemoveInstallPayload {
    removed_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[derive(InputObject)]
pub(crate) struct CheckConnectionInput {
    /// Slug of the connector.
    connector: String,
    config: Value,
    #[graphql(secret)]
    credential: Option<Value>,
}

/// One thing that was tried.
#[derive(SimpleObject)]
pub(crate) struct CheckItem {
    name: String,
    ok: bool,
    message: String,
}

#[derive(SimpleObject)]
pub(crate) struct CheckConnectionPayload {
    /// Whether everything that was tried worked.
    ok: bool,
    items: Vec<CheckItem>,
    user_errors: Vec<UserError>,
}

#[Object]
impl InstallsMutation {
    /// Installs a connector and starts its first sync.
    async fn install_connector(
        &self,
        ctx: &Context<'_>,
        input: InstallConnectorInput,
    ) -> Result<InstallConnectorPayload> {
        Ok(match expected(install(Caller::of(ctx), input).await)? {
            Ok(installed) => InstallConnectorPayload {
                install: Some(Install(installed.install)),
                run: installed.run.map(SyncRun),
                user_errors: Vec::new(),
            },
            Err(user_errors) => InstallConnectorPayload { install: None, run: None, user_errors },
        })
    }

    /// Changes what is given; a new credential replaces the old one.
    async fn update_install(
        &self,
        ctx: &Context<'_>,
        input: UpdateInstallInput,
    ) -> Result<UpdateInstallPayload> {
        Ok(match expected(update(Caller::of(ctx), input).await)? {
            Ok(install) => {
                UpdateInstallPayload { install: Some(Install(install)), user_errors: Vec::new() }
            }
            Err(user_errors) => UpdateInstallPayload { install: None, user_errors },
        })
    }

    /// Removes an install with its credential and everything that it has synced.
    async fn remove_install(
        &self,
        ctx: &Context<'_>,
        input: RemoveInstallInput,
    ) -> Result<RemoveInstallPayload> {
        Ok(match expected(remove(Caller::of(ctx), &input).await)? {
            Ok(()) => RemoveInstallPayload { removed_id: Some(input.id), user_errors: Vec::new() },
            Err(user_errors) => RemoveInstallPayload { removed_id: None, user_errors },
        })
    }

    /// Tries settings and a credential without keeping anything.
    async fn check_connection(
        &self,
        ctx: &Context<'_>,
        input: CheckConnectionInput,
    ) -> Result<CheckConnectionPayload> {
        Ok(match expected(check(Caller::of(ctx), input).await)? {
            Ok(report) => {
                let items: Vec<_> = report
                    .items
                    .into_iter()
                    .map(|item| CheckItem { name: item.name, ok: item.ok, message: item.message })
                    .collect();
                let ok = items.iter().all(|item| item.ok);
                CheckConnectionPayload { ok, items, user_errors: Vec::new() }
            }
            Err(user_errors) => {
                CheckConnectionPayload { ok: false, items: Vec::new(), user_errors }
            }
        })
    }
}

async fn install(
    caller: &Caller,
    input: InstallConnectorInput,
) -> Result<Installed, control::Error> {
    let command = InstallConnector {
        connector: input.connector,
        display_name: input.display_name,
        alias: input.alias,
        config: input.config,
        credential: input.credential.map(SecretJson::new),
        sync_interval_seconds: input.sync_interval_seconds,
    };
    caller.control.install_connector(&caller.ctx, command).await
}

async fn update(
    caller: &Caller,
    input: UpdateInstallInput,
) -> Result<domain::Install, control::Error> {
    let id = typed(&input.id, "id")?;
    let command = UpdateInstall {
        display_name: input.display_name,
        config: input.config,
        credential: input.credential.map(SecretJson::new),
        status: input.status.map(Into::into),
        sync_interval_seconds: input.sync_interval_seconds,
        classification: input.classification.map(Into::into),
        expected_version: input.expected_version,
    };
    caller.control.update_install(&caller.ctx, id, command).await
}

async fn remove(caller: &Caller, input: &RemoveInstallInput) -> Result<(), control::Error> {
    let id = typed(&input.id, "id")?;
    caller.control.remove_install(&caller.ctx, id).await
}

async fn check(
    caller: &Caller,
    input: CheckConnectionInput,
) -> Result<CheckReport, control::Error> {
    let command = CheckConnection {
        connector: input.connector,
        config: input.config,
        credential: input.credential.map(SecretJson::new),
    };
    caller.control.check_connection(&caller.ctx, command).await
}
