//! `patchbay serve --role …`: one role of a distributed deployment.

use std::{io, path::Path};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cmd::{CommandError, say, stop_requested},
    plane::Plane,
    server::{Door, end_subscriptions, operator_routes},
    settings::Settings,
    topology::{Role, Topology},
};

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArguments {
    /// Which role this process plays.
    #[arg(long, value_enum)]
    role: Role,
}

/// Runs until asked to stop.
pub(crate) async fn run(
    file: Option<&Path>,
    arguments: ServeArguments,
) -> Result<(), CommandError> {
    let mut settings = Settings::load(file)?;
    let role = arguments.role;
    Topology::resolve(&settings, Some(role))?;
    let server = &settings.server;
    let operator_door = Door::bind(server.metrics_listen, 1, 1)?;
    let door = match role {
        Role::Worker => None,
        Role::Api | Role::Gateway => {
            Some(Door::bind(server.listen, server.http_threads, server.shutdown_seconds)?)
        }
    };
    if let Some(door) = &door {
        settings.server.listen = door.address();
    }
    let plane = Plane::build(&settings, role.service()).await?;
    let listening =
        door.as_ref().map_or_else(String::new, |door| format!(" on {}", door.address()));
    say(&format!(
        "patchbay {} is up{listening}, metrics on http://{}/metrics\n",
        role.as_str(),
        operator_door.address(),
    ))?;
    play(&settings, role, plane, door, operator_door).await
}

async fn play(
    settings: &Settings,
    role: Role,
    plane: Plane,
    door: Option<Door>,
    operator_door: Door,
) -> Result<(), CommandError> {
    let cancel = CancellationToken::new();
    let tracker = TaskTracker::new();
    let (control, metrics) = (plane.control.clone(), plane.metrics());
    let operator = tracker.spawn(
        operator_door
            .serve(move |routes| operator_routes(routes, &control, &metrics), cancel.clone()),
    );
    let part = run_role(settings, role, &plane, door, &tracker, cancel.clone());
    let outcome = tokio::select! {
        stopped = stop_requested() => {
            cancel.cancel();
            stopped.map_err(CommandError::from)
        }
        ended = part => ended,
        ended = operator => ended.map_err(io::Error::other)?.map_err(CommandError::from),
    };
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    plane.control.flush_audit().await;
    plane.telemetry.shutdown();
    outcome
}

async fn run_role(
    settings: &Settings,
    role: Role,
    plane: &Plane,
    door: Option<Door>,
    tracker: &TaskTracker,
    cancel: CancellationToken,
) -> Result<(), CommandError> {
    let (control, metrics) = (plane.control.clone(), plane.metrics());
    match (role, door) {
        (Role::Api, Some(door)) => {
            let config = api::Config { public_url: settings.public_url(), ..settings.api.clone() };
            let api = api::Api::build(config, control, metrics);
            end_subscriptions(tracker, &api, &cancel);
            let served = tracker.spawn(door.serve(move |routes| api.configure(routes), cancel));
            Ok(served.await.map_err(io::Error::other)??)
        }
        (Role::Gateway, Some(door)) => {
            let gateway = gateway::Gateway::build(
                settings.gateway.clone(),
                control,
                plane.egress.clone(),
                plane.cache.clone(),
                plane.session_key,
                metrics,
            )?;
            let updates = gateway.clone();
            let updates_end = cancel.clone();
            tracker.spawn(async move { updates.run_updates(updates_end).await });
            let served = tracker.spawn(door.serve(move |routes| gateway.configure(routes), cancel));
            Ok(served.await.map_err(io::Error::other)??)
        }
        _ => {
            let run =
                worker::run(settings.worker.clone(), control, plane.queue.clone(), metrics, cancel);
            Ok(tracker.spawn(run).await.map_err(io::Error::other)??)
        }
    }
}
