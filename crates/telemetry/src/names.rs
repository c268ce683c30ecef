//! Names of spans, metrics and their labels, each written once. Attributes that only one place sets are written there.

/// Span names: `<layer>.<noun>.<verb>`.
pub mod span {
    pub const HTTP_REQUEST: &str = "http.request";
    pub const GRAPHQL_OPERATION: &str = "graphql.operation";
    pub const GRAPHQL_LOAD: &str = "graphql.load";
    pub const JOB_RUN: &str = "job.run";
    pub const JOB_SYNC_INSTALL: &str = "job.sync_install";
    pub const QUEUE_RING: &str = "queue.jobs.ring";
    pub const SYNC_PAGE: &str = "control.syncs.page";
    pub const TOOL_CALL: &str = "control.tools.call";
}

/// Attributes of the OpenTelemetry conventions for MCP (semantic-conventions-genai, `docs/gen-ai/mcp.md`).
pub mod attribute {
    pub const MCP_METHOD: &str = "mcp.method.name";
    pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
    pub const HTTP_ROUTE: &str = "http.route";
    pub const HTTP_RESPONSE_STATUS: &str = "http.response.status_code";
}

/// Metric names for a Prometheus scraper, without the suffix that the exposition format adds to counters.
pub mod metric {
    pub const HTTP_REQUEST_DURATION: &str = "http_server_request_duration_seconds";
    pub const MCP_OPERATION_DURATION: &str = "mcp_server_operation_duration_seconds";
    pub const UPSTREAM_DURATION: &str = "mcp_client_operation_duration_seconds";
    pub const JOB_DURATION: &str = "patchbay_job_duration_seconds";
    pub const SYNC_RECORDS: &str = "patchbay_sync_records";
    pub const CACHE_LOOKUPS: &str = "patchbay_cache_lookups";
    pub const QUEUE_RINGS: &str = "patchbay_queue_rings";
    pub const QUEUE_RECONNECTS: &str = "patchbay_queue_reconnects";
    pub const AUDIT_DROPPED: &str = "patchbay_audit_dropped";
    pub const RATE_LIMITED: &str = "patchbay_rate_limited";
}

/// The same metrics by OTLP, named as OpenTelemetry's conventions do.
pub mod otlp {
    pub const HTTP_REQUEST_DURATION: &str = "http.server.request.duration";
    pub const MCP_OPERATION_DURATION: &str = "mcp.server.operation.duration";
    pub const UPSTREAM_DURATION: &str = "mcp.client.operation.duration";
    pub const JOB_DURATION: &str = "patchbay.job.duration";
    pub const SYNC_RECORDS: &str = "patchbay.sync.records";
    pub const CACHE_LOOKUPS: &str = "patchbay.cache.lookups";
    pub const QUEUE_RINGS: &str = "patchbay.queue.rings";
    pub const QUEUE_RECONNECTS: &str = "patchbay.queue.reconnects";
    pub const AUDIT_DROPPED: &str = "patchbay.audit.dropped";
    pub const RATE_LIMITED: &str = "patchbay.rate.limited";
}
