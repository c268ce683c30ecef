//! `patchbay set-up`: the first organisation of a distributed deployment, from the operator's shell.

use std::path::{Path, PathBuf};

use crate::{
    cmd::{CommandError, say},
    demo::Demo,
    facts::UpFacts,
    plane::Plane,
    settings::Settings,
    topology::check_public_url,
};

#[derive(Debug, clap::Args)]
pub(crate) struct SetUpArguments {
    /// The organisation's part of the MCP address.
    #[arg(long, default_value = "demo", value_name = "SLUG")]
    tenant: String,
    /// The organisation's name.
    #[arg(long, default_value = "Demo organisation")]
    name: String,
    /// The owner's e-mail address.
    #[arg(long, default_value = "owner@demo.example", value_name = "EMAIL")]
    owner: String,
    /// Install the file-system connector on this directory; it must be under `connectors.file_roots` of every worker.
    /// Without it, the first of these roots is taken.
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// Address of the gateway where it is not behind the same address as the rest.
    #[arg(long, value_name = "URL")]
    gateway_url: Option<url::Url>,
    /// Print the facts as JSON.
    #[arg(long)]
    json: bool,
}

/// Makes the organisation if it is missing and prints how to reach it.
pub(crate) async fn run(
    file: Option<&Path>,
    arguments: SetUpArguments,
) -> Result<(), CommandError> {
    let settings = Settings::load_for_terminal(file)?;
    check_public_url(&settings)?;
    let plane = Plane::build(&settings, "patchbay-set-up").await?;
    let first_root = settings.connectors.file_roots.first().cloned();
    let documents = match arguments.documents.or(first_root) {
        Some(path) => {
            Some(path.canonicalize().map_err(|source| CommandError::FilesRoot { path, source })?)
        }
        None => None,
    };
    let demo = Demo {
        tenant_slug: arguments.tenant,
        tenant_name: arguments.name,
        owner_email: arguments.owner,
        documents,
        earlier_key: None,
    };
    let done = demo.ensure(&plane.control).await?;
    let base = settings.public_url();
    let gateway = match &arguments.gateway_url {
        Some(url) => url.as_str().trim_end_matches('/'),
        None => base.as_str(),
    };
    let facts = UpFacts {
        sign_in_url: format!("{base}/sign-in/{}", done.link_token),
        graphql_url: format!("{base}/graphql"),
        mcp_url: format!("{gateway}/t/{}/mcp", done.tenant.slug),
        api_key: done.api_key,
        tenant: done.tenant.slug,
        metrics_url: None,
        console_url: base,
    };
    if arguments.json {
        say(&(serde_json::to_string_pretty(&facts)? + "\n"))?;
    } else {
        say(&facts.banner())?;
    }
    plane.control.flush_audit().await;
    plane.telemetry.shutdown();
    Ok(())
}
