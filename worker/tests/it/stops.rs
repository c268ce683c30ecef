//! Stopping: what runs may finish for a while, the rest is handed back at once.

use domain::RunState;

use crate::{
    fake::Trouble,
    plane::Plane,
    running::{Worker, only_rings, reaches},
};

#[tokio::test]
async fn running_job_finishes_within_the_drain_time() {
    let plane = Plane::start().await;
    plane.source.trouble([Trouble::Stall]);
    let patient = worker::Config { drain_seconds: 20, ..only_rings() };
    let worker = Worker::start(&plane, patient);
    let installed = plane.install().await;
    plane.source.hanging.notified().await;
    worker.ask_to_stop();
    plane.source.resume.notify_one();
    worker.drained().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn job_that_takes_longer_is_handed_to_the_next_worker() {
    let plane = Plane::start().await;
    plane.source.trouble([Trouble::Hang]);
    let worker = Worker::start(&plane, only_rings());
    let installed = plane.install().await;
    plane.source.hanging.notified().await;
    worker.drained().await;
    let run = plane.run_of(&installed).await;
    assert_eq!((run.state, run.error), (RunState::Retrying, None));
    // Its lease is free at once: no time has passed on the clock.
    let next = Worker::start(&plane, only_rings());
    let run = reaches(&plane, &installed, RunState::Succeeded).await;
    assert_eq!(run.attempt, 2);
    next.drained().await;
}

#[tokio::test]
async fn stopped_worker_takes_nothing_new() {
    let plane = Plane::start().await;
    let worker = Worker::start(&plane, only_rings());
    worker.drained().await;
    let installed = plane.install().await;
    assert_eq!(plane.run_of(&installed).await.state, RunState::Queued);
    assert!(plane.claim("somebody").await.is_some(), "it waits for another");
}
