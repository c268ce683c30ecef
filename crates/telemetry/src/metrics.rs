//! Metrics with typed methods: no caller writes a metric's name or invents a label. No label holds a tenant.

use std::sync::Arc;

use opentelemetry::{
    KeyValue,
    metrics::{Counter as OtlpCounter, Histogram as OtlpHistogram, Meter},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::names::{attribute, metric, otlp};

/// Buckets in seconds, those of the MCP conventions with finer ones below.
const SECONDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of a process. Clones share the same counters.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    /// The same figures for a collector, when one is configured.
    otlp: Option<Otlp>,
    registry: Registry,
    http: Durations<HttpLabels>,
    mcp: Durations<OperationLabels>,
    upstream: Durations<OperationLabels>,
    jobs: Durations<JobLabels>,
    sync_records: Counter,
    cache: Family<CacheLabels, Counter>,
    queue_rings: Counter,
    queue_reconnects: Counter,
    audit_dropped: Counter,
    rate_limited: Counter,
}

/// Instruments that a periodic reader exports.
struct Otlp {
    http: OtlpHistogram<f64>,
    mcp: OtlpHistogram<f64>,
    upstream: OtlpHistogram<f64>,
    jobs: OtlpHistogram<f64>,
    sync_records: OtlpCounter<u64>,
    cache: OtlpCounter<u64>,
    queue_rings: OtlpCounter<u64>,
    queue_reconnects: OtlpCounter<u64>,
    audit_dropped: OtlpCounter<u64>,
    rate_limited: OtlpCounter<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    method: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    kind: &'static str,
    outcome: &'static str,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new(meter: Option<&Meter>) -> Self {
        let mut inner = Inner {
            otlp: meter.map(Otlp::new),
            registry: Registry::default(),
            http: durations(),
            mcp: durations(),
            upstream: durations(),
            jobs: durations(),
            sync_records: Counter::default(),
            cache: Family::default(),
            queue_rings: Counter::default(),
            queue_reconnects: Counter::default(),
            audit_dropped: Counter::default(),
            rate_limited: Counter::default(),
        };
        inner.register();
        Self(Arc::new(inner))
    }

    /// Counts for nobody but [`Metrics::render`]: for tests.
    pub fn disabled() -> Self {
        Self::new(None)
    }

    /// An answered HTTP request. `route` is the pattern (`/graphql`), never the path.
    pub fn http_request(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let labels = HttpLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.0.http.get_or_create(&labels).observe(seconds);
        if let Some(otlp) = &self.0.otlp {
            let attributes = [
                KeyValue::new(attribute::HTTP_REQUEST_METHOD, labels.method),
                KeyValue::new(attribute::HTTP_ROUTE, labels.route),
                KeyValue::new(attribute::HTTP_RESPONSE_STATUS, i64::from(status)),
            ];
            otlp.http.record(seconds, &attributes);
        }
    }

    /// An answered MCP request. `method` must be one of the protocol's own methods.
    pub fn mcp_operation(&self, method: &str, outcome: &'static str, seconds: f64) {
        let labels = OperationLabels { method: method.to_owned(), outcome };
        self.0.mcp.get_or_create(&labels).observe(seconds);
        if let Some(otlp) = &self.0.otlp {
            otlp.mcp.record(seconds, &operation(labels));
        }
    }

    /// A request to a remote MCP server.
    pub fn upstream_operation(&self, method: &str, outcome: &'static str, seconds: f64) {
        let labels = OperationLabels { method: method.to_owned(), outcome };
        self.0.upstream.get_or_create(&labels).observe(seconds);
        if let Some(otlp) = &self.0.otlp {
            otlp.upstream.record(seconds, &operation(labels));
        }
    }

    /// A job that was run to its end, whatever that was.
    pub fn job(&self, kind: &str, outcome: &'static str, seconds: f64) {
        let labels = JobLabels { kind: kind.to_owned(), outcome };
        self.0.jobs.get_or_create(&labels).observe(seconds);
        if let Some(otlp) = &self.0.otlp {
            let attributes = [KeyValue::new("kind", labels.kind), outcome_of(outcome)];
            otlp.jobs.record(seconds, &attributes);
        }
    }

    /// Records written by a sync.
    pub fn sync_records(&self, count: u64) {
        self.0.sync_records.inc_by(count);
        self.add(count, |otlp| &otlp.sync_records);
    }

    /// A look-up in one of the caches.
    pub fn cache(&self, kind: &'static str, hit: bool) {
        let outcome = if hit { "hit" } else { "miss" };
        self.0.cache.get_or_create(&CacheLabels { kind, outcome }).inc();
        if let Some(otlp) = &self.0.otlp {
            otlp.cache.add(1, &[KeyValue::new("kind", kind), outcome_of(outcome)]);
        }
    }

    /// A job announced to the workers.
    pub fn queue_ring(&self) {
        self.0.queue_rings.inc();
        self.add(1, |otlp| &otlp.queue_rings);
    }

    /// A connection to the broker that had to be made again.
    pub fn queue_reconnect(&self) {
        self.0.queue_reconnects.inc();
        self.add(1, |otlp| &otlp.queue_reconnects);
    }

    /// Audit events that were lost because the buffer was full.
    pub fn audit_dropped(&self, count: u64) {
        self.0.audit_dropped.inc_by(count);
        self.add(count, |otlp| &otlp.audit_dropped);
    }

    /// A call refused because its key called too often.
    pub fn rate_limited(&self) {
        self.0.rate_limited.inc();
        self.add(1, |otlp| &otlp.rate_limited);
    }

    /// Text in the `OpenMetrics` format for a scraper.
    pub fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("writing to a String cannot fail");
        text
    }

    fn add(&self, count: u64, counter: impl FnOnce(&Otlp) -> &OtlpCounter<u64>) {
        if let Some(otlp) = &self.0.otlp {
            counter(otlp).add(count, &[]);
        }
    }
}

// === impl Otlp ===

impl Otlp {
    fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str| {
            meter.f64_histogram(name).with_unit("s").with_boundaries(SECONDS.to_vec()).build()
        };
        let count = |name: &'static str| meter.u64_counter(name).build();
        Self {
            http: seconds(otlp::HTTP_REQUEST_DURATION),
            mcp: seconds(otlp::MCP_OPERATION_DURATION),
            upstream: seconds(otlp::UPSTREAM_DURATION),
            jobs: seconds(otlp::JOB_DURATION),
            sync_records: count(otlp::SYNC_RECORDS),
            cache: count(otlp::CACHE_LOOKUPS),
            queue_rings: count(otlp::QUEUE_RINGS),
            queue_reconnects: count(otlp::QUEUE_RECONNECTS),
            audit_dropped: count(otlp::AUDIT_DROPPED),
            rate_limited: count(otlp::RATE_LIMITED),
        }
    }
}

// === impl Inner ===

impl Inner {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let mut durations = |name, help, family: Durations<OperationLabels>| {
            registry.register(name, help, family);
        };
        durations(metric::MCP_OPERATION_DURATION, "MCP requests answered", self.mcp.clone());
        durations(
            metric::UPSTREAM_DURATION,
            "Requests to remote MCP servers",
            self.upstream.clone(),
        );
        registry.register(
            metric::HTTP_REQUEST_DURATION,
            "HTTP requests answered",
            self.http.clone(),
        );
        registry.register(metric::JOB_DURATION, "Jobs run", self.jobs.clone());
        registry.register(
            metric::SYNC_RECORDS,
            "Records written by syncs",
            self.sync_records.clone(),
        );
        registry.register(metric::CACHE_LOOKUPS, "Cache look-ups", self.cache.clone());
        registry.register(metric::QUEUE_RINGS, "Jobs announced", self.queue_rings.clone());
        registry.register(
            metric::QUEUE_RECONNECTS,
            "Broker connections made again",
            self.queue_reconnects.clone(),
        );
        registry.register(metric::AUDIT_DROPPED, "Audit events lost", self.audit_dropped.clone());
        registry.register(
            metric::RATE_LIMITED,
            "Calls refused by a limit",
            self.rate_limited.clone(),
        );
    }
}

fn operation(labels: OperationLabels) -> [KeyValue; 2] {
    [KeyValue::new(attribute::MCP_METHOD, labels.method), outcome_of(labels.outcome)]
}

fn outcome_of(outcome: &'static str) -> KeyValue {
    KeyValue::new("outcome", outcome)
}

fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::disabled();
        metrics.http_request("POST", "/graphql", 200, 0.004);
        metrics.cache("result", true);
        let text = metrics.render();
        assert!(
            text.contains(
                r#"http_server_request_duration_seconds_count{method="POST",route="/graphql",status="200"} 1"#
            ),
            "{text}"
        );
        assert!(text.contains(r#"patchbay_cache_lookups_total{kind="result",outcome="hit"} 1"#));
        assert!(text.ends_with("# EOF\n"));
    }
}
