//! `patchbay keys`: looks at the keys of organisations and turns them over, from the operator's own shell.

use std::path::{Path, PathBuf};

use domain::Tenant;

use crate::{
    cmd::{CommandError, say},
    plane::Plane,
    settings::Settings,
};

#[derive(Debug, clap::Args)]
pub(crate) struct KeysArguments {
    #[command(subcommand)]
    action: KeysAction,
    /// Data directory of a running `patchbay up`; without it the configured database is used.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// One organisation instead of all of them.
    #[arg(long, global = true, value_name = "SLUG")]
    tenant: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum KeysAction {
    /// Show each version of each data key, and what wraps it.
    Status,
    /// Turn keys over.
    Rotate {
        /// `wrapping`: wrap the data keys under the key that wraps now. `data`: make new data keys; workers seal everything anew.
        #[arg(long, value_enum, default_value = "wrapping")]
        what: What,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Wrapping,
    Data,
}

/// Goes through the organisations one by one; what is done stays done when a later one fails.
pub(crate) async fn run(file: Option<&Path>, arguments: KeysArguments) -> Result<(), CommandError> {
    let mut settings = Settings::load_for_terminal(file)?;
    if let Some(directory) = &arguments.data_dir {
        let database = directory.join("patchbay.db");
        if !database.is_file() {
            return Err(CommandError::NoData { path: directory.clone() });
        }
        settings.database.url = format!("sqlite:{}", database.display());
        settings.vault.key_file.get_or_insert_with(|| directory.join("vault.key"));
    }
    let plane = Plane::build(&settings, "patchbay-keys").await?;
    let tenants = plane.control.operator_tenants(arguments.tenant.as_deref()).await?;
    if let (true, Some(slug)) = (tenants.is_empty(), arguments.tenant) {
        return Err(CommandError::NoTenant { slug });
    }
    for tenant in tenants {
        let line = match arguments.action {
            KeysAction::Status => status(&plane, &tenant).await?,
            KeysAction::Rotate { what } => rotate(&plane, &tenant, what).await?,
        };
        say(&line)?;
    }
    plane.control.flush_audit().await;
    plane.telemetry.shutdown();
    Ok(())
}

async fn status(plane: &Plane, tenant: &Tenant) -> Result<String, CommandError> {
    let ring = plane.control.operator_key_ring(tenant.id).await?;
    let line = |key: &domain::DataKeyVersion| {
        let (state, by) = (key.state.as_str(), &key.wrapped_by);
        format!("{}\tversion {}\t{state}\twrapped by {by}\n", tenant.slug, key.version)
    };
    Ok(ring.versions.iter().map(line).collect())
}

async fn rotate(plane: &Plane, tenant: &Tenant, what: What) -> Result<String, CommandError> {
    let slug = &tenant.slug;
    Ok(match what {
        What::Wrapping => {
            let done = plane.control.operator_rewrap_data_keys(tenant.id).await?;
            format!("{slug}\twrapped {} data keys again\n", done.keys)
        }
        What::Data => {
            let begun = plane.control.operator_rotate_data_key(tenant.id).await?;
            format!(
                "{slug}\tversion {} seals from now on; {} secrets follow\n",
                begun.to_version, begun.total
            )
        }
    })
}
