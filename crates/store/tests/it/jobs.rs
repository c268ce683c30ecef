//! Jobs: exclusive claims, leases, fairness, dedup.

use std::time::Duration;

use domain::{
    InstallId, JobId, RunId, TenantId,
    authz::permission::SyncRun,
    job::{JobPayload, JobState, Lane, Settle},
};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use store::{Error, NewJob};

use crate::bench::{Bench, at, granted, on_both};

const LEASE: Duration = Duration::from_mins(1);

fn new_job(dedup_key: Option<&str>) -> NewJob {
    NewJob {
        id: JobId::generate(),
        payload: JobPayload::SyncInstall { install: InstallId::generate(), run: RunId::generate() },
        lane: Lane::Bulk,
        run_at: at(0),
        dedup_key: dedup_key.map(str::to_owned),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

async fn enqueue(bench: &Bench, tenant: TenantId, job: NewJob) -> JobId {
    let tx = bench.store.begin(&granted::<SyncRun>(tenant)).await.expect("begin");
    let id = tx.jobs().enqueue(&granted::<SyncRun>(tenant), job).await.expect("enqueue");
    tx.commit().await.expect("commit");
    id
}

#[tokio::test]
async fn of_twenty_claimers_at_once_one_gets_the_job() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let new = new_job(None);
        let id = enqueue(bench, acme, new.clone()).await;
        let claim = async |number: usize| {
            let worker = format!("worker-{number}");
            bench.store.jobs().claim(id, &worker, at(1), LEASE).await.expect("claim")
        };
        let claimed: Vec<_> = join_all((0..20).map(claim)).await.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 1);
        let job = &claimed[0];
        assert_eq!((job.id, job.tenant, job.attempt, job.lane), (id, acme, 1, Lane::Bulk));
        assert_eq!(job.payload, Ok(new.payload));
        assert_eq!(job.traceparent, new.traceparent);
    })
    .await;
}

#[tokio::test]
async fn job_of_a_rolled_back_cause_is_not_there() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let tx = bench.store.begin(&granted::<SyncRun>(acme)).await.expect("begin");
        let id =
            tx.jobs().enqueue(&granted::<SyncRun>(acme), new_job(None)).await.expect("enqueue");
        tx.rollback().await.expect("rollback");
        let claimed = bench.store.jobs().claim(id, "w", at(1), LEASE).await.expect("claim");
        assert!(claimed.is_none());
    })
    .await;
}

#[tokio::test]
async fn job_is_not_claimed_before_its_time() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = enqueue(bench, acme, NewJob { run_at: at(100), ..new_job(None) }).await;
        let jobs = bench.store.jobs();
        assert!(jobs.claim(id, "w", at(99), LEASE).await.expect("claim").is_none());
        assert!(jobs.due(at(99), 10).await.expect("due").is_empty());
        assert_eq!(jobs.due(at(100), 10).await.expect("due"), [(id, Lane::Bulk)]);
        assert!(jobs.claim(id, "w", at(100), LEASE).await.expect("claim").is_some());
    })
    .await;
}

#[tokio::test]
async fn job_of_a_dead_worker_is_claimed_again_and_the_first_one_has_lost_it() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = enqueue(bench, acme, new_job(None)).await;
        let jobs = bench.store.jobs();
        assert!(jobs.claim(id, "first", at(0), LEASE).await.expect("claim").is_some());
        assert!(jobs.claim(id, "second", at(59), LEASE).await.expect("claim").is_none());
        assert!(jobs.due(at(59), 10).await.expect("due").is_empty());
        assert!(jobs.extend(id, "first", at(90)).await.expect("extend"));
        assert!(jobs.claim(id, "second", at(60), LEASE).await.expect("claim").is_none());
        assert_eq!(jobs.due(at(90), 10).await.expect("due"), [(id, Lane::Bulk)]);
        let again =
            jobs.claim(id, "second", at(90), LEASE).await.expect("claim").expect("lost job");
        assert_eq!(again.attempt, 2);
        assert!(!jobs.extend(id, "first", at(500)).await.expect("extend"));
        assert!(!jobs.settle(id, "first", Settle::Done, at(91)).await.expect("settle"));
        assert!(jobs.settle(id, "second", Settle::Done, at(92)).await.expect("settle"));
        assert!(jobs.claim(id, "third", at(1000), LEASE).await.expect("claim").is_none());
    })
    .await;
}

#[tokio::test]
async fn settled_job_waits_rests_or_is_given_up() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let jobs = bench.store.jobs();
        let settled = async |settle| {
            let id = enqueue(bench, acme, new_job(None)).await;
            jobs.claim(id, "w", at(0), LEASE).await.expect("claim").expect("due");
            assert!(jobs.settle(id, "w", settle, at(5)).await.expect("settle"));
            id
        };
        let retried = settled(Settle::RetryAt(at(50))).await;
        settled(Settle::Dead).await;
        settled(Settle::Done).await;
        let parked = settled(Settle::Parked).await;
        assert!(jobs.due(at(49), 10).await.expect("due").is_empty());
        assert_eq!(jobs.due(at(50), 10).await.expect("due"), [(retried, Lane::Bulk)]);
        let second = jobs.claim(retried, "w", at(50), LEASE).await.expect("claim");
        assert_eq!(second.expect("second try").attempt, 2);
        let mut counts: Vec<_> = jobs
            .counts()
            .await
            .expect("counts")
            .into_iter()
            .map(|count| (count.state.as_str(), count.lane, count.count))
            .collect();
        counts.sort_unstable_by_key(|(state, ..)| *state);
        let bulk = |state: JobState| (state.as_str(), Lane::Bulk, 1);
        assert_eq!(counts, [JobState::Claimed, JobState::Dead, JobState::Parked].map(bulk));
        assert_eq!(jobs.unpark().await.expect("unpark"), 1);
        assert_eq!(jobs.unpark().await.expect("unpark"), 0);
        assert_eq!(jobs.due(at(50), 10).await.expect("due"), [(parked, Lane::Bulk)]);
        assert_eq!(jobs.purge(at(5)).await.expect("purge"), 0);
        assert_eq!(jobs.purge(at(6)).await.expect("purge"), 2, "the dead and the done");
    })
    .await;
}

#[tokio::test]
async fn job_of_an_unknown_kind_is_given_out_with_its_kind() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let id = enqueue(bench, acme, new_job(None)).await;
        let later =
            "update jobs set kind = 'fold_laundry', payload = '{\"kind\":\"fold_laundry\"}'";
        bench.raw().await.execute_unprepared(later).await.expect("of a later version");
        let job = bench.store.jobs().claim(id, "w", at(0), LEASE).await.expect("claim");
        assert_eq!(job.expect("due").payload, Err("fold_laundry".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn second_job_with_the_same_key_is_the_first_one_until_that_is_over() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let first = enqueue(bench, acme, new_job(Some("sync"))).await;
        assert_eq!(enqueue(bench, acme, new_job(Some("sync"))).await, first);
        assert_ne!(enqueue(bench, acme, new_job(Some("else"))).await, first);
        assert_ne!(enqueue(bench, other, new_job(Some("sync"))).await, first, "another tenant");
        let jobs = bench.store.jobs();
        jobs.claim(first, "w", at(0), LEASE).await.expect("claim").expect("due");
        assert_eq!(enqueue(bench, acme, new_job(Some("sync"))).await, first, "while it runs");
        jobs.settle(first, "w", Settle::Done, at(1)).await.expect("settle");
        assert_ne!(enqueue(bench, acme, new_job(Some("sync"))).await, first, "after its end");
    })
    .await;
}

#[tokio::test]
async fn same_job_twice_is_a_conflict() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let job = new_job(None);
        enqueue(bench, acme, job.clone()).await;
        let tx = bench.store.begin(&granted::<SyncRun>(acme)).await.expect("begin");
        let twice = tx.jobs().enqueue(&granted::<SyncRun>(acme), job).await;
        assert!(matches!(twice, Err(Error::Conflict { field: "id" })), "{twice:?}");
    })
    .await;
}

#[tokio::test]
async fn small_tenant_does_not_wait_behind_the_queue_of_a_large_one() {
    on_both(async |bench| {
        let (large, small) = (bench.tenant("large").await, bench.tenant("small").await);
        let tx = bench.store.begin(&granted::<SyncRun>(large)).await.expect("begin");
        for _ in 0..200 {
            tx.jobs().enqueue(&granted::<SyncRun>(large), new_job(None)).await.expect("enqueue");
        }
        tx.commit().await.expect("commit");
        let late = enqueue(bench, small, NewJob { run_at: at(50), ..new_job(None) }).await;
        let jobs = bench.store.jobs();
        let due = jobs.due(at(60), 2).await.expect("due");
        assert!(due.iter().any(|(id, _)| *id == late), "its first stands beside the other's first");
        // What runs counts as well: while five of the large tenant run, the small one is before all others.
        for (id, _) in jobs.due(at(49), 5).await.expect("due") {
            jobs.claim(id, "w", at(49), LEASE).await.expect("claim").expect("due");
        }
        assert_eq!(jobs.due(at(60), 1).await.expect("due"), [(late, Lane::Bulk)]);
        assert_eq!(jobs.due(at(60), 500).await.expect("due").len(), 196);
    })
    .await;
}
