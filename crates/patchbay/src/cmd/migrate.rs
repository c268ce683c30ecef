//! `patchbay migrate`: bring the database to this version, as its owner, and let the runtime role use it.

use std::path::Path;

use store::Store;

use crate::{
    cmd::{CommandError, say},
    settings::Settings,
};

/// Runs every migration that is missing. Safe to run again, and beside the previous version.
pub(crate) async fn run(file: Option<&Path>) -> Result<(), CommandError> {
    let settings = Settings::load(file)?;
    Store::connect(&settings.database).await?.migrate().await?;
    say("The database is at this version.\n")?;
    Ok(())
}
