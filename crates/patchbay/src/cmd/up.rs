//! `patchbay up`: everything in one process, on SQLite and memory, with nothing else to install.

use std::{
    fs::File,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use fs4::fs_std::FileExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vault::Kek;

use crate::{
    cmd::{CommandError, say, stop_requested},
    demo::{self, Demo},
    facts::UpFacts,
    plane::Plane,
    server::{Door, end_subscriptions, operator_routes},
    settings::Settings,
    topology::{Topology, check_own_backends, check_public_url},
};

#[derive(Debug, clap::Args)]
pub(crate) struct UpArguments {
    /// Where everything is kept.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Port of the console, the API and the MCP endpoint, on the loopback address; 0 picks a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// A directory that the file-system connector may read (can be given several times).
    #[arg(long, value_name = "DIR")]
    files: Vec<PathBuf>,
    /// Let connectors reach databases and servers in private networks, this machine included.
    #[arg(long)]
    allow_private_networks: bool,
}

/// The data directory, held by this process alone.
struct DataDir {
    path: PathBuf,
    /// The lock lasts as long as this file is open.
    _lock: File,
}

/// Runs until asked to stop.
pub(crate) async fn run(file: Option<&Path>, arguments: UpArguments) -> Result<(), CommandError> {
    let mut settings = Settings::load_for_terminal(file)?;
    if let Some(port) = arguments.port {
        settings.server.listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    }
    // What can be refused now is refused before the directory is made.
    check_own_backends(&settings)?;
    check_public_url(&settings)?;
    settings.connectors.file_roots.extend(arguments.file_roots()?);
    let data_dir = DataDir::open(&arguments.data_dir)?;
    let server = &settings.server;
    let door = Door::bind(server.listen, server.http_threads, server.shutdown_seconds)?;
    let operator_door = Door::bind(server.metrics_listen, 1, 1)?;
    settings.server.listen = door.address();
    settings.egress.allow_private_networks |= arguments.allow_private_networks;
    let documents = data_dir.prepare(&mut settings)?;
    Topology::resolve(&settings, None)?;

    let plane = Plane::build_migrated(&settings, "patchbay").await?;
    let facts = set_up(&settings, &data_dir, &plane, documents, &operator_door).await?;
    say(&facts.banner())?;
    serve(&settings, plane, door, operator_door).await
}

async fn set_up(
    settings: &Settings,
    data_dir: &DataDir,
    plane: &Plane,
    documents: PathBuf,
    operator_door: &Door,
) -> Result<UpFacts, CommandError> {
    let facts_path = data_dir.path.join("up.json");
    let demo = Demo {
        tenant_slug: "demo".to_owned(),
        tenant_name: "Demo organisation".to_owned(),
        owner_email: "owner@demo.example".to_owned(),
        documents: Some(documents),
        earlier_key: UpFacts::read(&facts_path).map(|earlier| earlier.api_key),
    };
    let done = demo.ensure(&plane.control).await?;
    let base = settings.public_url();
    let facts = UpFacts {
        sign_in_url: format!("{base}/sign-in/{}", done.link_token),
        graphql_url: format!("{base}/graphql"),
        mcp_url: format!("{base}/t/{}/mcp", done.tenant.slug),
        api_key: done.api_key,
        tenant: done.tenant.slug,
        metrics_url: Some(format!("http://{}/metrics", operator_door.address())),
        console_url: base,
    };
    facts.write(&facts_path)?;
    Ok(facts)
}

async fn serve(
    settings: &Settings,
    plane: Plane,
    door: Door,
    operator_door: Door,
) -> Result<(), CommandError> {
    let cancel = CancellationToken::new();
    let tracker = TaskTracker::new();
    let metrics = plane.metrics();
    let public_url = settings.public_url();
    let api = api::Api::build(
        api::Config { public_url: public_url.clone(), ..settings.api.clone() },
        plane.control.clone(),
        metrics.clone(),
    );
    let gateway = gateway::Gateway::build(
        settings.gateway.clone(),
        plane.control.clone(),
        plane.egress.clone(),
        plane.cache.clone(),
        plane.session_key,
        metrics.clone(),
    )?;
    let updates = tracker.spawn({
        let (gateway, cancel) = (gateway.clone(), cancel.clone());
        async move { gateway.run_updates(cancel).await }
    });
    let worker = tracker.spawn(worker::run(
        settings.worker.clone(),
        plane.control.clone(),
        plane.queue.clone(),
        metrics.clone(),
        cancel.clone(),
    ));
    let operator = tracker.spawn({
        let (control, metrics) = (plane.control.clone(), metrics.clone());
        operator_door
            .serve(move |routes| operator_routes(routes, &control, &metrics), cancel.clone())
    });
    end_subscriptions(&tracker, &api, &cancel);
    let public = tracker.spawn(door.serve(
        move |routes| {
            gateway.configure(routes);
            api.configure(routes);
        },
        cancel.clone(),
    ));
    tracker.close();
    let outcome = tokio::select! {
        stopped = stop_requested() => stopped.map_err(CommandError::from),
        ended = worker => ended.map_err(io::Error::other)?.map_err(CommandError::from),
        ended = public => ended.map_err(io::Error::other)?.map_err(CommandError::from),
        ended = operator => ended.map_err(io::Error::other)?.map_err(CommandError::from),
        ended = updates => ended.map_err(|source| CommandError::Io(io::Error::other(source))),
    };
    cancel.cancel();
    tracker.wait().await;
    plane.control.flush_audit().await;
    plane.telemetry.shutdown();
    outcome
}

// === impl UpArguments ===

impl UpArguments {
    /// The directories of `--files` under their real names.
    fn file_roots(&self) -> Result<Vec<PathBuf>, CommandError> {
        let real = |root: &PathBuf| {
            root.canonicalize()
                .map_err(|source| CommandError::FilesRoot { path: root.clone(), source })
        };
        self.files.iter().map(real).collect()
    }
}

// === impl DataDir ===

impl DataDir {
    /// Makes the directory if needed and takes it for this process.
    fn open(path: &Path) -> Result<Self, CommandError> {
        let unwritable = |source| CommandError::DataDir { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(unwritable)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("patchbay.lock"))
            .map_err(unwritable)?;
        match FileExt::try_lock_exclusive(&lock) {
            Ok(true) => {}
            Ok(false) => return Err(CommandError::DataDirInUse { path: path.to_owned() }),
            Err(source) => return Err(unwritable(source)),
        }
        let path = path.canonicalize().map_err(unwritable)?;
        Ok(Self { path, _lock: lock })
    }

    /// Points the settings at this directory and returns the documents of the demo.
    fn prepare(&self, settings: &mut Settings) -> Result<PathBuf, CommandError> {
        settings.database.url = format!("sqlite:{}", self.path.join("patchbay.db").display());
        "memory:".clone_into(&mut settings.queue.url);
        "memory:".clone_into(&mut settings.cache.url);
        if settings.vault.key_file.is_none() && settings.vault.key.is_none() {
            let key_file = self.path.join("vault.key");
            Kek::load_or_create(&key_file)?;
            settings.vault.key_file = Some(key_file);
        }
        let documents = demo::documents(&self.path)
            .map_err(|source| CommandError::DataDir { path: self.path.clone(), source })?;
        settings.connectors.file_roots.push(documents.clone());
        Ok(documents)
    }
}
