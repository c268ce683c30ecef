//! `patchbay config`: look at the settings before anything runs on them.

use std::path::Path;

use crate::{
    cmd::{CommandError, say},
    settings::Settings,
    topology::{Role, Topology},
};

#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigAction {
    /// Print the settings that would be used, secrets hidden.
    Print,
    /// Say whether the settings are right.
    Check {
        /// Check them for one role of a distributed deployment.
        #[arg(long, value_enum)]
        role: Option<Role>,
    },
}

/// Prints or checks.
pub(crate) fn run(file: Option<&Path>, arguments: &ConfigArguments) -> Result<(), CommandError> {
    let mut settings = Settings::load(file)?;
    match arguments.action {
        ConfigAction::Print => {
            settings.hide_passwords();
            say(&toml::to_string(&settings)?)?;
        }
        ConfigAction::Check { role } => {
            Topology::resolve(&settings, role)?;
            say("The configuration is right.\n")?;
        }
    }
    Ok(())
}
