//! Jobs as a worker meets them, and what sweeps and schedules them.

use control::{Housekeeping, InstallConnector};
use domain::{
    JobId, RunState,
    job::{Job, JobState, Lane, Settle},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::plane::{Plane, fake_install};

#[tokio::test]
async fn job_of_an_unknown_kind_is_parked() {
    let plane = Plane::start().await;
    let job = Job {
        id: JobId::generate(),
        tenant: plane.tenant,
        payload: Err("sing_a_song".to_owned()),
        lane: Lane::Bulk,
        attempt: 1,
        lease_until: plane.clock.now(),
        traceparent: None,
    };
    let settle = plane.control.run_job(&job, CancellationToken::new()).await;
    assert_eq!(settle, Settle::Parked);
    plane.install().await;
    let claimed = plane.claim("worker").await.expect("a job");
    plane.control.settle_job(claimed.id, "worker", settle).await.expect("settled");
    plane.advance(86_400);
    assert!(plane.claim("worker").await.is_none(), "a parked job is not due");
    let counts = plane.store.jobs().counts().await.expect("counts");
    assert!(counts.iter().any(|it| it.state == JobState::Parked && it.count == 1), "{counts:?}");
}

#[tokio::test]
async fn parked_job_is_taken_up_by_a_version_that_knows_its_kind() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    let job = plane.claim("an older worker").await.expect("a job");
    plane.control.settle_job(job.id, "an older worker", Settle::Parked).await.expect("settled");
    assert_eq!(plane.control.keep_house().await.expect("a round").unparked, 1);
    plane.work().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn what_is_over_is_removed_when_it_was_kept_long_enough() {
    let plane = Plane::start().await;
    plane.synced().await;
    plane.advance(25 * 3600);
    let early = plane.control.keep_house().await.expect("a round");
    assert_eq!((early.jobs_removed, early.sign_ins_removed), (0, 1), "the link of 15 minutes");
    plane.advance(6 * 24 * 3600);
    let done = plane.control.keep_house().await.expect("a round");
    assert_eq!((done.jobs_removed, done.sign_ins_removed), (1, 1), "the job and the session");
    assert_eq!(plane.control.keep_house().await.expect("a round"), Housekeeping::default());
}

#[tokio::test]
async fn lease_is_held_by_signs_of_life_and_lost_without() {
    let plane = Plane::start().await;
    plane.install().await;
    let job = plane.claim("first").await.expect("a job");
    plane.advance(15);
    assert!(plane.control.extend_lease(job.id, "first").await.expect("an answer"));
    plane.advance(15);
    assert!(plane.claim("second").await.is_none());
    plane.advance(5);
    let again = plane.claim("second").await.expect("the lease has run out");
    assert_eq!((again.id, again.attempt), (job.id, 2));
    assert!(!plane.control.extend_lease(job.id, "first").await.expect("an answer"));
    plane.control.settle_job(job.id, "first", Settle::Done).await.expect("ignored");
    assert!(plane.control.extend_lease(job.id, "second").await.expect("still held"));
}

#[tokio::test]
async fn sweep_rings_for_what_is_due_and_does_not_ring_twice() {
    let plane = Plane::start().await;
    plane.install().await;
    assert_eq!(plane.control.sweep(10).await.expect("a sweep"), 0, "it was rung for just now");
    let job = plane.claim("worker").await.expect("a job");
    assert_eq!(plane.control.sweep(10).await.expect("a sweep"), 0, "somebody works on it");
    let later = plane.clock.now() + chrono::TimeDelta::seconds(5);
    plane.control.settle_job(job.id, "worker", Settle::RetryAt(later)).await.expect("settled");
    assert_eq!(plane.control.sweep(10).await.expect("a sweep"), 0, "it is not due yet");
    plane.advance(5);
    assert_eq!(plane.control.sweep(10).await.expect("a sweep"), 1);
    assert_eq!(plane.control.sweep(10).await.expect("a sweep"), 0);
}

#[tokio::test]
async fn automatic_sync_starts_when_its_interval_has_passed() {
    let plane = Plane::start().await;
    let command =
        InstallConnector { sync_interval_seconds: Some(600), ..fake_install(json!({}), None) };
    let install = plane.install_with(command).await.install;
    let schedule = || plane.control.schedule_due_syncs();
    assert_eq!(schedule().await.expect("scheduled"), 0, "the first run is under way");
    plane.work().await;
    assert_eq!(schedule().await.expect("scheduled"), 0, "it has just run");
    plane.advance(599);
    assert_eq!(schedule().await.expect("scheduled"), 0);
    // A tenth more, at most, is the install's own shift.
    plane.advance(61);
    assert_eq!(schedule().await.expect("scheduled"), 1);
    assert_eq!(schedule().await.expect("scheduled"), 0, "one is enough");
    let job = plane.claim("worker").await.expect("a job");
    assert_eq!(job.lane, Lane::Bulk);
    let settle = plane.control.run_job(&job, CancellationToken::new()).await;
    plane.control.settle_job(job.id, "worker", settle).await.expect("settled");
    let run = plane.control.latest_runs(&plane.owner, &[install.id]).await.expect("runs").remove(0);
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(plane.audit("sync.start").await[0].actor, "system:schedule_sync");
}

#[tokio::test]
async fn committed_sync_is_rung_for_in_the_lane_of_those_who_wait() {
    let plane = Plane::start().await;
    plane.install().await;
    let (job, _) = plane.store.jobs().due(plane.clock.now(), 1).await.expect("due")[0];
    let mut rings = plane.queue.consume(Lane::Interactive, 1).await.expect("a lane");
    let ring = rings.next().await.expect("a ring");
    assert_eq!(ring.job, job);
    ring.ack().await;
}
