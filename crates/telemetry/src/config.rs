//! Settings of logs and traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line, with trace and span ids.
    Json,
    /// For a person's terminal.
    Pretty,
}

/// Settings of logs and traces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `json` for machines, `pretty` for a terminal. Env: `PATCHBAY__TELEMETRY__LOG_FORMAT`
    pub log_format: LogFormat,
    /// What is logged, as directives: `warn`, `info,gateway=debug`. Env: `PATCHBAY__TELEMETRY__LOG_FILTER`
    pub log_filter: String,
    /// Base URL of an OpenTelemetry collector that takes OTLP over HTTP; traces and metrics stay in the process without it. Env: `PATCHBAY__TELEMETRY__OTLP_ENDPOINT`
    pub otlp_endpoint: Option<String>,
    /// Share of traces that start here which are recorded, 0 to 1; a caller's decision is kept. Env: `PATCHBAY__TELEMETRY__TRACE_SAMPLE_RATIO`
    pub trace_sample_ratio: f64,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Json,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
            trace_sample_ratio: 0.01,
        }
    }
}
