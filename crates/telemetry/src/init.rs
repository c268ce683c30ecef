//! Start and end of telemetry in a process.

use std::{
    fmt,
    io::{IsTerminal as _, stderr},
};

use opentelemetry::{KeyValue, metrics::MeterProvider as _, trace::TracerProvider as _};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{Config, Error, LogFormat, Metrics, propagate, redact::RedactedStderr};

/// Libraries whose spans say nothing about Patchbay, or would make the export of spans record spans of its own.
const FOREIGN: [&str; 7] =
    ["h2", "hyper", "hyper_util", "lapin", "opentelemetry", "opentelemetry_sdk", "reqwest"];

/// The running telemetry of a process.
pub struct Telemetry {
    metrics: Metrics,
    traces: SdkTracerProvider,
    /// Only when a collector is configured.
    exported: Option<SdkMeterProvider>,
}

/// JSON lines with the ids of the trace that they belong to.
struct JsonWithTrace;

/// Installs the process-wide subscriber: logs to standard error, spans and metrics to a collector when one is configured.
///
/// # Errors
/// A filter or an endpoint that cannot be used, or a second call.
pub fn init(config: &Config, service: &'static str) -> Result<Telemetry, Error> {
    let filter = EnvFilter::builder().parse(&config.log_filter).map_err(Error::Filter)?;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let traces = traces(config, resource.clone())?;
    let exported = metrics(config, resource)?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer(service))
        .with_filter(recorded_spans());
    let logs = log_layer(config.log_format, RedactedStderr).with_filter(filter);
    Registry::default().with(logs).with(spans).try_init().map_err(Error::Subscriber)?;
    let meter = exported.as_ref().map(|provider| provider.meter(service));
    Ok(Telemetry { metrics: Metrics::new(meter.as_ref()), traces, exported })
}

/// Spans and events that a trace holds: ours, from `info` up. Without this, each `trace!` of an HTTP library would be worked on
/// for every request.
fn recorded_spans() -> Targets {
    FOREIGN.iter().fold(Targets::new().with_default(LevelFilter::INFO), |targets, foreign| {
        targets.with_target(*foreign, LevelFilter::OFF)
    })
}

fn log_layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Json => Box::new(layer.json().event_format(JsonWithTrace)),
        // Colours in a file or a pipe are noise.
        LogFormat::Pretty => Box::new(layer.with_ansi(stderr().is_terminal())),
    }
}

fn traces(config: &Config, resource: Resource) -> Result<SdkTracerProvider, Error> {
    let root = Sampler::TraceIdRatioBased(config.trace_sample_ratio);
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(root)));
    let Some(endpoint) = endpoint(config, "traces")? else {
        // Spans still carry ids, for logs and for the services called, but nothing is kept.
        return Ok(builder.build());
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .build()
        .map_err(Error::Exporter)?;
    Ok(builder.with_batch_exporter(exporter).build())
}

fn metrics(config: &Config, resource: Resource) -> Result<Option<SdkMeterProvider>, Error> {
    let Some(endpoint) = endpoint(config, "metrics")? else { return Ok(None) };
    let exporter = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .build()
        .map_err(Error::Exporter)?;
    let provider =
        SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(exporter);
    Ok(Some(provider.build()))
}

/// The URL for one signal (OTLP/HTTP, "Endpoint URLs for OTLP/HTTP"). The exporter's client speaks no TLS: a collector stands
/// beside the process.
fn endpoint(config: &Config, signal: &str) -> Result<Option<String>, Error> {
    let Some(base) = config.otlp_endpoint.as_deref().map(str::trim).filter(|base| !base.is_empty())
    else {
        return Ok(None);
    };
    if !base.starts_with("http://") {
        return Err(Error::Endpoint);
    }
    Ok(Some(format!("{}/v1/{signal}", base.trim_end_matches('/'))))
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
        if let Some(Err(error)) = self.exported.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "Some metrics could not be sent before the end");
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

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn line(&self) -> serde_json::Value {
            let bytes = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
            serde_json::from_slice(&bytes).expect("one JSON object")
        }
    }

    /// One test, since the subscriber must be the process's own: within a scoped one the formatter cannot see the current span.
    #[test]
    fn json_line_carries_the_ids_of_its_trace_exactly_when_there_is_one() {
        let captured = Captured::default();
        let writer = captured.clone();
        let traces = SdkTracerProvider::builder().build();
        let spans = tracing_opentelemetry::layer()
            .with_tracer(traces.tracer("test"))
            .with_filter(recorded_spans());
        let logs = log_layer(LogFormat::Json, move || writer.clone());
        Registry::default().with(logs).with(spans).try_init().expect("the first");

        let (trace, span) = tracing::info_span!("work", install.id = "i1").in_scope(|| {
            tracing::info!(count = 3, "Synced \"it\"");
            propagate::current_ids().expect("a trace")
        });
        let line = captured.line();
        assert_eq!(line["trace_id"], trace);
        assert_eq!(line["span_id"], span);
        assert_eq!(line["message"], "Synced \"it\"");
        assert_eq!(line["count"], 3);
        assert_eq!(line["span"]["install.id"], "i1");

        tracing::warn!("alone");
        let line = captured.line();
        assert_eq!(line["level"], "WARN");
        assert!(line.get("trace_id").is_none());

        let foreign = tracing::info_span!(target: "hyper::client", "connect");
        assert!(foreign.in_scope(propagate::current_ids).is_none());
    }

    #[test]
    fn filter_and_endpoint_that_cannot_be_used_are_named() {
        let filter = Config { log_filter: "info,[".to_owned(), ..Config::default() };
        let error = init(&filter, "test").err().expect("refused").to_string();
        assert!(error.contains("`telemetry.log_filter`"), "{error}");
        let endpoint =
            Config { otlp_endpoint: Some("collector:4317".to_owned()), ..Config::default() };
        let error = init(&endpoint, "test").err().expect("refused").to_string();
        assert!(error.contains("must start with http://"), "{error}");
    }
}
