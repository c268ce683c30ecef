//! Limits that a run must keep, so that CI notices what a person would notice too late.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use crate::{error::Error, report::Report};

/// The limits of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// Most milliseconds from a second start to the first answered call.
    second_start_millis: u64,
    /// Most resident memory of the idle embedded form, in kibibytes.
    idle_kib: u64,
    /// For each scenario: the most CPU time per call, as a multiple of nginx's.
    cpu_ratio: BTreeMap<String, f64>,
}

// === impl Budget ===

impl Budget {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(Error::Budget)
    }

    /// Fails with one line for each limit that is not kept, and for each that could not be judged.
    pub(crate) fn check(&self, report: &Report) -> Result<(), Error> {
        let mut lines = Vec::new();
        match &report.start {
            None => lines.push("the start was not measured".to_owned()),
            Some(start) => {
                over(
                    &mut lines,
                    "second start, ms",
                    start.second_start_millis,
                    self.second_start_millis,
                );
                over(&mut lines, "idle memory, KiB", start.idle_kib, self.idle_kib);
            }
        }
        for (scenario, limit) in &self.cpu_ratio {
            let rows = report.closed.iter().filter(|row| row.scenario == *scenario);
            let mut judged = false;
            for row in rows {
                judged = true;
                // A figure that is no number is not kept either.
                if row.cpu_ratio.is_nan() || row.cpu_ratio > *limit {
                    lines.push(format!(
                        "{scenario} at {} connections: {:.2} x nginx's CPU, at most {limit}",
                        row.connections, row.cpu_ratio
                    ));
                }
            }
            if !judged {
                lines.push(format!("`{scenario}` was not measured"));
            }
        }
        if lines.is_empty() { Ok(()) } else { Err(Error::OverBudget { lines }) }
    }
}

fn over(lines: &mut Vec<String>, what: &str, found: u64, limit: u64) {
    if found > limit {
        lines.push(format!("{what}: {found}, at most {limit}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ClosedRow, Machine, StartFigures};

    fn report(cpu_ratio: f64, second_start_millis: u64) -> Report {
        Report {
            machine: Machine {
                cores: 2,
                processor: String::new(),
                nginx: String::new(),
                optimised: true,
            },
            topology: "embedded",
            tenants: 1,
            keys_per_tenant: 1,
            rounds: 1,
            sample_seconds: 1.0,
            start: Some(StartFigures {
                first_start_millis: 0,
                second_start_millis,
                idle_kib: 10,
                binary_bytes: 0,
            }),
            closed: vec![ClosedRow {
                scenario: "tools/list".to_owned(),
                connections: 16,
                calls_per_second: 1.0,
                cpu_micros: 1.0,
                p50_micros: 1.0,
                p99_micros: 1.0,
                nginx_calls_per_second: 1.0,
                nginx_cpu_micros: 1.0,
                nginx_p99_micros: 1.0,
                cpu_ratio,
                rate_ratio: 1.0,
                p99_ratio: 1.0,
            }],
            open: Vec::new(),
        }
    }

    fn budget() -> Budget {
        let text =
            "second_start_millis = 2000\nidle_kib = 1000\n[cpu_ratio]\n\"tools/list\" = 2.0\n";
        Budget::parse(text).expect("budget")
    }

    #[test]
    fn run_within_its_limits_passes() {
        budget().check(&report(1.9, 1999)).expect("within");
    }

    #[test]
    fn every_limit_that_is_not_kept_is_named() {
        let error = budget().check(&report(2.1, 2001)).expect_err("over").to_string();
        assert!(error.contains("second start, ms: 2001, at most 2000"), "{error}");
        assert!(error.contains("tools/list at 16 connections: 2.10 x"), "{error}");
    }

    #[test]
    fn figure_that_is_missing_or_no_number_does_not_pass() {
        assert!(budget().check(&report(f64::NAN, 1)).is_err());
        let mut empty = report(1.0, 1);
        empty.closed.clear();
        assert!(budget().check(&empty).is_err());
    }

    #[test]
    fn shipped_budget_names_scenarios_that_exist() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("budget.toml");
        let budget = Budget::read(&path).expect("budget.toml");
        for name in budget.cpu_ratio.keys() {
            assert!(
                crate::measure::SCENARIOS.iter().any(|scenario| scenario.name == name),
                "{name}"
            );
        }
    }
}
