//! The scenarios and how each is measured: always next to nginx, so that what the machine does besides hits both.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    bench::{Bench, upstream_tool},
    drive::{self, Outcome},
    error::Error,
    process::cpu_time_of,
    report::{ClosedRow, OpenRow},
    request::Template,
};

/// Share of the closed loop's rate at which the open loop runs: busy, not drowning.
const OPEN_SHARE: f64 = 0.5;
/// Requests before each sample that are not counted: connections, caches and branch predictors get warm.
const WARM_UP: Duration = Duration::from_millis(300);

/// One kind of traffic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    method: &'static str,
    params: fn() -> Value,
}

/// How long and how often.
#[derive(Debug, Clone)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) sample: Duration,
    pub(crate) connections: Vec<usize>,
}

/// One sample.
struct Sample {
    calls_per_second: f64,
    cpu_micros: f64,
    p50_micros: f64,
    p99_micros: f64,
}

/// The scenarios of the report, in its order.
pub(crate) const SCENARIOS: [Scenario; 3] = [
    Scenario { name: "tools/list", method: "tools/list", params: || json!({}) },
    Scenario {
        name: "tools/call cached",
        method: "tools/call",
        params: || json!({ "name": "docs__list_files", "arguments": {} }),
    },
    Scenario {
        name: "tools/call uncached",
        method: "tools/call",
        params: || json!({ "name": upstream_tool(), "arguments": { "text": "hello" } }),
    },
];

// === impl Sample ===

impl Sample {
    fn of(outcome: &Outcome, cpu: Duration) -> Self {
        let calls = as_float(outcome.calls.max(1));
        Self {
            calls_per_second: calls / outcome.elapsed.as_secs_f64(),
            cpu_micros: cpu.as_secs_f64() * 1e6 / calls,
            p50_micros: as_float(outcome.latency.value_at_quantile(0.5)) / 1e3,
            p99_micros: as_float(outcome.latency.value_at_quantile(0.99)) / 1e3,
        }
    }
}

/// Closed loop over all scenarios and connection counts.
pub(crate) async fn closed(bench: &Bench, effort: &Effort) -> Result<Vec<ClosedRow>, Error> {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let templates = bench.templates(scenario.method, &(scenario.params)())?;
        check(scenario.name, &templates).await?;
        for &connections in &effort.connections {
            let (mut ours, mut nginx) = (Vec::new(), Vec::new());
            for _ in 0..effort.rounds {
                nginx.push(
                    sample("nginx", &bench.reference(), &bench.nginx_pids(), connections, effort)
                        .await?,
                );
                ours.push(
                    sample(scenario.name, &templates, &bench.gateway_pids(), connections, effort)
                        .await?,
                );
            }
            rows.push(closed_row(scenario.name, connections, &ours, &nginx));
        }
    }
    Ok(rows)
}

fn closed_row(scenario: &str, connections: usize, ours: &[Sample], nginx: &[Sample]) -> ClosedRow {
    let ratios = |of: fn(&Sample) -> f64| {
        median(ours.iter().zip(nginx).map(|(ours, nginx)| of(ours) / of(nginx).max(f64::EPSILON)))
    };
    ClosedRow {
        scenario: scenario.to_owned(),
        connections,
        calls_per_second: median(ours.iter().map(|sample| sample.calls_per_second)),
        cpu_micros: median(ours.iter().map(|sample| sample.cpu_micros)),
        p50_micros: median(ours.iter().map(|sample| sample.p50_micros)),
        p99_micros: median(ours.iter().map(|sample| sample.p99_micros)),
        nginx_calls_per_second: median(nginx.iter().map(|sample| sample.calls_per_second)),
        nginx_cpu_micros: median(nginx.iter().map(|sample| sample.cpu_micros)),
        nginx_p99_micros: median(nginx.iter().map(|sample| sample.p99_micros)),
        cpu_ratio: ratios(|sample| sample.cpu_micros),
        rate_ratio: ratios(|sample| sample.calls_per_second),
        p99_ratio: ratios(|sample| sample.p99_micros),
    }
}

/// Open loop at half of what the closed loop carried with the same connections.
pub(crate) async fn open(
    bench: &Bench,
    effort: &Effort,
    closed: &[ClosedRow],
) -> Result<Vec<OpenRow>, Error> {
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let templates = bench.templates(scenario.method, &(scenario.params)())?;
        for row in closed.iter().filter(|row| row.scenario == scenario.name) {
            let rate = row.calls_per_second * OPEN_SHARE;
            // The same rate through nginx, which could carry more: the question is what the way costs.
            let nginx = paced("nginx", &bench.reference(), row.connections, rate, effort).await?;
            let ours = paced(scenario.name, &templates, row.connections, rate, effort).await?;
            rows.push(open_row(scenario.name, row.connections, rate, &ours, &nginx));
        }
    }
    Ok(rows)
}

fn open_row(
    scenario: &str,
    connections: usize,
    rate: f64,
    ours: &Outcome,
    nginx: &Outcome,
) -> OpenRow {
    let micros =
        |outcome: &Outcome, quantile| as_float(outcome.latency.value_at_quantile(quantile)) / 1e3;
    OpenRow {
        scenario: scenario.to_owned(),
        connections,
        per_second: rate,
        p50_micros: micros(ours, 0.5),
        p99_micros: micros(ours, 0.99),
        p999_micros: micros(ours, 0.999),
        max_micros: as_float(ours.latency.max()) / 1e3,
        nginx_p50_micros: micros(nginx, 0.5),
        nginx_p99_micros: micros(nginx, 0.99),
        nginx_p999_micros: micros(nginx, 0.999),
    }
}

async fn check(scenario: &str, templates: &Arc<[Template]>) -> Result<(), Error> {
    for template in templates.iter() {
        drive::probe(scenario, template).await?;
    }
    Ok(())
}

async fn sample(
    scenario: &str,
    templates: &Arc<[Template]>,
    pids: &[u32],
    connections: usize,
    effort: &Effort,
) -> Result<Sample, Error> {
    drive::closed(templates, connections, WARM_UP).await?;
    let before = cpu_time_of(pids);
    let outcome = drive::closed(templates, connections, effort.sample).await?;
    let cpu = cpu_time_of(pids).saturating_sub(before);
    all_good(scenario, &outcome)?;
    Ok(Sample::of(&outcome, cpu))
}

async fn paced(
    scenario: &str,
    templates: &Arc<[Template]>,
    connections: usize,
    rate: f64,
    effort: &Effort,
) -> Result<Outcome, Error> {
    drive::closed(templates, connections, WARM_UP).await?;
    let outcome = drive::open(templates, connections, rate, effort.sample).await?;
    all_good(scenario, &outcome)?;
    Ok(outcome)
}

fn all_good(scenario: &str, outcome: &Outcome) -> Result<(), Error> {
    if outcome.failed == 0 {
        return Ok(());
    }
    Err(Error::Failed {
        scenario: scenario.to_owned(),
        failed: outcome.failed,
        sent: outcome.calls,
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of one run are far below 2^52"
)]
fn as_float(value: u64) -> f64 {
    value as f64
}
