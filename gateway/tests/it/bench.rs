//! What every test stands on: a control plane in a temporary directory, the gateway in front of it, organisations with keys.

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::ServerHandle};
use backplane::{Cache, CacheConfig, Queue, QueueConfig, Signal};
use connector_sdk::OperatorPolicy;
use control::{Clock, Control, CreateApiKey, InstallConnector, Parts, SetUp};
use domain::{
    ApiKeyId, Install, InstallId, OpCtx, PageArgs, Role, job::Settle, secret::ExposeSecret,
};
use egress::Egress;
use gateway::{Config, Gateway};
use serde_json::{Value, json};
use store::Store;
use telemetry::Metrics;
use tempfile::TempDir;
use testkit::{
    Http, Reply,
    mcp::{Mcp, with_meta},
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vault::{Kek, Vault};

const WORKER: &str = "bench";
const DEADLINE: Duration = Duration::from_secs(20);

/// The gateway and everything behind it; ends with the value.
pub(crate) struct Bench {
    pub(crate) control: Control,
    pub(crate) http: Http,
    pub(crate) cancel: CancellationToken,
    store: Store,
    queue: Queue,
    directory: TempDir,
    base: String,
    server: ServerHandle,
    _tasks: TaskTracker,
}

/// An organisation under test.
pub(crate) struct Org {
    pub(crate) slug: String,
    pub(crate) owner: OpCtx,
}

/// A key that was made for a test.
pub(crate) struct Key {
    pub(crate) id: ApiKeyId,
    pub(crate) text: String,
}

// === impl Bench ===

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with(|_config| {}).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path().canonicalize().expect("a path");
        let store = Store::connect(&store::Config::at(format!(
            "sqlite:{}",
            root.join("test.db").display()
        )))
        .await
        .expect("a database");
        store.migrate().await.expect("a schema");
        let kek = Kek::load_or_create(&root.join("vault.key")).expect("a key");
        let vault = Vault::new(kek);
        let session_key = *vault.derive("mcp-session");
        let caches = CacheConfig::default();
        let queue = Queue::connect(&QueueConfig::default()).await.expect("a queue");
        let cache = Cache::connect(&caches, [1; 32]).await.expect("a cache");
        let egress = Egress::new(egress::Config {
            allow_private_networks: true,
            ..egress::Config::default()
        });
        let control = Control::new(Parts {
            store: store.clone(),
            vault,
            queue: queue.clone(),
            cache: cache.clone(),
            signal: Signal::connect(&caches).await.expect("signals"),
            egress: egress.clone(),
            registry: connectors::registry::all(),
            operator: Arc::new(OperatorPolicy {
                file_roots: vec![root.clone()],
                max_document_bytes: 1024 * 1024,
            }),
            clock: Clock::system(),
            metrics: Metrics::disabled(),
            config: control::Config::default(),
        });
        let mut config = Config::default();
        adjust(&mut config);
        let metrics = Metrics::disabled();
        let gateway = Gateway::build(config, control.clone(), egress, cache, session_key, metrics)
            .expect("usable settings");
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (updates, end) = (gateway.clone(), cancel.clone());
        tasks.spawn(async move { updates.run_updates(end).await });
        let (base, server) = listen(&gateway, &tasks);
        let http = Http::new();
        Self { control, http, cancel, store, queue, directory, base, server, _tasks: tasks }
    }

    /// A new organisation with its owner signed in.
    pub(crate) async fn org(&self, slug: &str) -> Org {
        let done = self
            .control
            .set_up(SetUp {
                tenant_slug: slug.to_owned(),
                tenant_name: format!("The {slug}"),
                owner_email: format!("owner@{slug}.example"),
                owner_name: "Owner".to_owned(),
            })
            .await
            .expect("a new organisation");
        let link =
            self.control.create_sign_in_link(done.tenant.id, done.owner.id).await.expect("a link");
        let signed_in =
            self.control.redeem_link(link.expose_secret(), "test").await.expect("a sign-in");
        let owner = self
            .control
            .by_session(signed_in.token.expose_secret(), "test")
            .await
            .expect("a caller");
        Org { slug: slug.to_owned(), owner }
    }

    pub(crate) async fn key(&self, org: &Org, role: Role, installs: Option<&[InstallId]>) -> Key {
        let created = self
            .control
            .create_api_key(
                &org.owner,
                CreateApiKey {
                    name: "test".to_owned(),
                    role,
                    installs: installs.map(<[_]>::to_vec),
                    expires_in_days: None,
                },
            )
            .await
            .expect("a key");
        let key = Key { id: created.key.id, text: created.secret.expose_secret().to_owned() };
        self.until("the key works", async || {
            let reply = self.client(org, &key).modern_reply("server/discover", json!({})).await;
            reply.is_ok_and(|reply| reply.status != 401)
        })
        .await;
        key
    }

    /// A key that may use everything.
    pub(crate) async fn member(&self, org: &Org) -> Key {
        self.key(org, Role::Member, None).await
    }

    pub(crate) fn url(&self, slug: &str) -> String {
        format!("{}/t/{slug}/mcp", self.base)
    }

    pub(crate) fn client(&self, org: &Org, key: &Key) -> Mcp {
        Mcp::new(&self.http, &self.url(&org.slug), &key.text)
    }

    /// Installs the file-system connector on these files and syncs them.
    pub(crate) async fn install_files(
        &self,
        org: &Org,
        alias: &str,
        files: &[(&str, &str)],
    ) -> Install {
        let root = self.folder(org, alias);
        std::fs::create_dir_all(&root).expect("a folder");
        for (name, text) in files {
            std::fs::write(root.join(name), text).expect("a file");
        }
        let config = json!({"root": root});
        let install = self.install(org, "files", alias, config, None).await;
        self.run_jobs().await;
        install
    }

    /// Where the files of [`Bench::install_files`] are.
    pub(crate) fn folder(&self, org: &Org, alias: &str) -> PathBuf {
        let root = self.directory.path().canonicalize().expect("a path");
        root.join(&org.slug).join(alias)
    }

    pub(crate) async fn install_remote(
        &self,
        org: &Org,
        alias: &str,
        url: &str,
        bearer: Option<&str>,
    ) -> Install {
        let credential = bearer.map(|bearer| json!({"bearer_token": bearer}));
        self.install(org, "remote_mcp", alias, json!({"url": url}), credential).await
    }

    async fn install(
        &self,
        org: &Org,
        connector: &str,
        alias: &str,
        config: Value,
        credential: Option<Value>,
    ) -> Install {
        let installed = self
            .control
            .install_connector(
                &org.owner,
                InstallConnector {
                    connector: connector.to_owned(),
                    display_name: format!("Our {alias}"),
                    alias: Some(alias.to_owned()),
                    config,
                    credential: credential.map(Into::into),
                    sync_interval_seconds: None,
                },
            )
            .await
            .expect("an install");
        installed.install
    }

    /// Carries out every job that waits, as a worker does.
    pub(crate) async fn run_jobs(&self) {
        let due = self.store.jobs().due(self.control.now(), 100).await.expect("jobs");
        for (id, _lane) in due {
            let Some(job) = self.control.claim_job(id, WORKER).await.expect("a claim") else {
                continue;
            };
            let settle = self.control.run_job(&job, CancellationToken::new()).await;
            assert_eq!(settle, Settle::Done, "the sync succeeds");
            self.control.settle_job(id, WORKER, settle).await.expect("settled");
        }
    }

    /// Takes the database away from the running process: every query fails from now on.
    pub(crate) async fn lose_database(&self) {
        self.store.close().await.expect("closed");
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !holds().await {
            assert!(start.elapsed() < DEADLINE, "did not come true: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The audit log of an organisation, newest first, as soon as everything is written.
    pub(crate) async fn audit(&self, org: &Org) -> Vec<domain::AuditEvent> {
        self.control.flush_audit().await;
        let filter = control::AuditFilter::default();
        let page = self.control.list_audit(&org.owner, filter, PageArgs::all()).await;
        page.expect("the audit log").into_items().collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.cancel.cancel();
        // The server's threads end by themselves once they are told to.
        drop(self.server.stop(false));
        let _ = &self.queue;
    }
}

fn listen(gateway: &Gateway, tasks: &TaskTracker) -> (String, ServerHandle) {
    let gateway = gateway.clone();
    let server = HttpServer::new(move || {
        let gateway = gateway.clone();
        App::new().configure(move |routes| gateway.configure(routes))
    })
    .workers(2)
    .disable_signals()
    .bind((Ipv4Addr::LOCALHOST, 0))
    .expect("a free port");
    let address = server.addrs().first().copied().expect("an address");
    let server = server.run();
    let handle = server.handle();
    tasks.spawn(server);
    (format!("http://{address}"), handle)
}

/// A modern `tools/call`: the whole exchange.
pub(crate) async fn call(client: &Mcp, tool: &str, arguments: Value) -> Reply {
    client
        .modern_reply("tools/call", json!({"name": tool, "arguments": arguments}))
        .await
        .expect("an answer")
}

/// A modern `tools/call` that gives a result, `isError` or not.
pub(crate) async fn call_result(client: &Mcp, tool: &str, arguments: Value) -> Value {
    let reply = call(client, tool, arguments).await;
    let mut message = reply.json().expect("JSON");
    assert!(message.get("result").is_some(), "no result: {message}");
    message["result"].take()
}

/// The names that `tools/list` gives, in its order.
pub(crate) async fn names(client: &Mcp) -> Vec<String> {
    let result = client.modern("tools/list", json!({})).await.expect("a list");
    names_of(&result)
}

pub(crate) fn names_of(result: &Value) -> Vec<String> {
    let tools = result["tools"].as_array().expect("tools");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

/// The first text of a tool result.
pub(crate) fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

/// A modern request body.
pub(crate) fn modern(id: &Value, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": with_meta(params)})
}
