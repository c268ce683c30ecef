//! Runs: resumed, cancelled, retried, given up, watched.

use std::{future::Future, pin::pin, sync::atomic::Ordering, task::Poll, time::Duration};

use control::{Config, Error, UpdateInstall};
use domain::{
    AuditOutcome, InstallStatus, OpCtx, Role, RunState,
    job::{Job, JobPayload, Settle},
};
use futures_util::StreamExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    fake::Trouble,
    plane::{Plane, fake_install},
};

/// After this, an abandoned claim is free again.
const LEASE: i64 = 20;
const PAGES: usize = 6;
const PER_PAGE: usize = 5;

async fn long_plane() -> Plane {
    lengthen(Plane::start().await)
}

/// Gives the source more than one page.
pub(crate) fn lengthen(plane: Plane) -> Plane {
    plane.source.pages.store(PAGES, Ordering::SeqCst);
    plane.source.per_page.store(PER_PAGE, Ordering::SeqCst);
    plane
}

fn expected_ids() -> Vec<String> {
    (0..PAGES * PER_PAGE).map(|number| format!("item-{number:04}")).collect()
}

async fn latest(plane: &Plane, ctx: &OpCtx, install: domain::InstallId) -> domain::SyncRun {
    plane.control.latest_runs(ctx, &[install]).await.expect("runs").remove(0)
}

#[tokio::test]
async fn crash_after_any_page_loses_and_doubles_nothing() {
    crash_after_any_page(&long_plane().await).await;
}

/// Also run on PostgreSQL.
pub(crate) async fn crash_after_any_page(plane: &Plane) {
    for crash_after in 0..PAGES {
        let installed = plane.install().await;
        plane.source.asked.lock().expect("not poisoned").clear();
        let quiet = std::iter::repeat_n(Trouble::None, crash_after);
        plane.source.trouble(quiet.chain([Trouble::Hang]));
        let job = plane.claim("first").await.expect("a job");
        {
            let run = plane.control.run_job(&job, CancellationToken::new());
            tokio::select! {
                settle = run => panic!("it should hang, not end with {settle:?}"),
                () = plane.source.hanging.notified() => {}
            }
        }
        assert!(plane.claim("second").await.is_none(), "the lease still holds");
        plane.advance(LEASE);
        plane.work().await;
        let run = plane.run_of(&installed).await;
        assert_eq!((run.state, run.attempt), (RunState::Succeeded, 2), "{run:?}");
        assert_eq!(run.pages, i64::try_from(PAGES).expect("small"));
        assert_eq!(run.records_upserted, i64::try_from(PAGES * PER_PAGE).expect("small"));
        assert_eq!(plane.external_ids(&installed.install).await, expected_ids());
        let again: Vec<_> = (0..=crash_after).chain(crash_after..PAGES).collect();
        assert_eq!(plane.source.asked(), again, "it went on where the last commit was");
    }
}

/// Drops what is under way in the middle of whatever it does (reading, writing, committing) after so many polls.
pub(crate) async fn polled<T>(run: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut run = pin!(run);
    for _ in 0..polls {
        let poll = std::future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await;
        if let Poll::Ready(ended) = poll {
            return Some(ended);
        }
        // The database's threads get the time to answer that a waiting future would give them.
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    None
}

#[tokio::test]
async fn crash_at_any_moment_loses_and_doubles_nothing() {
    crash_at_any_moment(&long_plane().await).await;
}

/// Also run on PostgreSQL.
pub(crate) async fn crash_at_any_moment(plane: &Plane) {
    let mut crashes = 0;
    for polls in 1..40 {
        let installed = plane.install().await;
        let job = plane.claim("first").await.expect("a job");
        let run = plane.control.run_job(&job, CancellationToken::new());
        if let Some(settle) = polled(run, polls).await {
            plane.control.settle_job(job.id, "first", settle).await.expect("settled");
        } else {
            crashes += 1;
            plane.advance(LEASE);
        }
        plane.work().await;
        let run = plane.run_of(&installed).await;
        assert_eq!(run.state, RunState::Succeeded, "after {polls} polls: {run:?}");
        assert_eq!(run.pages, i64::try_from(PAGES).expect("small"), "after {polls} polls");
        assert_eq!(plane.external_ids(&installed.install).await, expected_ids());
    }
    assert!(crashes > 10, "only {crashes} of the runs were cut off");
}

#[tokio::test]
async fn late_page_of_a_stalled_worker_is_thrown_away() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::None, Trouble::Stall]);
    let first = plane.claim("first").await.expect("a job");
    let mut stalled = Box::pin(plane.control.run_job(&first, CancellationToken::new()));
    tokio::select! {
        settle = &mut stalled => panic!("it should stall, not end with {settle:?}"),
        () = plane.source.hanging.notified() => {}
    }
    plane.advance(LEASE);
    plane.source.trouble([Trouble::None, Trouble::Transient]);
    let second = plane.claim("second").await.expect("the lease has run out");
    let settle = plane.control.run_job(&second, CancellationToken::new()).await;
    assert!(matches!(settle, Settle::RetryAt(_)), "{settle:?}");
    assert_eq!(plane.run_of(&installed).await.pages, 2);
    // Now the first worker wakes up and has its second page at last.
    plane.source.resume.notify_one();
    assert_eq!(stalled.await, Settle::Done, "nothing is left to do for it");
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.attempt, run.pages), (RunState::Retrying, 2, 2));
}

#[tokio::test]
async fn unchanged_documents_are_not_written_again_and_missing_ones_are_swept() {
    let plane = Plane::start().await;
    let install = plane.synced().await;
    plane.source.per_page.store(2, Ordering::SeqCst);
    let run = plane.control.start_sync(&plane.owner, install.id).await.expect("a run");
    plane.work().await;
    let run = plane.control.lookup_run(&plane.owner, run.id).await.expect("a run");
    assert_eq!((run.state, run.records_upserted, run.records_deleted), (RunState::Succeeded, 0, 1));
    assert_eq!(plane.external_ids(&install).await, ["item-0000", "item-0001"]);
}

#[tokio::test]
async fn second_start_is_a_conflict_while_one_is_under_way() {
    let plane = Plane::start().await;
    let install = plane.install().await.install;
    let refused = plane.control.start_sync(&plane.owner, install.id).await;
    let Err(Error::Conflict { message, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(message, "a sync of this install is already under way");
    plane.work().await;
    plane.control.start_sync(&plane.owner, install.id).await.expect("now it may");
}

#[tokio::test]
async fn member_cannot_start_or_cancel() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    let member = plane.member(Role::Member).await;
    let refused = plane.control.start_sync(&member, installed.install.id).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("sync.start", &member).await;
    let run = installed.run.as_ref().expect("a run").id;
    let refused = plane.control.cancel_sync(&member, run).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    plane.assert_refusal_audited("sync.cancel", &member).await;
}

#[tokio::test]
async fn waiting_run_is_cancelled_at_once() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    let id = installed.run.as_ref().expect("a run").id;
    let run = plane.control.cancel_sync(&plane.owner, id).await.expect("cancelled");
    assert_eq!(run.state, RunState::Cancelled);
    plane.work().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Cancelled);
    assert!(plane.source.asked().is_empty());
    plane.control.start_sync(&plane.owner, installed.install.id).await.expect("a new one");
}

#[tokio::test]
async fn running_run_stops_at_its_next_page_and_keeps_what_it_has() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    let id = installed.run.as_ref().expect("a run").id;
    plane.source.trouble([Trouble::None, Trouble::None, Trouble::Transient]);
    assert!(matches!(plane.work_once().await, Some(Settle::RetryAt(_))));
    let run = plane.control.cancel_sync(&plane.owner, id).await.expect("cancelled");
    assert_eq!((run.state, run.pages), (RunState::Cancelled, 2));
    plane.advance(3600);
    plane.work().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Cancelled);
    assert_eq!(plane.external_ids(&installed.install).await.len(), 2 * PER_PAGE);
    assert_eq!(plane.audit("sync.finish").await.len(), 1);
}

#[tokio::test]
async fn cancel_reaches_a_worker_between_two_pages() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    let id = installed.run.as_ref().expect("a run").id;
    plane.source.trouble([Trouble::None, Trouble::Hang]);
    let job = plane.claim("worker").await.expect("a job");
    let run = plane.control.run_job(&job, CancellationToken::new());
    tokio::select! {
        settle = run => panic!("it should hang, not end with {settle:?}"),
        () = plane.source.hanging.notified() => {}
    }
    let asked = plane.control.cancel_sync(&plane.owner, id).await.expect("asked");
    assert_eq!((asked.state, asked.cancel_requested), (RunState::Running, true));
    plane.advance(LEASE);
    plane.work().await;
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.pages), (RunState::Cancelled, 1));
}

#[tokio::test]
async fn passing_failure_is_tried_again_later_and_later() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::None, Trouble::Transient, Trouble::Transient]);
    let mut pauses = Vec::new();
    for _ in 0..2 {
        let Some(Settle::RetryAt(at)) = plane.work_once().await else { panic!("a retry") };
        let run = plane.run_of(&installed).await;
        assert_eq!((run.state, run.error.as_deref()), (RunState::Retrying, Some("it rained")));
        assert!(plane.claim("early").await.is_none(), "it is not due yet");
        pauses.push((at - plane.clock.now()).num_milliseconds());
        plane.clock.advance(at - plane.clock.now());
    }
    // The first failure came after a page, so the count of fruitless tries starts with the second.
    assert!((1000..=2000).contains(&pauses[0]), "{pauses:?}");
    assert!((1000..=4000).contains(&pauses[1]), "{pauses:?}");
    plane.work().await;
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.attempt, run.error), (RunState::Succeeded, 3, None));
    assert_eq!(plane.external_ids(&installed.install).await, expected_ids());
}

#[tokio::test]
async fn run_without_progress_is_given_up() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::Transient, Trouble::Panic, Trouble::Transient]);
    let mut ends = Vec::new();
    while let Some(settle) = plane.work_once().await {
        ends.push(settle);
        plane.advance(3600);
    }
    assert_eq!(ends.len(), 3);
    assert_eq!(ends[2], Settle::Dead);
    let run = plane.run_of(&installed).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.error.as_deref(), Some("gave up after 3 tries without progress: it rained"));
    assert_eq!(plane.audit("sync.finish").await[0].outcome, AuditOutcome::Failed);
    plane.control.start_sync(&plane.owner, installed.install.id).await.expect("a new one");
}

#[tokio::test]
async fn run_that_kills_its_worker_every_time_is_given_up() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    for _ in 0..3 {
        plane.source.trouble([Trouble::Hang]);
        let job = plane.claim("worker").await.expect("a job");
        let run = plane.control.run_job(&job, CancellationToken::new());
        tokio::select! {
            settle = run => panic!("it should hang, not end with {settle:?}"),
            () = plane.source.hanging.notified() => {}
        }
        plane.advance(LEASE);
    }
    plane.work().await;
    let run = plane.run_of(&installed).await;
    assert_eq!(run.state, RunState::Failed, "{run:?}");
}

#[tokio::test]
async fn rate_limit_is_waited_for() {
    let plane = Plane::start().await;
    plane.install().await;
    plane.source.trouble([Trouble::RateLimited(Duration::from_mins(10))]);
    let Some(Settle::RetryAt(at)) = plane.work_once().await else { panic!("a retry") };
    assert_eq!((at - plane.clock.now()).num_seconds(), 600);
}

#[tokio::test]
async fn refused_credential_hides_the_install_until_it_gets_a_new_one() {
    let plane = Plane::start().await;
    let command = fake_install(json!({}), Some(json!({ "bearer_token": "old" })));
    let installed = plane.install_with(command).await;
    plane.source.trouble([Trouble::Auth]);
    assert_eq!(plane.work_once().await, Some(Settle::Dead));
    let run = plane.run_of(&installed).await;
    assert_eq!(
        (run.state, run.error.as_deref()),
        (RunState::Failed, Some("the token was refused"))
    );
    let id = installed.install.id;
    let install = plane.control.lookup_install(&plane.owner, id).await.expect("there");
    assert_eq!(install.status, InstallStatus::NeedsReauth);
    assert_eq!(plane.audit("install.needs_reauth").await.len(), 1);
    let active = UpdateInstall { status: Some(InstallStatus::Active), ..UpdateInstall::default() };
    let refused = plane.control.update_install(&plane.owner, id, active).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let renew = UpdateInstall {
        credential: Some(json!({ "bearer_token": "new" }).into()),
        ..UpdateInstall::default()
    };
    let install = plane.control.update_install(&plane.owner, id, renew).await.expect("renewed");
    assert_eq!(install.status, InstallStatus::Active);
    plane.control.start_sync(&plane.owner, id).await.expect("a run");
    plane.work().await;
    assert_eq!(latest(&plane, &plane.owner, id).await.state, RunState::Succeeded);
    assert_eq!(plane.source.token.lock().expect("not poisoned").as_deref(), Some("new"));
}

#[tokio::test]
async fn lasting_failure_is_not_tried_again() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::Permanent]);
    assert_eq!(plane.work_once().await, Some(Settle::Dead));
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.error.as_deref()), (RunState::Failed, Some("the project is gone")));
}

#[tokio::test]
async fn source_that_never_answers_is_given_up_on_in_time() {
    let plane = Plane::with(Config { page_timeout_seconds: 0, ..Config::default() }).await;
    plane.install().await;
    plane.source.trouble([Trouble::Hang]);
    assert!(matches!(plane.work_once().await, Some(Settle::RetryAt(_))));
}

#[tokio::test]
async fn stopping_worker_hands_its_run_back() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    let job = plane.claim("worker").await.expect("a job");
    let stopped = CancellationToken::new();
    stopped.cancel();
    let settle = plane.control.run_job(&job, stopped).await;
    assert_eq!(settle, Settle::RetryAt(plane.clock.now()));
    plane.control.settle_job(job.id, "worker", settle).await.expect("settled");
    plane.work().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn new_settings_end_the_run_under_way_and_begin_it_anew() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::None, Trouble::Stall]);
    let job = plane.claim("first").await.expect("a job");
    let mut stalled = Box::pin(plane.control.run_job(&job, CancellationToken::new()));
    tokio::select! {
        settle = &mut stalled => panic!("it should stall, not end with {settle:?}"),
        () = plane.source.hanging.notified() => {}
    }
    let same = UpdateInstall { config: Some(json!({})), ..UpdateInstall::default() };
    plane.control.update_install(&plane.owner, installed.install.id, same).await.expect("kept");
    let run = plane.run_of(&installed).await;
    assert_eq!(run.state, RunState::Running, "nothing has changed");
    let other = UpdateInstall { config: Some(json!({ "depth": 2 })), ..UpdateInstall::default() };
    plane.control.update_install(&plane.owner, installed.install.id, other).await.expect("changed");
    plane.source.resume.notify_one();
    assert_eq!(stalled.await, Settle::Done, "its page was read with the old settings");
    let (old, ended) = (run.id, plane.control.lookup_run(&plane.owner, run.id).await);
    assert_eq!(ended.expect("a run").state, RunState::Cancelled);
    plane.work().await;
    let run = latest(&plane, &plane.owner, installed.install.id).await;
    assert_ne!(run.id, old);
    assert_eq!((run.state, run.pages), (RunState::Succeeded, i64::try_from(PAGES).expect("small")));
    assert_eq!(plane.source.asked(), [0, 1].into_iter().chain(0..PAGES).collect::<Vec<_>>());
}

#[tokio::test]
async fn removal_of_the_install_ends_its_run() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    plane.source.trouble([Trouble::None, Trouble::Transient]);
    plane.work_once().await;
    plane.control.remove_install(&plane.owner, installed.install.id).await.expect("removed");
    plane.advance(3600);
    assert_eq!(plane.work_once().await, Some(Settle::Done));
}

#[tokio::test]
async fn job_whose_run_is_over_is_done() {
    let plane = Plane::start().await;
    let installed = plane.install().await;
    let job: Job = plane.claim("worker").await.expect("a job");
    for _ in 0..2 {
        let settle = plane.control.run_job(&job, CancellationToken::new()).await;
        assert_eq!(settle, Settle::Done);
    }
    assert!(matches!(job.payload, Ok(JobPayload::SyncInstall { .. })));
    assert_eq!(plane.run_of(&installed).await.pages, 1, "a delivery too many changes nothing");
}

#[tokio::test]
async fn watcher_sees_the_run_from_now_to_its_end() {
    let plane = long_plane().await;
    let installed = plane.install().await;
    let viewer = plane.member(Role::Viewer).await;
    let watch = plane.control.watch_run(&viewer, installed.install.id).await.expect("a watch");
    let follow = async {
        let mut watch = pin!(watch);
        let mut states = Vec::new();
        while states.last().is_none_or(|state: &RunState| !state.is_final()) {
            states.push(watch.next().await.expect("more to come").expect("a run").state);
        }
        states
    };
    let follow = tokio::time::timeout(Duration::from_secs(20), follow);
    let (states, ()) = tokio::join!(follow, plane.work());
    let states = states.expect("in time");
    assert_eq!(states.first(), Some(&RunState::Queued));
    assert_eq!(states.last(), Some(&RunState::Succeeded));
}
