//! A control plane for one test: its own database file, a clock that stands still, the real `files` connector and the fake one.

use std::{path::PathBuf, sync::Arc};

use backplane::{Cache, CacheConfig, Queue, QueueConfig, Signal};
use chrono::{DateTime, TimeDelta, Utc};
use control::{
    Clock, Config, Connector, Control, CreateApiKey, CreatedApiKey, InstallConnector, Installed,
    OperatorPolicy, Parts, SetUp,
};
use domain::{
    AuditEvent, AuditOutcome, Granted, Install, MembershipId, OpCtx, PageArgs, Role, RunState,
    SyncRun, SystemReason, TenantId, UserId,
    job::{Job, Settle},
    secret::ExposeSecret,
};
use egress::Egress;
use serde_json::{Value, json};
use store::{NewMember, NewUser, Store};
use telemetry::Metrics;
use tempfile::TempDir;
use testkit::services::{Services, TestDatabase};
use tokio_util::sync::CancellationToken;
use vault::{Kek, Vault};

use crate::fake::{Fake, Source};

pub(crate) struct Plane {
    pub(crate) control: Control,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) queue: Queue,
    pub(crate) source: Arc<Source>,
    pub(crate) tenant: TenantId,
    pub(crate) owner: OpCtx,
    directory: TempDir,
}

// === impl Plane ===

impl Plane {
    pub(crate) async fn start() -> Self {
        Self::with(Config { sync_attempts: 3, ..Config::default() }).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let directory = TempDir::new().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("plane.db").display());
        let database = store::Config { url, ..store::Config::default() };
        let store = Store::connect(&database).await.expect("a database");
        store.migrate().await.expect("a schema");
        Self::on(store, directory, config, egress::Config::default()).await
    }

    /// One whose requests may reach servers of the test.
    pub(crate) async fn reaching_loopback() -> Self {
        let directory = TempDir::new().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("plane.db").display());
        let database = store::Config { url, ..store::Config::default() };
        let store = Store::connect(&database).await.expect("a database");
        store.migrate().await.expect("a schema");
        let config = Config { sync_attempts: 3, ..Config::default() };
        Self::on(store, directory, config, loopback()).await
    }

    /// On PostgreSQL, connected as the role of the running product.
    pub(crate) async fn on_postgres() -> Self {
        let services = Services::from_env().expect("servers: run the tests by `make test`");
        let database = TestDatabase::create(&services.postgres).await.expect("a database");
        let owner = store::Config {
            url: database.owner_url,
            runtime_role: Some(database.runtime_role),
            ..store::Config::default()
        };
        let owner = Store::connect(&owner).await.expect("the owner of the tables");
        owner.migrate().await.expect("a schema");
        owner.close().await.expect("closed");
        let runtime = store::Config { url: database.runtime_url, ..store::Config::default() };
        let store = Store::connect(&runtime).await.expect("the running product");
        let config = Config { sync_attempts: 3, ..Config::default() };
        Self::on(store, TempDir::new().expect("a directory"), config, loopback()).await
    }

    async fn on(
        store: Store,
        directory: TempDir,
        config: Config,
        outgoing: egress::Config,
    ) -> Self {
        std::fs::create_dir(directory.path().join("documents")).expect("a directory");
        let at = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time");
        let clock = Clock::mock(at);
        let kek = Kek::load_or_create(&directory.path().join("key")).expect("a key");
        let (fake, source) = Fake::new();
        let cache = CacheConfig::default();
        let queue = Queue::connect(&QueueConfig::default()).await.expect("a queue");
        let control = Control::new(Parts {
            store: store.clone(),
            vault: Vault::new(kek),
            queue: queue.clone(),
            cache: Cache::connect(&cache, [7; 32]).await.expect("a cache"),
            signal: Signal::connect(&cache).await.expect("signals"),
            egress: Egress::new(outgoing),
            registry: registry(fake),
            operator: Arc::new(OperatorPolicy {
                file_roots: vec![directory.path().join("documents")],
                ..OperatorPolicy::default()
            }),
            clock: clock.clone(),
            metrics: Metrics::disabled(),
            config,
        });
        let (tenant, owner) = organisation(&control, "acme").await;
        Self { control, store, clock, queue, source, tenant, owner, directory }
    }

    /// Where the `files` connector may look.
    pub(crate) fn documents(&self) -> PathBuf {
        self.directory.path().join("documents")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("plane.db")
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// The owner of another organisation.
    pub(crate) async fn stranger(&self) -> OpCtx {
        organisation(&self.control, "globex").await.1
    }

    /// A signed-in member with a role.
    pub(crate) async fn member(&self, role: Role) -> OpCtx {
        let user = self.person(role).await;
        sign_in(&self.control, self.tenant, user).await
    }

    /// A person who belongs to the organisation.
    pub(crate) async fn person(&self, role: Role) -> UserId {
        let granted = Granted::system(SystemReason::SetUp, self.tenant, "test");
        let id = UserId::generate();
        let created_at = self.clock.now();
        let user = NewUser {
            id,
            email: format!("{}@example.test", id.uuid()),
            display_name: role.as_str().to_owned(),
            created_at,
        };
        self.store.directory().create_user(user).await.expect("a user");
        let tx = self.store.begin(&granted).await.expect("a transaction");
        let clearance = role.usual_clearance();
        let member =
            NewMember { id: MembershipId::generate(), user: id, role, clearance, created_at };
        tx.members().create(&granted, member).await.expect("a member");
        tx.commit().await.expect("a commit");
        id
    }

    /// Installs the fake connector; its first sync waits.
    pub(crate) async fn install(&self) -> Installed {
        self.install_with(fake_install(json!({}), None)).await
    }

    pub(crate) async fn install_with(&self, command: InstallConnector) -> Installed {
        self.control.install_connector(&self.owner, command).await.expect("an install")
    }

    /// Installs the fake connector and runs its first sync to the end.
    pub(crate) async fn synced(&self) -> Install {
        let installed = self.install().await;
        self.work().await;
        let run = self.run_of(&installed).await;
        assert_eq!(run.state, RunState::Succeeded, "{run:?}");
        self.control.lookup_install(&self.owner, installed.install.id).await.expect("an install")
    }

    pub(crate) async fn run_of(&self, installed: &Installed) -> SyncRun {
        let run = installed.run.as_ref().expect("a first run").id;
        self.control.lookup_run(&self.owner, run).await.expect("a run")
    }

    pub(crate) async fn key(
        &self,
        role: Role,
        installs: Option<Vec<domain::InstallId>>,
    ) -> CreatedApiKey {
        let command =
            CreateApiKey { name: "A key".to_owned(), role, installs, expires_in_days: None };
        self.control.create_api_key(&self.owner, command).await.expect("a key")
    }

    pub(crate) async fn caller(&self, key: &CreatedApiKey) -> OpCtx {
        self.control.by_api_key(key.secret.expose_secret(), "by-key").await.expect("a caller")
    }

    /// Claims the next due job, if there is one.
    pub(crate) async fn claim(&self, worker: &str) -> Option<Job> {
        let due = self.store.jobs().due(self.clock.now(), 1).await.expect("due jobs");
        let (id, _) = due.first()?;
        self.control.claim_job(*id, worker).await.expect("a claim")
    }

    /// Does what a worker does, for one job. `None` when nothing is due.
    pub(crate) async fn work_once(&self) -> Option<Settle> {
        let job = self.claim("worker").await?;
        let settle = self.control.run_job(&job, CancellationToken::new()).await;
        self.control.settle_job(job.id, "worker", settle.clone()).await.expect("settled");
        Some(settle)
    }

    /// Works until nothing is due.
    pub(crate) async fn work(&self) {
        while self.work_once().await.is_some() {}
    }

    /// What the documents of an install are called, in order.
    pub(crate) async fn external_ids(&self, install: &Install) -> Vec<String> {
        let mut ids = Vec::new();
        let mut args = PageArgs::all();
        loop {
            let page = self.control.list_records(&self.owner, Some(install.id), args).await;
            let page = page.expect("records");
            let (more, last) = (page.has_next, page.items.last().map(|(cursor, _)| cursor.clone()));
            ids.extend(page.into_items().map(|record| record.external_id));
            if !more {
                ids.sort_unstable();
                return ids;
            }
            args = PageArgs { after: last, ..PageArgs::all() };
        }
    }

    /// The newest entries of the audit log, newest first.
    pub(crate) async fn audit(&self, action: &str) -> Vec<AuditEvent> {
        let filter = control::AuditFilter {
            action: Some(action.to_owned()),
            ..control::AuditFilter::default()
        };
        let page = self.control.list_audit(&self.owner, filter, PageArgs::all()).await;
        page.expect("the audit log").into_items().collect()
    }

    /// Asserts that the newest entry of an action is a refusal of this caller.
    pub(crate) async fn assert_refusal_audited(&self, action: &str, caller: &OpCtx) {
        let entries = self.audit(action).await;
        let newest = entries.first().unwrap_or_else(|| panic!("no entry of {action}"));
        assert_eq!(newest.outcome, AuditOutcome::Denied);
        assert_eq!(newest.actor, caller.principal().to_string());
    }
}

fn loopback() -> egress::Config {
    egress::Config { allow_private_networks: true, ..egress::Config::default() }
}

pub(crate) fn fake_install(config: Value, credential: Option<Value>) -> InstallConnector {
    InstallConnector {
        connector: "fake".to_owned(),
        display_name: "A fake".to_owned(),
        alias: None,
        config,
        credential: credential.map(Into::into),
        sync_interval_seconds: None,
    }
}

/// Makes an organisation and signs its owner in.
pub(crate) async fn organisation(control: &Control, slug: &str) -> (TenantId, OpCtx) {
    let command = SetUp {
        tenant_slug: slug.to_owned(),
        tenant_name: slug.to_owned(),
        owner_email: format!("owner@{slug}.test"),
        owner_name: "Owner".to_owned(),
    };
    let done = control.set_up(command).await.expect("an organisation");
    (done.tenant.id, sign_in(control, done.tenant.id, done.owner.id).await)
}

pub(crate) async fn sign_in(control: &Control, tenant: TenantId, user: UserId) -> OpCtx {
    let link = control.create_sign_in_link(tenant, user).await.expect("a link");
    let signed_in = control.redeem_link(link.expose_secret(), "sign-in").await.expect("signed in");
    control.by_session(signed_in.token.expose_secret(), "request").await.expect("a caller")
}

/// The registry lives as long as the process, as the real one does.
fn registry(fake: Fake) -> &'static [&'static dyn Connector] {
    let fake: &'static dyn Connector = Box::leak(Box::new(fake));
    let mut all = connectors::registry::all().to_vec();
    all.push(fake);
    Box::leak(all.into_boxed_slice())
}
