//! What a worker does with a job.

use std::sync::atomic::Ordering;

use control::{Config, InstallConnector};
use domain::{
    RunState,
    job::{Lane, Settle},
};
use serde_json::json;

use crate::{
    fake::Trouble,
    plane::{Plane, fake_install},
    running::{Worker, only_rings, plane, reaches, sweeping},
};

#[tokio::test]
async fn ring_starts_the_job_at_once() {
    let plane = Plane::start().await;
    let worker = Worker::start(&plane, only_rings());
    let installed = plane.install().await;
    let run = reaches(&plane, &installed, RunState::Succeeded).await;
    assert_eq!(run.records_upserted, 3);
    worker.drained().await;
    assert!(plane.claim("nobody").await.is_none(), "the job is settled");
}

#[tokio::test]
async fn lost_ring_is_made_up_for_by_the_sweeper() {
    let plane = plane().await;
    let installed = plane.install().await;
    let mut lane = plane.queue.consume(Lane::Interactive, 1).await.expect("a lane");
    lane.next().await.expect("the ring").ack().await;
    drop(lane);
    let worker = Worker::start(&plane, sweeping());
    reaches(&plane, &installed, RunState::Succeeded).await;
    worker.drained().await;
}

#[tokio::test]
async fn job_that_an_older_version_parked_is_run_after_the_start() {
    let plane = plane().await;
    let installed = plane.install().await;
    let job = plane.claim("an older worker").await.expect("a job");
    plane.control.settle_job(job.id, "an older worker", Settle::Parked).await.expect("settled");
    let worker = Worker::start(&plane, sweeping());
    reaches(&plane, &installed, RunState::Succeeded).await;
    worker.drained().await;
}

#[tokio::test]
async fn retry_is_run_when_its_time_has_come() {
    let plane = plane().await;
    plane.source.trouble([Trouble::Transient]);
    let worker = Worker::start(&plane, sweeping());
    let installed = plane.install().await;
    reaches(&plane, &installed, RunState::Retrying).await;
    plane.advance(3600);
    let run = reaches(&plane, &installed, RunState::Succeeded).await;
    assert_eq!(run.attempt, 2);
    worker.drained().await;
}

#[tokio::test]
async fn connector_that_panics_does_not_take_the_worker_with_it() {
    let plane = plane().await;
    plane.source.trouble([Trouble::Panic]);
    let worker = Worker::start(&plane, sweeping());
    let broken = plane.install().await;
    reaches(&plane, &broken, RunState::Retrying).await;
    let other = plane.install().await;
    reaches(&plane, &other, RunState::Succeeded).await;
    worker.drained().await;
}

#[tokio::test]
async fn double_ring_runs_the_job_once() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    let (job, lane) = plane.store.jobs().due(plane.clock.now(), 1).await.expect("due")[0];
    for _ in 0..5 {
        plane.queue.ring(lane, job, None).await.expect("a ring");
    }
    let worker = Worker::start(&plane, only_rings());
    reaches(&plane, &installed, RunState::Succeeded).await;
    worker.drained().await;
    assert_eq!(plane.source.asked(), [0]);
}

#[tokio::test]
async fn bulk_work_never_holds_what_somebody_waits_for() {
    let plane = plane().await;
    let scheduled =
        InstallConnector { sync_interval_seconds: Some(60), ..fake_install(json!({}), None) };
    plane.install_with(scheduled).await;
    plane.work().await;
    plane.advance(120);
    plane.source.trouble([Trouble::Hang]);
    let one_each = worker::Config { bulk_jobs: 1, interactive_jobs: 1, ..sweeping() };
    let worker = Worker::start(&plane, one_each);
    plane.source.hanging.notified().await;
    let asked_for = plane.install().await;
    reaches(&plane, &asked_for, RunState::Succeeded).await;
    worker.drained().await;
}

#[tokio::test]
async fn lane_runs_no_more_jobs_at_once_than_it_has_slots() {
    let plane = plane().await;
    plane.source.trouble([Trouble::Hang]);
    let one = worker::Config { interactive_jobs: 1, ..sweeping() };
    let worker = Worker::start(&plane, one);
    plane.install().await;
    plane.source.hanging.notified().await;
    let waiting = plane.install().await;
    let asked = plane.source.asked().len();
    // Rings keep coming for the second one; the slot is taken all the same.
    for _ in 0..30 {
        plane.control.sweep(10).await.expect("a sweep");
        assert_eq!(plane.run_of(&waiting).await.state, RunState::Queued);
        assert_eq!(plane.source.asked().len(), asked);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    worker.drained().await;
}

#[tokio::test]
async fn job_that_was_lost_to_another_worker_is_stopped_and_not_settled() {
    let config = Config { lease_seconds: 1, ..Config::default() };
    let plane = Plane::with(config).await;
    plane.source.pages.store(2, Ordering::SeqCst);
    plane.source.trouble([Trouble::Hang]);
    let worker = Worker::start(&plane, only_rings());
    let installed = plane.install().await;
    plane.source.hanging.notified().await;
    plane.advance(2);
    // A sign of life may have come in between; then the lease runs out again a moment later.
    let stolen = loop {
        if let Some(job) = plane.claim("thief").await {
            break job;
        }
        plane.advance(2);
    };
    worker.drained().await;
    assert!(plane.control.extend_lease(stolen.id, "thief").await.expect("an answer"));
    let settle = plane.control.run_job(&stolen, tokio_util::sync::CancellationToken::new()).await;
    plane.control.settle_job(stolen.id, "thief", settle).await.expect("settled");
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 2));
}
