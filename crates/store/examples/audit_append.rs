//! How many audit entries a second are chained and committed, on each database. `docs/audit.md` has figures and the command.

use std::io::{Write, stdout};

use domain::{
    AuditId, AuditOutcome, Granted, SystemReason, TenantId, authz::permission::AuditWrite,
};
use futures_util::future::join_all;
use serde_json::json;
use store::{Config, NewAudit, NewTenant, Store};
use testkit::services::{Services, TestDatabase};
use tokio::time::Instant;

type Failure = Box<dyn std::error::Error>;

const BATCH: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let sqlite = Config::at(format!("sqlite:{}", directory.path().join("audit.db").display()));
    measure("SQLite", &sqlite, &sqlite).await?;
    let database = TestDatabase::create(&Services::from_env()?.postgres).await?;
    let mut owner = Config::at(&database.owner_url);
    owner.runtime_role = Some(database.runtime_role.clone());
    measure("PostgreSQL", &owner, &Config::at(&database.runtime_url)).await
}

async fn measure(name: &str, owner: &Config, runtime: &Config) -> Result<(), Failure> {
    let migrating = Store::connect(owner).await?;
    migrating.migrate().await?;
    migrating.close().await?;
    let store = Store::connect(runtime).await?;
    let mut tenants = Vec::new();
    for number in 0..8 {
        let id = TenantId::generate();
        let slug = format!("tenant-{number}");
        let new = NewTenant { id, name: slug.clone(), slug, created_at: at() };
        tenants.push(store.directory().create_tenant(new).await?.id);
    }
    let one = [tenants[0]; 8];
    // (what, who writes at the same time, transactions of each, entries of each transaction)
    let cases: [(&str, &[TenantId], usize, usize); 4] = [
        ("one entry a transaction, one writer", &one[..1], 500, 1),
        ("one entry a transaction, 8 writers of one organisation", &one, 100, 1),
        ("one entry a transaction, 8 organisations", &tenants, 100, 1),
        ("batches of the journal, one organisation", &one[..1], 20, BATCH),
    ];
    for (what, writers, transactions, entries) in cases {
        let started = Instant::now();
        let work = writers.iter().map(|tenant| write(&store, *tenant, transactions, entries));
        for done in join_all(work).await {
            done?;
        }
        let seconds = started.elapsed().as_secs_f64();
        let total = u32::try_from(writers.len() * transactions * entries)?;
        let rate = f64::from(total) / seconds;
        writeln!(stdout(), "{name}: {what}: {rate:.0} entries/s ({total} in {seconds:.2} s)")?;
    }
    Ok(store.close().await?)
}

async fn write(
    store: &Store,
    tenant: TenantId,
    transactions: usize,
    entries: usize,
) -> Result<(), store::Error> {
    for _ in 0..transactions {
        let granted: Granted<AuditWrite> =
            Granted::system(SystemReason::RecordAudit, tenant, "measurement");
        let tx = store.begin(&granted).await?;
        tx.audit().append_many(&granted, (0..entries).map(|_| entry()).collect()).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn entry() -> NewAudit {
    NewAudit {
        id: AuditId::generate(),
        at: at(),
        actor: "api_key:0192f3c4-0000-7000-8000-000000000000".to_owned(),
        action: "mcp.tools.call".to_owned(),
        target: Some("docs__read_file".to_owned()),
        outcome: AuditOutcome::Succeeded,
        request_id: "0192f3c4-0000-7000-8000-000000000000".to_owned(),
        detail: json!({
            "arguments_sha256": "0".repeat(64), "arguments_bytes": 120, "response_bytes": 4_000,
            "client": { "name": "client", "version": "1.0" }, "install": "docs", "ms": 12.345,
        }),
    }
}

fn at() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}
