//! `patchbay doctor`: everything that the product needs, checked one by one, with what to do about what is missing.

use std::{error::Error, fmt::Write as _, path::Path};

use backplane::{Cache, Queue, Signal};
use store::Store;
use vault::Kek;

use crate::{
    cmd::{CommandError, causes, say},
    settings::Settings,
    topology::Topology,
};

type Check = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs every check and fails when one of them did.
pub(crate) async fn run(file: Option<&Path>) -> Result<(), CommandError> {
    let settings = Settings::load(file)?;
    let checks = [
        ("configuration", Topology::resolve(&settings, None).map(drop).map_err(Into::into)),
        ("vault key", Kek::load(&settings.vault).map(drop).map_err(Into::into)),
        ("database", database(&settings).await),
        ("queue", queue(&settings).await),
        ("cache and signals", cache(&settings).await),
        ("file roots", file_roots(&settings)),
    ];
    let mut report = String::new();
    let mut failed = 0;
    for (name, outcome) in checks {
        match outcome {
            Ok(()) => {
                let _ = writeln!(report, "ok      {name}");
            }
            Err(error) => {
                failed += 1;
                let _ = writeln!(report, "failed  {name}: {error}");
                for cause in causes(error.as_ref()) {
                    let _ = writeln!(report, "        because: {cause}");
                }
            }
        }
    }
    say(&report)?;
    if failed == 0 { Ok(()) } else { Err(CommandError::Unhealthy { failed }) }
}

async fn database(settings: &Settings) -> Check {
    let store = Store::connect(&settings.database).await?;
    store.ping().await?;
    Ok(store.check_isolation().await?)
}

async fn queue(settings: &Settings) -> Check {
    Ok(Queue::connect(&settings.queue).await?.health().await?)
}

async fn cache(settings: &Settings) -> Check {
    // The seal key does not matter: nothing is read or written.
    Cache::connect(&settings.cache, [0; 32]).await?.health().await?;
    Ok(Signal::connect(&settings.cache).await?.health().await?)
}

fn file_roots(settings: &Settings) -> Check {
    for root in &settings.connectors.file_roots {
        std::fs::read_dir(root)?;
    }
    Ok(())
}
