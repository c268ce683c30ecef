//! A collector that takes OTLP over HTTP and keeps what it gets (opentelemetry.io/docs/specs/otlp).

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::ResourceSpans,
};
use prost::Message;
use testkit::plane::PlaneConfig;

/// A span as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Id of its parent, empty for the first span of a trace.
    pub(crate) parent: String,
    pub(crate) attributes: HashMap<String, String>,
}

pub(crate) struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Seen>,
    /// Every body of traces and metrics, as it came.
    raw: Vec<u8>,
}

// === impl Collector ===

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let kept = Arc::new(Mutex::new(Kept::default()));
        let collected = Arc::clone(&kept);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&collected);
                // An exporter that goes away in mid-request is no failure of the test.
                thread::spawn(move || drop(answer(&stream, &kept)));
            }
        });
        Self { address, kept }
    }

    /// A plane that sends every trace here.
    pub(crate) fn of(&self, config: PlaneConfig) -> PlaneConfig {
        config
            .setting("TELEMETRY__OTLP_ENDPOINT", &format!("http://{}", self.address))
            .setting("TELEMETRY__TRACE_SAMPLE_RATIO", "1")
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.kept.lock().expect("not poisoned").spans.clone()
    }

    /// Everything that came, for a search of what must not be there.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.kept.lock().expect("not poisoned").raw.clone()
    }
}

fn answer(mut stream: &TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let traces = line.contains(" /v1/traces ");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    kept.lock().expect("not poisoned").raw.extend_from_slice(&body);
    if traces {
        let request =
            ExportTraceServiceRequest::decode(body.as_slice()).map_err(io::Error::other)?;
        let mut kept = kept.lock().expect("not poisoned");
        kept.spans.extend(request.resource_spans.into_iter().flat_map(read));
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn read(resource: ResourceSpans) -> Vec<Seen> {
    let of_resource = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
    let service = attributes(of_resource).remove("service.name").unwrap_or_default();
    let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans
        .map(|span| Seen {
            service: service.clone(),
            name: span.name,
            trace: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            attributes: attributes(span.attributes),
        })
        .collect()
}

fn attributes(list: Vec<KeyValue>) -> HashMap<String, String> {
    let text = |pair: KeyValue| match pair.value?.value? {
        Value::StringValue(text) => Some((pair.key, text)),
        Value::IntValue(number) => Some((pair.key, number.to_string())),
        _ => None,
    };
    list.into_iter().filter_map(text).collect()
}
