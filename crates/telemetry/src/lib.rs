//! Logs, traces and metrics: one start-up, one list of names, one way to carry a trace across a wire.

mod config;
mod init;
mod metrics;
pub mod names;
pub mod propagate;
mod redact;
pub mod testing;

pub use config::{Config, LogFormat};
pub use init::{Telemetry, init};
pub use metrics::Metrics;
pub use redact::redact;

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`telemetry.log_filter` is not a filter; examples: `info`, `info,gateway=debug`")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    #[error("`telemetry.otlp_endpoint` cannot be used; an example: `http://127.0.0.1:4318`")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    #[error(
        "`telemetry.otlp_endpoint` must start with http://; an example: `http://127.0.0.1:4318`"
    )]
    Endpoint,
    #[error("logging was started twice in this process")]
    Subscriber(#[source] tracing_subscriber::util::TryInitError),
}
