//! Sends requests over a fixed number of connections, in two ways.
//!
//! *Closed loop*: each connection sends its next request when it has the answer to the one before. It shows the most
//! that can be carried, and its latencies flatter a server that stalls.
//! *Open loop*: requests are due at fixed times, whatever the server does. A latency is counted from the time at which
//! the request was due, also when no connection was free for it then: nothing is omitted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::Instant,
};

use crate::{error::Error, request::Template};

/// Latencies are kept in nanoseconds up to a minute, to three digits.
const MAX_LATENCY_NANOS: u64 = 60_000_000_000;

/// What came of one drive.
pub(crate) struct Outcome {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latency: Histogram<u64>,
}

/// One connection and its requests.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    templates: Arc<[Template]>,
    /// The template of the next request: connections start at different ones, so that keys are mixed.
    next: usize,
    latency: Histogram<u64>,
    calls: u64,
    failed: u64,
}

// === impl Line ===

impl Line {
    async fn open(templates: Arc<[Template]>, index: usize) -> Result<Self, Error> {
        let authority =
            templates.first().map(|template| template.authority.clone()).unwrap_or_default();
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(Error::Connection)?;
        // It ends with its sender; errors show themselves in `send`.
        tokio_util::task::TaskTracker::new().spawn(connection);
        let latency = new_histogram()?;
        Ok(Self {
            sender,
            next: index % templates.len().max(1),
            templates,
            latency,
            calls: 0,
            failed: 0,
        })
    }

    /// One request to its end; its latency is counted from `due`.
    async fn call(&mut self, due: Instant) -> Result<(), Error> {
        let Some(template) = self.templates.get(self.next) else { return Ok(()) };
        self.next = (self.next + 1) % self.templates.len();
        self.sender.ready().await.map_err(Error::Connection)?;
        let response =
            self.sender.send_request(template.request()?).await.map_err(Error::Connection)?;
        let good = response.status().is_success();
        response.into_body().collect().await.map_err(Error::Connection)?;
        let nanos = u64::try_from(due.elapsed().as_nanos()).unwrap_or(MAX_LATENCY_NANOS);
        self.latency.record(nanos.min(MAX_LATENCY_NANOS))?;
        self.calls += 1;
        self.failed += u64::from(!good);
        Ok(())
    }
}

/// One request, for its whole answer: what a measurement is about must be right before it is fast.
pub(crate) async fn probe(scenario: &str, template: &Template) -> Result<String, Error> {
    let mut line = Line::open(Arc::from([template.clone()]), 0).await?;
    let response =
        line.sender.send_request(template.request()?).await.map_err(Error::Connection)?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(Error::Connection)?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    // An error within the protocol, or of the tool, is as fast as it is worthless.
    if !status.is_success() || body.contains("\"error\":") || body.contains("\"isError\":true") {
        return Err(Error::Refused {
            scenario: scenario.to_owned(),
            status: status.as_u16(),
            body,
        });
    }
    Ok(body)
}

/// Closed loop: `connections` at once, each for `duration`.
pub(crate) async fn closed(
    templates: &Arc<[Template]>,
    connections: usize,
    duration: Duration,
) -> Result<Outcome, Error> {
    let lines = open_lines(templates, connections).await?;
    let start = Instant::now();
    let end = start + duration;
    let mut tasks = JoinSet::new();
    for mut line in lines {
        tasks.spawn(async move {
            while Instant::now() < end {
                line.call(Instant::now()).await?;
            }
            Ok(line)
        });
    }
    gather(tasks, start).await
}

/// Open loop: `per_second` requests due each second for `duration`, on `connections`.
pub(crate) async fn open(
    templates: &Arc<[Template]>,
    connections: usize,
    per_second: f64,
    duration: Duration,
) -> Result<Outcome, Error> {
    let lines = open_lines(templates, connections).await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let start = Instant::now();
    let pacer = tokio::task::spawn_blocking(move || pace(&sender, start, per_second, duration));
    let mut tasks = JoinSet::new();
    for mut line in lines {
        let receiver = receiver.clone();
        tasks.spawn(async move {
            loop {
                // The lock is given back before the call: the next free connection takes the next request.
                let due = receiver.lock().await.recv().await;
                let Some(due) = due else { return Ok(line) };
                line.call(due).await?;
            }
        });
    }
    let outcome = gather(tasks, start).await?;
    pacer.await.map_err(|_| Error::Pacer)?;
    Ok(outcome)
}

/// Names each request at the time it is due. A thread of its own: the runtime's timer has steps of a millisecond.
fn pace(
    sender: &mpsc::UnboundedSender<Instant>,
    start: Instant,
    per_second: f64,
    duration: Duration,
) {
    let interval = Duration::from_secs_f64(1.0 / per_second);
    let mut due = start;
    while due < start + duration {
        let now = Instant::now();
        if now < due {
            std::thread::sleep(due - now);
        }
        if sender.send(due).is_err() {
            return;
        }
        due += interval;
    }
}

async fn open_lines(templates: &Arc<[Template]>, connections: usize) -> Result<Vec<Line>, Error> {
    let lines = (0..connections).map(|index| Line::open(templates.clone(), index));
    futures_util::future::try_join_all(lines).await
}

async fn gather(mut tasks: JoinSet<Result<Line, Error>>, start: Instant) -> Result<Outcome, Error> {
    let mut outcome =
        Outcome { calls: 0, failed: 0, elapsed: Duration::ZERO, latency: new_histogram()? };
    while let Some(line) = tasks.join_next().await {
        let line = line.map_err(|_| Error::Pacer)??;
        outcome.calls += line.calls;
        outcome.failed += line.failed;
        // Both histograms have the same bounds.
        let _ = outcome.latency.add(&line.latency);
    }
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

fn new_histogram() -> Result<Histogram<u64>, Error> {
    Ok(Histogram::new_with_bounds(1, MAX_LATENCY_NANOS, 3)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn templates() -> Arc<[Template]> {
        let address = crate::upstream::start().await.expect("upstream");
        let url = format!("http://{address}/mcp");
        let params = serde_json::json!({ "name": "echo", "arguments": {} });
        Arc::from([Template::new(&url, None, "tools/call", params).expect("template")])
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn open_loop_sends_every_request_that_was_due() {
        let templates = templates().await;
        let outcome = open(&templates, 4, 200.0, Duration::from_millis(500)).await.expect("drive");
        assert_eq!((outcome.calls, outcome.failed), (100, 0));
        assert_eq!(outcome.latency.len(), 100);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn waiting_for_a_free_connection_counts_as_latency() {
        // A server that takes 20 ms for each request, and one connection: at 100 requests a second the queue grows.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address");
        let server = tokio_util::task::TaskTracker::new();
        server.spawn(slow_server(listener));
        let template = Template::new(
            &format!("http://{address}/mcp"),
            None,
            "tools/list",
            serde_json::json!({}),
        );
        let templates: Arc<[Template]> = Arc::from([template.expect("template")]);
        let outcome = open(&templates, 1, 100.0, Duration::from_millis(400)).await.expect("drive");
        assert_eq!(outcome.calls, 40);
        let worst = Duration::from_nanos(outcome.latency.max());
        // Each answer takes 20 ms, but the last request had waited for all that were late before it.
        assert!(worst > Duration::from_millis(250), "{worst:?}");
    }

    async fn slow_server(listener: tokio::net::TcpListener) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.expect("connection");
        let mut buffer = vec![0; 64 * 1024];
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                .await
                .expect("answer");
        }
    }
}
