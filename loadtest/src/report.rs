//! The report: Markdown for people, JSON for programs, both from the same values.

use std::fmt::Write as _;

use serde::Serialize;

/// Everything that one run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) topology: &'static str,
    pub(crate) tenants: usize,
    pub(crate) keys_per_tenant: usize,
    pub(crate) rounds: usize,
    pub(crate) sample_seconds: f64,
    pub(crate) start: Option<StartFigures>,
    pub(crate) closed: Vec<ClosedRow>,
    pub(crate) open: Vec<OpenRow>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) nginx: String,
    /// Whether the binary was built with optimisations.
    pub(crate) optimised: bool,
}

/// Start-up and weight of the embedded form.
#[derive(Debug, Serialize)]
pub(crate) struct StartFigures {
    /// On an empty data directory, the demo organisation included.
    pub(crate) first_start_millis: u64,
    /// On existing data, from the start of the process to the first answered call.
    pub(crate) second_start_millis: u64,
    pub(crate) idle_kib: u64,
    pub(crate) binary_bytes: u64,
}

/// A scenario at a number of connections, closed loop; medians of the rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClosedRow {
    pub(crate) scenario: String,
    pub(crate) connections: usize,
    pub(crate) calls_per_second: f64,
    pub(crate) cpu_micros: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) nginx_calls_per_second: f64,
    pub(crate) nginx_cpu_micros: f64,
    pub(crate) nginx_p99_micros: f64,
    /// Medians of the ratios of neighbouring samples: what disturbs the machine for longer than a pair of samples takes
    /// disturbs both sides alike.
    pub(crate) cpu_ratio: f64,
    pub(crate) rate_ratio: f64,
    pub(crate) p99_ratio: f64,
}

/// A scenario at a fixed rate, open loop.
#[derive(Debug, Serialize)]
pub(crate) struct OpenRow {
    pub(crate) scenario: String,
    pub(crate) connections: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) p999_micros: f64,
    pub(crate) max_micros: f64,
    pub(crate) nginx_p50_micros: f64,
    pub(crate) nginx_p99_micros: f64,
    pub(crate) nginx_p999_micros: f64,
}

// === impl Report ===

impl Report {
    /// The report as Markdown. Writing to a String cannot fail.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let Machine { cores, processor, nginx, optimised } = &self.machine;
        let build =
            if *optimised { "release" } else { "dev, not optimised: good for comparisons only" };
        let _ = writeln!(
            text,
            "Measured on {cores} cores ({processor}), {nginx}, build: {build}; form: {}, {} organisation(s) with {} key(s) each; \
             medians of {} rounds of {:.1} s. Load generator and upstream on one core, the measured process on the other. \
             Revision 2026-07-28; answer of the upstream: 1 KiB of text.\n",
            self.topology, self.tenants, self.keys_per_tenant, self.rounds, self.sample_seconds,
        );
        if let Some(start) = &self.start {
            start.write(&mut text);
        }
        self.write_closed(&mut text);
        self.write_open(&mut text);
        text
    }

    fn write_closed(&self, text: &mut String) {
        text.push_str(
            "### Closed loop\n\n\
             CPU is user and system time of the measured process per call. Each sample has nginx, as a bare reverse proxy to the same upstream, right before it.\n\n\
             | scenario | connections | CPU us | x nginx | calls/s | x nginx | p50 us | p99 us | x nginx |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for row in &self.closed {
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} | **{:.2}** | {:.0} | {:.2} | {:.0} | {:.0} | {:.2} |",
                row.scenario,
                row.connections,
                row.cpu_micros,
                row.cpu_ratio,
                row.calls_per_second,
                row.rate_ratio,
                row.p50_micros,
                row.p99_micros,
                row.p99_ratio,
            );
        }
        if let Some(row) = self.closed.last() {
            let _ = writeln!(
                text,
                "\nnginx itself in the last samples: {:.1} us CPU, {:.0} calls/s, p99 {:.0} us.\n",
                row.nginx_cpu_micros, row.nginx_calls_per_second, row.nginx_p99_micros
            );
        }
    }

    fn write_open(&self, text: &mut String) {
        text.push_str(
            "### Open loop\n\n\
             Half of the closed loop's rate, latency counted from the time at which a request was due; nginx at the same rate.\n\n\
             | scenario | connections | calls/s | p50 us | p99 us | p99.9 us | max us | nginx p50 | nginx p99 | nginx p99.9 |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        );
        for row in &self.open {
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
                row.scenario,
                row.connections,
                row.per_second,
                row.p50_micros,
                row.p99_micros,
                row.p999_micros,
                row.max_micros,
                row.nginx_p50_micros,
                row.nginx_p99_micros,
                row.nginx_p999_micros,
            );
        }
    }
}

// === impl StartFigures ===

impl StartFigures {
    fn write(&self, text: &mut String) {
        let mebi = 1024.0 * 1024.0;
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let (binary, idle) = (self.binary_bytes as f64 / mebi, self.idle_kib as f64 / 1024.0);
        let _ = writeln!(
            text,
            "### Embedded form\n\n\
             | what | figure |\n| --- | ---: |\n\
             | first start on an empty directory to the first answered call | {} ms |\n\
             | second start to the first answered call | {} ms |\n\
             | resident memory, idle | {idle:.1} MiB |\n\
             | size of the binary | {binary:.1} MiB |\n",
            self.first_start_millis, self.second_start_millis,
        );
    }
}
