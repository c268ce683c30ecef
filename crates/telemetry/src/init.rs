//! Start and end of telemetry in a process.

use std::fmt;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{Config, Error, LogFormat, Metrics, propagate, redact::RedactedStderr};

/// The running telemetry of a process.
pub struct Telemetry {
    metrics: Metrics,
    traces: SdkTracerProvider,
}

/// JSON lines with the ids of the trace that they belong to.
struct JsonWithTrace;

/// Installs the process-wide subscriber: logs to standard error, and spans to a collector when one is configured.
///
/// # Errors
/// A filter or an endpoint that cannot be used, or a second call.
pub fn init(config: &Config, service: &'static str) -> Result<Telemetry, Error> {
    let traces = provider(config, service)?;
    let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer(service));
    let filter = EnvFilter::builder().parse(&config.log_filter).map_err(Error::Filter)?;
    let logs: Box<dyn Layer<_> + Send + Sync> = match config.log_format {
        LogFormat::Json => Box::new(
            tracing_subscriber::fmt::layer()
                .json()
                .event_format(JsonWithTrace)
                .with_writer(RedactedStderr)
                .with_filter(filter),
        ),
        LogFormat::Pretty => Box::new(
            tracing_subscriber::fmt::layer().with_writer(RedactedStderr).with_filter(filter),
        ),
    };
    Registry::default().with(logs).with(spans).try_init().map_err(Error::Subscriber)?;
    Ok(Telemetry { metrics: Metrics::new(), traces })
}

fn provider(config: &Config, service: &'static str) -> Result<SdkTracerProvider, Error> {
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let sampler =
        Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_sample_ratio)));
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // Spans still carry ids, for logs and for the services called, but nothing is recorded.
        return Ok(builder.with_sampler(sampler).build());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(Error::Exporter)?;
    Ok(builder.with_sampler(sampler).with_batch_exporter(exporter).build())
}

// === impl Telemetry ===

impl Telemetry {
    /// The metrics of this process.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Sends what is still buffered.
    pub fn shutdown(self) {
        if let Err(error) = self.traces.shutdown() {
            tracing::warn!(%error, "Some spans could not be sent before the end");
        }
    }
}

// === impl JsonWithTrace ===

impl<S, N> FormatEvent<S, N> for JsonWithTrace
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        tracing_subscriber::fmt::format()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .format_event(context, Writer::new(&mut line), event)?;
        match propagate::current_ids().zip(line.strip_prefix('{')) {
            Some(((trace, span), rest)) => {
                write!(writer, r#"{{"trace_id":"{trace}","span_id":"{span}",{rest}"#)
            }
            None => writer.write_str(&line),
        }
    }
}
