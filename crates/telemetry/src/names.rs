//! Every span, metric and attribute name, once.

/// Span names: `<layer>.<noun>.<verb>`.
pub mod span {
    pub const HTTP_REQUEST: &str = "http.request";
    pub const GRAPHQL_OPERATION: &str = "graphql.operation";
    pub const GRAPHQL_LOAD: &str = "graphql.load";
    pub const MCP_REQUEST: &str = "mcp.request";
    pub const MCP_UPSTREAM: &str = "mcp.upstream";
    pub const JOB_RUN: &str = "job.run";
    pub const JOB_SYNC_INSTALL: &str = "job.sync_install";
    pub const QUEUE_RING: &str = "queue.jobs.ring";
    pub const INSTALL_CREATE: &str = "control.installs.install";
    pub const SYNC_START: &str = "control.syncs.start";
    pub const SYNC_PAGE: &str = "control.syncs.page";
    pub const TOOL_CALL: &str = "control.tools.call";
    pub const EGRESS_REQUEST: &str = "egress.request";
}

/// Attributes of the OpenTelemetry conventions for MCP (semantic-conventions-genai, `docs/gen-ai/mcp.md`).
pub mod attribute {
    pub const MCP_METHOD: &str = "mcp.method.name";
    pub const MCP_PROTOCOL_VERSION: &str = "mcp.protocol.version";
    /// Only for revisions before 2026-07-28, which have sessions.
    pub const MCP_SESSION: &str = "mcp.session.id";
    /// Opt-in: a URI may say more than an operator wants to keep.
    pub const MCP_RESOURCE_URI: &str = "mcp.resource.uri";
    pub const TOOL_NAME: &str = "gen_ai.tool.name";
    pub const PROMPT_NAME: &str = "gen_ai.prompt.name";
    /// `execute_tool`, for tool calls only.
    pub const OPERATION_NAME: &str = "gen_ai.operation.name";
    pub const JSONRPC_REQUEST_ID: &str = "jsonrpc.request.id";
    /// Only if it is not 2.0.
    pub const JSONRPC_PROTOCOL_VERSION: &str = "jsonrpc.protocol.version";
    /// The JSON-RPC code as a string.
    pub const RPC_STATUS: &str = "rpc.response.status_code";
    /// The code as a string, `tool_error` for an `isError` result, `timeout`, or `_OTHER`; set exactly when the span's status is an error.
    pub const ERROR_TYPE: &str = "error.type";
    pub const NETWORK_TRANSPORT: &str = "network.transport";
    pub const NETWORK_PROTOCOL_NAME: &str = "network.protocol.name";
    pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
    pub const SERVER_ADDRESS: &str = "server.address";
    pub const SERVER_PORT: &str = "server.port";
    pub const CLIENT_ADDRESS: &str = "client.address";
    pub const CLIENT_PORT: &str = "client.port";
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
