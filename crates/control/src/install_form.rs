//! What can be said about an install's settings before asking anybody: schemas, names, intervals; and the trial against the source.

use std::time::Duration;

use connector_sdk::{CheckReport, Connector, HostsManifest, Secrets};
use domain::{Install, InstallStatus, OpCtx};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    CheckConnection, Control, Error, InstallConnector, SecretJson, UpdateInstall,
    credentials::{Purpose, use_grant},
    tenants::check_name,
    upstream::guarded,
};

const ALIAS_MAX: usize = 24;
const INTERVAL_MAX_SECONDS: i64 = 30 * 24 * 3600;

/// Settings that hold up against the connector's schemas.
pub(crate) struct Form<'a> {
    /// The credential that was given: `null` counts as none.
    pub(crate) credential: Option<&'a SecretJson>,
}

// === impl Form ===

impl<'a> Form<'a> {
    pub(crate) fn of_new(
        control: &Control,
        connector: &dyn Connector,
        command: &'a InstallConnector,
    ) -> Result<Self, Error> {
        check_name("displayName", &command.display_name)?;
        command.alias.as_deref().map_or(Ok(()), check_alias)?;
        control.check_interval(connector, command.sync_interval_seconds)?;
        check_config(connector, &command.config)?;
        let credential = given(command.credential.as_ref());
        check_credential(connector, credential, true)?;
        Ok(Self { credential })
    }

    pub(crate) fn of_check(
        connector: &dyn Connector,
        command: &'a CheckConnection,
    ) -> Result<Self, Error> {
        check_config(connector, &command.config)?;
        let credential = given(command.credential.as_ref());
        check_credential(connector, credential, true)?;
        Ok(Self { credential })
    }

    pub(crate) fn of_change(
        control: &Control,
        connector: &dyn Connector,
        install: &Install,
        command: &'a UpdateInstall,
    ) -> Result<Self, Error> {
        command.display_name.as_deref().map_or(Ok(()), |name| check_name("displayName", name))?;
        control.check_interval(connector, command.sync_interval_seconds)?;
        let credential = given(command.credential.as_ref());
        check_credential(connector, credential, false)?;
        if let Some(config) = &command.config {
            check_config(connector, config)?;
            check_same_hosts(connector, install, config, credential)?;
        }
        check_status(install, command.status, credential)?;
        Ok(Self { credential })
    }
}

// === impl Control ===

impl Control {
    fn check_interval(&self, connector: &dyn Connector, seconds: Option<i64>) -> Result<(), Error> {
        let Some(seconds) = seconds.filter(|seconds| *seconds != 0) else { return Ok(()) };
        let field = "syncIntervalSeconds";
        if connector.sync().is_none() {
            return Err(Error::invalid(field, "not_syncable", "this connector does not sync"));
        }
        let shortest = i64::from(self.config().min_sync_interval_seconds);
        if (shortest..=INTERVAL_MAX_SECONDS).contains(&seconds) {
            return Ok(());
        }
        let message = format!("syncs can be {shortest} seconds to 30 days apart");
        Err(Error::invalid(field, "out_of_range", message))
    }

    /// Tries settings with a credential that was just given.
    pub(crate) async fn try_out(
        &self,
        connector: &'static dyn Connector,
        config: &Value,
        credential: Option<&SecretJson>,
    ) -> Result<CheckReport, Error> {
        let secrets = credential.map(SecretJson::secrets).transpose()?;
        self.check(connector, config, secrets).await
    }

    /// Tries settings with the credential that is stored.
    pub(crate) async fn try_with_stored(
        &self,
        ctx: &OpCtx,
        connector: &'static dyn Connector,
        config: &Value,
        install: &Install,
    ) -> Result<CheckReport, Error> {
        let granted = use_grant(ctx);
        let tx = self.store().read(&granted).await?;
        let sealed = self.load_credential(&tx, &granted, install).await?;
        drop(tx);
        let secrets = match &sealed {
            Some(sealed) => Some(self.unseal_for(ctx, sealed, Purpose::Check).await?),
            None => None,
        };
        self.check(connector, config, secrets).await
    }

    async fn check(
        &self,
        connector: &'static dyn Connector,
        config: &Value,
        secrets: Option<Secrets>,
    ) -> Result<CheckReport, Error> {
        let cancel = CancellationToken::new();
        // Whoever asked may be gone before the connector has answered.
        let _cancelled_on_drop = cancel.clone().drop_guard();
        let cx = self.context(config.clone(), secrets, cancel);
        let limit = Duration::from_secs(self.config().check_timeout_seconds.into());
        let checked = guarded(limit, connector.check(&cx)).await;
        checked.map_err(|failure| failure.into_error(&connector.manifest().id))
    }
}

/// `files`, `files_2`, `files_3`…, cut so that the number always fits.
pub(crate) fn derive_alias(connector: &str, number: u32) -> String {
    let suffix = if number == 1 { String::new() } else { format!("_{number}") };
    let base: String = connector
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' })
        .take(ALIAS_MAX - suffix.len())
        .collect();
    base + &suffix
}

fn given(credential: Option<&SecretJson>) -> Option<&SecretJson> {
    credential.filter(|secret| !secret.expose().is_null())
}

fn check_alias(alias: &str) -> Result<(), Error> {
    let fits = (1..=ALIAS_MAX).contains(&alias.len())
        && alias
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if fits {
        return Ok(());
    }
    let message = "an alias has 1 to 24 characters out of a-z, 0-9 and `_`";
    Err(Error::invalid("alias", "characters", message))
}

fn check_config(connector: &dyn Connector, config: &Value) -> Result<(), Error> {
    connector.manifest().validate_config(config).map_err(|errors| Error::form("config", errors))
}

fn check_credential(
    connector: &dyn Connector,
    credential: Option<&SecretJson>,
    is_new: bool,
) -> Result<(), Error> {
    let manifest = connector.manifest();
    match credential {
        Some(secret) => manifest
            .validate_credential(secret.expose())
            .map_err(|errors| Error::form("credential", errors)),
        None if is_new && manifest.requires_credential() => {
            let message = format!("{} needs a credential", manifest.name);
            Err(Error::invalid("credential", "required", message))
        }
        None => Ok(()),
    }
}

/// A stored credential is never sent to a host that it was not given for: whoever could redirect it could read it.
fn check_same_hosts(
    connector: &dyn Connector,
    install: &Install,
    config: &Value,
    credential: Option<&SecretJson>,
) -> Result<(), Error> {
    let HostsManifest::Configured { fields } = &connector.manifest().hosts else { return Ok(()) };
    if !install.has_credential || credential.is_some() {
        return Ok(());
    }
    match fields.iter().find(|field| install.config.get(*field) != config.get(*field)) {
        None => Ok(()),
        Some(field) => {
            let message =
                format!("give the credential again, because `{field}` changes where it is sent");
            Err(Error::invalid("credential", "required", message))
        }
    }
}

fn check_status(
    install: &Install,
    status: Option<InstallStatus>,
    credential: Option<&SecretJson>,
) -> Result<(), Error> {
    let refused = match status {
        Some(InstallStatus::NeedsReauth) => "this status is set by Patchbay alone",
        Some(InstallStatus::Active)
            if install.status == InstallStatus::NeedsReauth && credential.is_none() =>
        {
            "the service refused the credential: give a new one to switch the install on again"
        }
        _ => return Ok(()),
    };
    Err(Error::invalid("status", "status", refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_alias_is_always_a_valid_one() {
        assert_eq!(derive_alias("files", 1), "files");
        assert_eq!(derive_alias("files", 2), "files_2");
        let long = derive_alias("a-connector-with-a-very-long-name", 100);
        assert_eq!(long, "a_connector_with_a_v_100");
        assert!(check_alias(&long).is_ok());
    }
}
