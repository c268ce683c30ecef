//! An exporter inside the process, so that tests can look at the spans that were really recorded.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::{Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// Finished spans of this process.
#[derive(Clone)]
pub struct InMemory {
    exporter: InMemorySpanExporter,
    _provider: SdkTracerProvider,
}

static INSTALLED: OnceLock<InMemory> = OnceLock::new();

// === impl InMemory ===

impl InMemory {
    /// Records every span of the process. There is one subscriber a process: tests of one binary share it.
    pub fn install() -> Self {
        INSTALLED.get_or_init(Self::start).clone()
    }

    /// Spans that have ended until now, in the order of their ends.
    pub fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap_or_default()
    }

    fn start() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        // Another subscriber may be set by the test itself; then there is nothing to look at and the test says so.
        let _ = Registry::default().with(layer).try_init();
        Self { exporter, _provider: provider }
    }
}
