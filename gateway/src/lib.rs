//! The MCP door: `POST`, `GET` and `DELETE /t/{tenant}/mcp`, for clients of both eras.
//!
//! [`stack`] is the list of what a request goes through; each layer is one file in `layer/`. `mcp/` is the protocol without
//! I/O, `upstream/` is who answers, `snapshots.rs` holds what is known of each tenant, `error.rs` is the only map from a
//! refusal to what a client sees.

mod call;
mod challenge;
mod clock;
mod config;
mod door;
mod error;
mod layer;
mod mcp;
mod snapshots;
mod stack;
mod upstream;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::web::{self, Data, ServiceConfig};
use backplane::Cache;
use control::Control;
use domain::event::Event;
use egress::Egress;
use futures_util::StreamExt;
use telemetry::Metrics;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use error::Error;
use layer::{
    audit,
    cache::{Epochs, Lookup},
    credential::Inject,
    identify::Identify,
    permit::Authorize,
    quota::{Buckets, Limit, buckets},
    route::Resolve,
    trace,
};
use snapshots::Snapshots;
use stack::Layers;

/// How long until signals are listened to again after their stream ended.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// The gateway. Cheap to clone: clones are the same one.
#[derive(Clone)]
pub struct Gateway(Data<Inner>);

struct Inner {
    door: stack::Door,
    config: Arc<Config>,
    control: Control,
    snapshots: Arc<Snapshots>,
    epochs: Arc<Epochs>,
    buckets: Arc<Buckets>,
    draining: AtomicBool,
}

/// The MCP methods that are served, of both eras. Each needs a case in the tests of authorization.
pub fn methods() -> impl Iterator<Item = &'static str> {
    call::Method::NAMES.iter().map(|(name, _)| *name)
}

// === impl Gateway ===

impl Gateway {
    /// Puts the layers together. `session_key` seals session tokens: gateways that share it serve each other's sessions.
    ///
    /// # Errors
    /// [`Error`] names a setting that cannot be used.
    pub fn build(
        config: Config,
        control: Control,
        egress: Egress,
        cache: Cache,
        session_key: [u8; 32],
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let rate = at_least_one("requests_per_second", config.requests_per_second)?;
        let burst = at_least_one("burst", config.burst)?;
        let config = Arc::new(config);
        let now = clock::Now::of(control.clone());
        let sessions =
            Arc::new(mcp::session::Sessions::new(&session_key, config.session_lifetime()));
        let remote = Arc::new(upstream::http::Remote::new(egress, metrics.clone()));
        let lists = Arc::new(upstream::lists::Lists::new(
            control.clone(),
            Arc::clone(&remote),
            Arc::clone(&config),
        ));
        let snapshots = Arc::new(Snapshots::new(control.clone()));
        let epochs = Arc::new(Epochs::new(cache.clone()));
        let buckets = Arc::new(buckets(rate, burst));
        let door = stack::build(Layers {
            upstream: upstream::Upstream {
                control: control.clone(),
                config: Arc::clone(&config),
                lists: Arc::clone(&lists),
                remote,
                sessions: Arc::clone(&sessions),
                now: now.clone(),
            },
            credential: Inject { control: control.clone() },
            cache: Lookup {
                cache,
                epochs: Arc::clone(&epochs),
                bytes: config.cache_bytes,
                metrics: metrics.clone(),
            },
            permit: Authorize { control: control.clone() },
            route: Resolve { lists, sessions, now },
            quota: Limit { buckets: Arc::clone(&buckets), metrics: metrics.clone() },
            identify: Identify { control: control.clone(), snapshots: Arc::clone(&snapshots) },
            audit: audit::Record { control: control.clone() },
            trace: trace::Span { metrics },
        });
        let draining = AtomicBool::new(false);
        let inner = Inner { door, config, control, snapshots, epochs, buckets, draining };
        Ok(Self(Data::new(inner)))
    }

    /// Adds the routes of the MCP endpoint.
    pub fn configure(&self, routes: &mut ServiceConfig) {
        routes.service(
            web::resource("/t/{tenant}/mcp")
                .app_data(self.0.clone())
                .route(web::post().to(door::serve))
                .route(web::get().to(door::serve))
                .route(web::delete().to(door::serve))
                .route(web::method(actix_web::http::Method::OPTIONS).to(door::preflight)),
        );
    }

    /// Keeps what is known of the tenants current until it is cancelled, and starts the drain then: from that moment new
    /// requests are told to try again, while those that are under way finish.
    pub async fn run_updates(&self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.update()).await;
        self.drain();
    }

    /// New requests are told to try again from now on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    async fn update(&self) {
        let mut poll = tokio::time::interval(self.0.config.refresh_every());
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut events = std::pin::pin!(self.0.control.events());
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(event) => self.0.changed(event).await,
                        None => break,
                    },
                    _ = poll.tick() => self.0.refresh().await,
                }
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway(..)")
    }
}

// === impl Inner ===

impl Inner {
    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    async fn changed(&self, event: Event) {
        match event {
            Event::RouteChanged { tenant } => self.snapshots.changed(tenant).await,
            Event::DataChanged { tenant, install } => self.epochs.end(tenant, install).await,
            Event::RunChanged { .. } => {}
        }
    }

    async fn refresh(&self) {
        self.snapshots.refresh_all().await;
        self.buckets.retain_recent();
    }
}

fn at_least_one(field: &'static str, value: u32) -> Result<NonZeroU32, Error> {
    NonZeroU32::new(value).ok_or(Error::Zero { field })
}
