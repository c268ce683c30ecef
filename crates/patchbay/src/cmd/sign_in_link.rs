//! `patchbay sign-in-link`: a fresh one-time link for an owner whose last one has expired.

use std::path::{Path, PathBuf};

use control::SetUp;
use domain::secret::ExposeSecret;

use crate::{
    cmd::{CommandError, say},
    facts::UpFacts,
    plane::Plane,
    settings::Settings,
    topology::check_public_url,
};

#[derive(Debug, clap::Args)]
pub(crate) struct SignInLinkArguments {
    /// Data directory of a running `patchbay up`; without it the configured database is used.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The organisation.
    #[arg(long, default_value = "demo", value_name = "SLUG")]
    tenant: String,
    /// The owner's e-mail address.
    #[arg(long, default_value = "owner@demo.example", value_name = "EMAIL")]
    owner: String,
}

/// Prints the link. Whoever can read the database and the vault's key could sign in anyway: this is the operator's own shell.
pub(crate) async fn run(
    file: Option<&Path>,
    arguments: SignInLinkArguments,
) -> Result<(), CommandError> {
    let mut settings = Settings::load_for_terminal(file)?;
    let mut base = settings.public_url();
    if let Some(directory) = &arguments.data_dir {
        let database = directory.join("patchbay.db");
        if !database.is_file() {
            return Err(CommandError::NoData { path: directory.clone() });
        }
        settings.database.url = format!("sqlite:{}", database.display());
        settings.vault.key_file = Some(directory.join("vault.key"));
        if let Some(facts) = UpFacts::read(&directory.join("up.json")) {
            base = facts.console_url;
        }
    } else {
        check_public_url(&settings)?;
    }
    let plane = Plane::build(&settings, "patchbay-sign-in-link").await?;
    let known = control::SetUp {
        tenant_slug: arguments.tenant.clone(),
        tenant_name: arguments.tenant.clone(),
        owner_email: arguments.owner.clone(),
        owner_name: arguments.owner,
    };
    let done = find(&plane, known).await?;
    let link = plane.control.create_sign_in_link(done.tenant.id, done.owner.id).await?;
    say(&format!("{base}/sign-in/{}\n", link.expose_secret()))?;
    plane.telemetry.shutdown();
    Ok(())
}

async fn find(plane: &Plane, known: SetUp) -> Result<control::SetUpDone, CommandError> {
    let slug = known.tenant_slug.clone();
    match plane.control.find_owner(&known.tenant_slug, &known.owner_email).await? {
        Some(done) => Ok(done),
        None => Err(CommandError::NoTenant { slug }),
    }
}
