//! A collector that takes OTLP over HTTP and keeps the spans (opentelemetry.io/docs/specs/otlp).

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

/// A span as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) trace: String,
    /// Trace ids of its links.
    pub(super) links: Vec<String>,
    pub(super) attributes: HashMap<String, String>,
}

pub(super) struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Seen>>>,
}

// === impl Collector ===

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // An exporter that goes away in mid-request is no failure of the test.
                thread::spawn(move || drop(answer(&stream, &kept)));
            }
        });
        Self { address, spans }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn spans(&self) -> Vec<Seen> {
        self.spans.lock().expect("not poisoned").clone()
    }
}

fn answer(mut stream: &TcpStream, kept: &Mutex<Vec<Seen>>) -> io::Result<()> {
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
    if traces {
        let request =
            ExportTraceServiceRequest::decode(body.as_slice()).map_err(io::Error::other)?;
        let mut spans = kept.lock().expect("not poisoned");
        spans.extend(request.resource_spans.into_iter().flat_map(read));
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
            links: span.links.iter().map(|link| hex::encode(&link.trace_id)).collect(),
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
