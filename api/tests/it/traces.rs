//! What a request leaves in a trace: it joins its caller's, and shows how many look-ups it took.

use std::time::Duration;

use serde_json::{Value, json};
use telemetry::testing::InMemory;

use crate::plane::{Caller, Organisation, Plane};

const SPAN: &str = "00f067aa0ba902b7";

/// Sends a document inside a trace of its own.
async fn traced(plane: &Plane, caller: &Caller, trace: &str, document: &str) -> Value {
    let parent = format!("00-{trace}-{SPAN}-01");
    let headers = caller.headers();
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("content-type", "application/json"), ("traceparent", parent.as_str())]);
    let body = json!({ "query": document }).to_string();
    let reply = plane.post("/graphql", &headers, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json().expect("an answer")
}

/// Waits for the request's own span: it ends just after the answer was sent.
async fn request_span(recorded: &InMemory, trace: &str) {
    for _ in 0..200 {
        let spans = recorded.spans();
        let mut ours =
            spans.iter().filter(|span| span.span_context.trace_id().to_string() == trace);
        if ours.any(|span| span.name == "http.request") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no `http.request` span in the trace {trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_joins_the_trace_of_its_caller() {
    let recorded = InMemory::install();
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    traced(&plane, &acme.session, trace, "{ viewer { role } }").await;
    request_span(&recorded, trace).await;
    let spans = recorded.spans();
    let find = |name: &str| {
        let mut ours =
            spans.iter().filter(|span| span.span_context.trace_id().to_string() == trace);
        ours.find(|span| span.name == name).unwrap_or_else(|| panic!("no span `{name}`"))
    };
    let request = find("http.request");
    assert_eq!(request.parent_span_id.to_string(), SPAN);
    assert_eq!(find("graphql.operation").parent_span_id, request.span_context.span_id());
}

/// How many look-ups the list of installs with all that hangs on them took.
async fn lookups(plane: &Plane, acme: &Organisation, recorded: &InMemory, trace: &str) -> usize {
    let document =
        "{ installs(first: 100) { nodes { id connector { slug } latestRun { id state } } } }";
    let answer = traced(plane, &acme.session, trace, document).await;
    let nodes = answer["data"]["installs"]["nodes"].as_array().expect("installs");
    assert!(nodes.iter().all(|node| node["latestRun"]["id"].is_string()), "{answer}");
    request_span(recorded, trace).await;
    let spans = recorded.spans();
    let ours = spans.iter().filter(|span| span.span_context.trace_id().to_string() == trace);
    ours.filter(|span| span.name == "graphql.load").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn list_takes_one_look_up_for_many_installs_as_for_one() {
    let recorded = InMemory::install();
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    plane.install(&acme.session, "first").await;
    let one = lookups(&plane, &acme, &recorded, "0af7651916cd43dd8448eb211c80319c").await;
    for index in 0..9 {
        plane.install(&acme.session, &format!("more{index}")).await;
    }
    let ten = lookups(&plane, &acme, &recorded, "1af7651916cd43dd8448eb211c80319c").await;
    assert_eq!((one, ten), (1, 1), "one more look-up for each install is an N+1");
}
