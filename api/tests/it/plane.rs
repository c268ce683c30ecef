//! A control plane in a temporary directory with its door open, and callers for it.

use std::{net::TcpListener, path::Path, sync::Arc};

use actix_web::{App, HttpServer, dev::ServerHandle};
use api::{Api, Config};
use backplane::{Cache, CacheConfig, Queue, QueueConfig, Signal};
use connector_sdk::OperatorPolicy;
use control::{Clock, Control, CreateApiKey, Parts, SetUp};
use domain::{InstallId, OpCtx, Role, TenantId, UserId, secret::ExposeSecret};
use egress::Egress;
use http::Method;
use serde_json::{Value, json};
use store::Store;
use telemetry::Metrics;
use tempfile::TempDir;
use testkit::{Http, Reply, services::TestDatabase};
use tokio_util::sync::CancellationToken;
use vault::{Kek, Vault};

/// The door and what is behind it. Everything ends with the value.
pub(crate) struct Plane {
    pub(crate) control: Control,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) api: Api,
    /// Address of the door, without a slash at its end.
    pub(crate) base: String,
    pub(crate) http: Http,
    pub(crate) directory: TempDir,
    server: ServerHandle,
}

/// An organisation and its owner.
pub(crate) struct Organisation {
    pub(crate) owner: OpCtx,
    pub(crate) session: Caller,
}

/// Somebody who sends requests.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Nobody,
    Session { cookie: String, csrf: String },
    Key(String),
}

// === impl Plane ===

impl Plane {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| ()).await
    }

    /// As [`Plane::start`], with settings of the door changed. The directory is the plane's own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config, &Path)) -> Self {
        Self::start_wired(Clock::system(), change, |_, _| ()).await
    }

    /// As [`Plane::start_with`], with settings of what is behind the door changed too, and its clock.
    pub(crate) async fn start_wired(
        clock: Clock,
        change: impl FnOnce(&mut Config, &Path),
        wire: impl FnOnce(&mut control::Config, &mut egress::Config),
    ) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("patchbay.db").display());
        let store = Store::connect(&store::Config { url, ..store::Config::default() }).await;
        let store = store.expect("an open database");
        store.migrate().await.expect("a database of this version");
        Self::open(directory, store, clock, change, wire).await
    }

    /// On PostgreSQL, connected as the role of the running product.
    pub(crate) async fn on_postgres(database: &TestDatabase) -> Self {
        let owner = store::Config {
            url: database.owner_url.clone(),
            runtime_role: Some(database.runtime_role.clone()),
            ..store::Config::default()
        };
        let owner = Store::connect(&owner).await.expect("the owner of the tables");
        owner.migrate().await.expect("a schema");
        owner.close().await.expect("closed");
        let url = database.runtime_url.clone();
        let store = Store::connect(&store::Config { url, ..store::Config::default() }).await;
        let directory = TempDir::new().expect("a temporary directory");
        let store = store.expect("the running product");
        Self::open(directory, store, Clock::system(), |_, _| (), |_, _| ()).await
    }

    async fn open(
        directory: TempDir,
        store: Store,
        clock: Clock,
        change: impl FnOnce(&mut Config, &Path),
        wire: impl FnOnce(&mut control::Config, &mut egress::Config),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let base = format!("http://{address}");
        let wire = |config: &mut control::Config, outgoing: &mut egress::Config| {
            config.public_url.clone_from(&base);
            wire(config, outgoing);
        };
        let control = control(directory.path(), store.clone(), clock.clone(), wire).await;
        let mut config = Config {
            public_url: base.clone(),
            console_dir: directory.path().join("console"),
            ..Config::default()
        };
        change(&mut config, directory.path());
        let api = Api::build(config, control.clone(), Metrics::disabled());
        let routes = api.clone();
        let server = HttpServer::new(move || App::new().configure(|it| routes.configure(it)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .expect("a listening server")
            .run();
        let handle = server.handle();
        // The runtime of the test ends the task together with the test.
        drop(tokio::task::spawn_blocking(move || {
            actix_web::rt::System::new().block_on(server).expect("the server ends in order");
        }));
        Self { control, store, clock, api, base, http: Http::new(), directory, server: handle }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Makes an organisation and signs its owner in through the door.
    pub(crate) async fn organisation(&self, slug: &str) -> Organisation {
        let set_up = SetUp {
            tenant_slug: slug.to_owned(),
            tenant_name: format!("{slug} Ltd"),
            owner_email: format!("owner@{slug}.example"),
            owner_name: format!("Owner of {slug}"),
        };
        let done = self.control.set_up(set_up).await.expect("a new organisation");
        self.session(done.tenant.id, done.owner.id).await
    }

    /// Signs a member in through the door, by a link.
    pub(crate) async fn session(&self, tenant: TenantId, user: UserId) -> Organisation {
        let link = self.control.create_sign_in_link(tenant, user).await.expect("a sign-in link");
        let reply = self.post(&format!("/sign-in/{}", link.expose_secret()), &[], "").await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let token = cookie.split_once('=').map(|(_, token)| token).unwrap_or_default();
        let owner = self.control.by_session(token, "test").await.expect("a live session");
        let csrf = self.control.csrf_token(owner.session().expect("signed in by session"));
        Organisation { owner, session: Caller::Session { cookie, csrf } }
    }

    /// A caller of a role, by API key.
    pub(crate) async fn key(&self, owner: &OpCtx, role: Role) -> Caller {
        let command = CreateApiKey {
            name: format!("{} key", role.as_str()),
            role,
            installs: None,
            expires_in_days: None,
        };
        let created = self.control.create_api_key(owner, command).await.expect("a key");
        Caller::Key(created.secret.expose_secret().to_owned())
    }

    /// Installs the file-system connector on a directory of the plane.
    pub(crate) async fn install(&self, caller: &Caller, name: &str) -> InstallId {
        let files = self.directory.path().join("files");
        std::fs::create_dir_all(&files).expect("a directory for files");
        std::fs::write(files.join("hello.md"), "# Hello\n\nWritten for the test.\n")
            .expect("a file");
        let document = "mutation($input: InstallConnectorInput!) {
            installConnector(input: $input) { install { id } userErrors { code field message } } }";
        let config = json!({ "root": files });
        let input =
            json!({ "connector": "files", "displayName": name, "alias": name, "config": config });
        let answer = self.graphql(caller, document, json!({ "input": input })).await;
        let id = answer["data"]["installConnector"]["install"]["id"].as_str();
        id.unwrap_or_else(|| panic!("no install: {answer}")).parse().expect("an install id")
    }

    /// Does what a worker does, until nothing is due.
    pub(crate) async fn work(&self) {
        while let Some((id, _)) =
            self.store.jobs().due(self.clock.now(), 1).await.expect("due jobs").first()
        {
            let Some(job) = self.control.claim_job(*id, "worker").await.expect("a claim") else {
                continue;
            };
            let settle = Box::pin(self.control.run_job(&job, CancellationToken::new())).await;
            self.control.settle_job(job.id, "worker", settle).await.expect("settled");
        }
    }

    /// Sends a document; the answer must be 200.
    pub(crate) async fn graphql(&self, caller: &Caller, document: &str, variables: Value) -> Value {
        let reply = self.graphql_reply(caller, document, variables).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json().expect("an answer in JSON")
    }

    pub(crate) async fn graphql_reply(
        &self,
        caller: &Caller,
        document: &str,
        variables: Value,
    ) -> Reply {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let headers = caller.headers();
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("content-type", "application/json"));
        self.post("/graphql", &headers, &body).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(Method::POST, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, "").await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let body = body.to_owned().into();
        let request = testkit::http::build(method, &self.url(path), headers, body);
        self.http.send(request.expect("a request")).await.expect("an answer")
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // Not awaited: the message is sent at once, and nobody is left to wait for the end.
        drop(self.server.stop(false));
    }
}

// === impl Caller ===

impl Caller {
    /// The headers that show who sends a request.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Key(key) => vec![("authorization", format!("Bearer {key}"))],
            Self::Session { cookie, csrf } => {
                vec![("cookie", cookie.clone()), ("x-patchbay-csrf", csrf.clone())]
            }
        }
    }
}

/// A control plane on a database, with everything else in memory.
async fn control(
    directory: &Path,
    store: Store,
    clock: Clock,
    wire: impl FnOnce(&mut control::Config, &mut egress::Config),
) -> Control {
    let mut config = control::Config::default();
    let mut outgoing = egress::Config { allow_private_networks: true, ..egress::Config::default() };
    wire(&mut config, &mut outgoing);
    let vault = Vault::new(Kek::load_or_create(&directory.join("kek")).expect("a key file"));
    let cache_config = CacheConfig::default();
    Control::new(Parts {
        store,
        queue: Queue::connect(&QueueConfig::default()).await.expect("a queue in memory"),
        cache: Cache::connect(&cache_config, *vault.derive("cache"))
            .await
            .expect("a cache in memory"),
        signal: Signal::connect(&cache_config).await.expect("signals in memory"),
        vault,
        egress: Egress::new(outgoing),
        registry: connectors::registry::all(),
        operator: Arc::new(OperatorPolicy {
            file_roots: vec![directory.to_owned()],
            max_document_bytes: 1024 * 1024,
        }),
        clock,
        metrics: Metrics::disabled(),
        config,
    })
}
