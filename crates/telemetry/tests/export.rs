//! Spans and metrics reach a collector by OTLP over HTTP. One test: a process has one subscriber.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use telemetry::{Config, LogFormat};

/// Bodies by path.
type Received = Arc<Mutex<HashMap<String, Vec<u8>>>>;

#[test]
fn spans_and_metrics_reach_a_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let received = Received::default();
    let collected = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(&stream, &collected);
        }
    });

    let config = Config {
        log_format: LogFormat::Json,
        log_filter: "warn".to_owned(),
        otlp_endpoint: Some(format!("http://{address}/")),
        trace_sample_ratio: 1.0,
    };
    let telemetry = telemetry::init(&config, "patchbay-test").expect("started");
    tracing::info_span!("job.sync_install").in_scope(|| tracing::info!("inside"));
    telemetry.metrics().mcp_operation("tools/call", "ok", 0.02);
    telemetry.metrics().rate_limited();
    telemetry.shutdown();

    let received = received.lock().expect("not poisoned");
    let holds = |path: &str, text: &str| {
        let body = received.get(path).unwrap_or_else(|| panic!("nothing was sent to {path}"));
        assert!(body.windows(text.len()).any(|part| part == text.as_bytes()), "{path}: {text}");
    };
    holds("/v1/traces", "job.sync_install");
    holds("/v1/traces", "patchbay-test");
    holds("/v1/metrics", "mcp.server.operation.duration");
    holds("/v1/metrics", "tools/call");
    holds("/v1/metrics", "patchbay.rate.limited");
}

/// Reads one request as OTLP/HTTP defines it and accepts it.
fn answer(mut stream: &TcpStream, received: &Received) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request line");
    let path = line.split(' ').nth(1).expect("a path").to_owned();
    let (mut length, mut protobuf) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        protobuf |= header == "content-type: application/x-protobuf";
    }
    assert!(protobuf, "the body of {path} is protobuf");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    received.lock().expect("not poisoned").entry(path).or_default().extend(body);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("answered");
}
