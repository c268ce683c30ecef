//! The HTTP doors of a process: bound before anything else is opened, drained before anything is closed.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web, web::ServiceConfig};
use api::Api;
use control::Control;
use telemetry::Metrics;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::cmd::CommandError;

/// A bound address that does not answer yet.
pub(crate) struct Door {
    listener: TcpListener,
    address: SocketAddr,
    threads: usize,
    shutdown_seconds: u64,
}

// === impl Door ===

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// [`CommandError::PortTaken`] when another process listens there.
    pub(crate) fn bind(
        address: SocketAddr,
        threads: usize,
        shutdown_seconds: u64,
    ) -> Result<Self, CommandError> {
        let listener = TcpListener::bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => CommandError::PortTaken { address },
            _ => CommandError::Bind { address, source },
        })?;
        let address =
            listener.local_addr().map_err(|source| CommandError::Bind { address, source })?;
        Ok(Self { listener, address, threads, shutdown_seconds })
    }

    /// The real address, also when port 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until cancelled, then lets running requests finish.
    pub(crate) async fn serve(
        self,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        let server = HttpServer::new(move || App::new().configure(|routes| configure(routes)));
        let server = if self.threads > 0 { server.workers(self.threads) } else { server };
        let server = server
            .keep_alive(Duration::from_secs(75))
            .shutdown_timeout(self.shutdown_seconds)
            .disable_signals()
            .listen(self.listener)?
            .run();
        let handle = server.handle();
        let stop = async {
            cancel.cancelled().await;
            handle.stop(true).await;
            io::Result::Ok(())
        };
        tokio::try_join!(server, stop).map(|_| ())
    }
}

/// Ends open subscriptions with the process: they would hold the door until its time is up.
pub(crate) fn end_subscriptions(tracker: &TaskTracker, api: &Api, cancel: &CancellationToken) {
    let (api, cancel) = (api.clone(), cancel.clone());
    tracker.spawn(async move {
        cancel.cancelled().await;
        api.stop().await;
    });
}

/// Routes for the operator's own network: metrics and health of this process.
pub(crate) fn operator_routes(routes: &mut ServiceConfig, control: &Control, metrics: &Metrics) {
    routes
        .app_data(web::Data::new(control.clone()))
        .app_data(web::Data::new(metrics.clone()))
        .route("/metrics", web::get().to(render_metrics))
        .route("/health/live", web::get().to(async || HttpResponse::NoContent()))
        .route("/health/ready", web::get().to(ready));
}

async fn render_metrics(metrics: web::Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics.render())
}

async fn ready(control: web::Data<Control>) -> HttpResponse {
    let health = control.health().await;
    let parts = serde_json::json!({
        "database": health.database, "queue": health.queue, "cache": health.cache,
    });
    if health.database && health.queue {
        HttpResponse::Ok().json(parts)
    } else {
        HttpResponse::ServiceUnavailable().json(parts)
    }
}
