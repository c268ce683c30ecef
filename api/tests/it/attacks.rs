//! What attackers of GraphQL doors send, one test for each: refused before anything is executed, cheaply, and quietly.

use std::{io::Write as _, time::Duration};

use serde_json::{Value, json};
use testkit::Reply;
use tokio::time::Instant;

use crate::plane::{Caller, Plane};

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// Sends a document as a signed-in owner.
async fn sent(document: &str, variables: Value) -> Reply {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    plane.graphql_reply(&acme.session, document, variables).await
}

fn refused_as(reply: &Reply, status: u16, expected: &str) {
    let answer = reply.json().expect("a GraphQL answer");
    assert_eq!((reply.status.as_u16(), code(&answer)), (status, expected), "{answer}");
    assert!(answer["data"].is_null(), "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["requestId"], reply.header("x-request-id"));
}

#[tokio::test]
async fn document_fifty_deep_is_refused() {
    let deep = "{ installs(first: 1) { nodes { connector { tools { name } } ".to_owned()
        + &"records(first: 1) { nodes { install { ".repeat(16)
        + "id "
        + &"} } } ".repeat(16)
        + "} } }";
    refused_as(&sent(&deep, json!({})).await, 400, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn thousand_aliases_of_node_are_refused() {
    let id = "install:0192f3c4-0000-7000-8000-000000000000";
    for count in [1000, 31] {
        let aliases: Vec<_> = (0..count).map(|n| format!("a{n}:node(id:\"{id}\"){{id}}")).collect();
        let document = format!("{{{}}}", aliases.join(" "));
        refused_as(&sent(&document, json!({})).await, 400, "QUERY_TOO_COMPLEX");
    }
}

#[tokio::test]
async fn batch_is_refused() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let owner = acme.session.headers();
    let mut headers: Vec<_> = owner.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("content-type", "application/json"));
    let batch = format!("[{}]", [r#"{"query":"{viewer{role}}"}"#; 3].join(","));
    refused_as(&plane.post("/graphql", &headers, &batch).await, 400, "INVALID");
}

#[tokio::test]
async fn ten_thousand_directives_are_refused_at_once() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    for count in [10_000, 1_000] {
        let document = format!("{{ viewer {{ role {} }} }}", "@include(if:true)".repeat(count));
        let started = Instant::now();
        let reply = plane.graphql_reply(&acme.session, &document, json!({})).await;
        refused_as(&reply, 400, "QUERY_TOO_COMPLEX");
        // The figure asked for is 50 ms; an unoptimised build on a busy machine is given more.
        assert!(started.elapsed() < Duration::from_secs(2), "{count}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn cyclic_fragments_are_refused() {
    let cyclic = "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }";
    refused_as(&sent(cyclic, json!({})).await, 400, "INVALID");
}

#[tokio::test]
async fn page_of_a_million_is_refused_with_the_limit() {
    let reply = sent("{ installs(first: 1000000) { nodes { id } } }", json!({})).await;
    let answer = reply.json().expect("an answer");
    assert_eq!(code(&answer), "INVALID", "{answer}");
    assert_eq!(answer["errors"][0]["message"], "`first` must be between 1 and 100");
    assert_eq!(answer["errors"][0]["extensions"]["field"], json!(["first"]));
}

#[tokio::test]
async fn lists_in_lists_are_too_costly() {
    let document =
        "query($n: Int!) { installs(first: $n) { nodes { runs(first: $n) { nodes { id } } } } }";
    let reply = sent(document, json!({ "n": 100 })).await;
    let answer = reply.json().expect("an answer");
    assert_eq!(code(&answer), "QUERY_TOO_COMPLEX", "{answer}");
}

#[tokio::test]
async fn introspection_is_for_signed_in_callers() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let document =
        "{ __schema { types { name fields { type { ofType { ofType { ofType { name } } } } } } } }";
    let reply = plane.graphql_reply(&Caller::Nobody, document, json!({})).await;
    refused_as(&reply, 401, "UNAUTHENTICATED");
    assert!(!reply.text().contains("SyncRun"));
    let answer = plane.graphql(&acme.session, document, json!({})).await;
    assert!(answer["data"]["__schema"]["types"].is_array(), "{answer}");
}

/// As deep and wide as the query with which tools read a schema: types in fields and arguments, wrapped nine times.
#[tokio::test]
async fn tools_can_read_the_whole_schema() {
    let wrapped = format!("kind name {} {}", "ofType { kind name ".repeat(9), "}".repeat(9));
    let document = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ ...Full }}
            directives {{ name locations args {{ ...Input }} }} }} }}
        fragment Full on __Type {{ kind name description inputFields {{ ...Input }} interfaces {{ ...Ref }}
            fields(includeDeprecated: true) {{ name args {{ ...Input }} type {{ ...Ref }} isDeprecated }}
            enumValues(includeDeprecated: true) {{ name }} possibleTypes {{ ...Ref }} }}
        fragment Input on __InputValue {{ name description type {{ ...Ref }} defaultValue }}
        fragment Ref on __Type {{ {wrapped} }}"
    );
    let reply = sent(&document, json!({})).await;
    let answer = reply.json().expect("an answer");
    assert!(answer.get("errors").is_none(), "{}", answer["errors"]);
    assert!(answer["data"]["__schema"]["types"].as_array().is_some_and(|types| types.len() > 40));
}

#[tokio::test]
async fn graphql_by_get_is_refused() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let headers = acme.session.headers();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = plane.get("/graphql?query=mutation%7BsignOut%7Bok%7D%7D", &headers).await;
    assert_eq!(reply.status, 405, "{}", reply.text());
    let still = plane.graphql(&acme.session, "{ viewer { role } }", json!({})).await;
    assert_eq!(still["data"]["viewer"]["role"], "OWNER");
}

#[tokio::test]
async fn form_media_types_are_refused() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let headers = acme.session.headers();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "",
    ] {
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("content-type", media_type));
        let reply = plane.post("/graphql", &headers, r#"{"query":"{viewer{role}}"}"#).await;
        assert_eq!(reply.status, 415, "{media_type}: {}", reply.text());
    }
}

#[tokio::test]
async fn ten_megabytes_are_refused_without_being_kept() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let before = resident_kibibytes();
    let body = format!(r#"{{"query":"{}"}}"#, "x".repeat(10 * 1024 * 1024));
    let headers = acme.session.headers();
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(("content-type", "application/json"));
    let (status, _) = raw_post(&plane, &headers, &body, true).await;
    assert_eq!(status, 413);
    let (status, _) = raw_post(&plane, &headers, &body, false).await;
    assert_eq!(status, 413);
    // The body itself is in this process as well: what grows beyond it is the server's.
    let grown = resident_kibibytes().saturating_sub(before);
    assert!(grown < (20 + 20) * 1024, "grew by {grown} KiB");
}

/// Sends by hand: a client library gives up when the answer comes before its body is sent.
async fn raw_post(
    plane: &Plane,
    headers: &[(&str, &str)],
    body: &str,
    announced: bool,
) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = plane.base.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let mut head = Vec::new();
    write!(head, "POST /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n")
        .expect("memory");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("memory");
    }
    if announced {
        write!(head, "content-length: {}\r\n\r\n", body.len()).expect("memory");
    } else {
        write!(head, "transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len()).expect("memory");
    }
    stream.write_all(&head).await.expect("the head is sent");
    let (mut reading, mut writing) = stream.into_split();
    // Cut off by the server in the middle: that is the point.
    let write = async { drop(writing.write_all(body.as_bytes()).await) };
    let read = async {
        let mut answer = vec![0; 4096];
        let length = reading.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    let answer = tokio::select! {
        answer = read => answer,
        () = async { write.await; std::future::pending().await } => unreachable!("pending"),
    };
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    (status, answer)
}

fn resident_kibibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn misspelt_field_is_not_corrected_for_the_asker() {
    let answer = sent("{ instals(first: 1) { nodes { id } } }", json!({})).await;
    let answer = answer.json().expect("an answer");
    let text = answer.to_string();
    assert_eq!(code(&answer), "INVALID", "{answer}");
    assert!(!text.contains("Did you mean") && !text.contains("installs"), "{answer}");
}

#[tokio::test]
async fn brackets_without_end_do_not_exhaust_the_stack() {
    refused_as(&sent(&"{a".repeat(10_000), json!({})).await, 400, "QUERY_TOO_COMPLEX");
    let values = format!("{{ search(query: {}", "[".repeat(30_000));
    refused_as(&sent(&values, json!({})).await, 400, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn document_longer_than_the_limit_is_refused() {
    let long = format!("{{ viewer {{ role }} }} # {}", "x".repeat(33 * 1024));
    refused_as(&sent(&long, json!({})).await, 400, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn subscription_by_post_is_refused() {
    let document = "subscription { syncRun(installId: \"x\") { id } }";
    refused_as(&sent(document, json!({})).await, 400, "INVALID");
}

#[tokio::test]
async fn change_without_csrf_token_is_refused() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let Caller::Session { cookie, csrf } = acme.session.clone() else { unreachable!("by session") };
    let document = "mutation { signOut { ok } }";
    for wrong in ["1".to_owned(), csrf.chars().rev().collect(), String::new()] {
        let caller = Caller::Session { cookie: cookie.clone(), csrf: wrong };
        refused_as(&plane.graphql_reply(&caller, document, json!({})).await, 403, "CSRF");
    }
    // Hidden beside a query in the same document.
    let caller = Caller::Session { cookie: cookie.clone(), csrf: "1".to_owned() };
    let both = "query A { viewer { role } } mutation B { signOut { ok } }";
    refused_as(&plane.graphql_reply(&caller, both, json!({})).await, 403, "CSRF");
    // No custom header at all: not even a query.
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let bare = plane.post("/graphql", &headers, r#"{"query":"{viewer{role}}"}"#).await;
    refused_as(&bare, 403, "CSRF");
    // A query needs any value of the header, and tells the token.
    let answer = plane.graphql(&caller, "{ viewer { csrfToken } }", json!({})).await;
    assert_eq!(answer["data"]["viewer"]["csrfToken"], csrf.as_str());
}

#[tokio::test]
async fn token_of_another_session_does_not_count() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    let (Caller::Session { cookie, .. }, Caller::Session { csrf, .. }) =
        (acme.session, other.session)
    else {
        unreachable!("both by session")
    };
    let mixed = Caller::Session { cookie, csrf };
    let reply = plane.graphql_reply(&mixed, "mutation { signOut { ok } }", json!({})).await;
    refused_as(&reply, 403, "CSRF");
}

#[tokio::test]
async fn page_of_another_origin_is_refused() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let headers = acme.session.headers();
    for origin in ["https://evil.example", "null"] {
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("content-type", "application/json"), ("origin", origin)]);
        let reply = plane.post("/graphql", &headers, r#"{"query":"{viewer{role}}"}"#).await;
        refused_as(&reply, 403, "CSRF");
    }
}

#[tokio::test]
async fn foreign_host_name_is_misdirected() {
    let plane = Plane::start().await;
    let reply = plane.get("/", &[("host", "rebound.evil.example"), ("accept", "text/html")]).await;
    assert_eq!(reply.status, 421, "{}", reply.text());
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let plane = Plane::start().await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
        font-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
        base-uri 'none'; frame-ancestors 'none'";
    let expected = [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        // Only where there is TLS.
        ("strict-transport-security", ""),
    ];
    for path in ["/", "/sign-in/x", "/page.css", "/health/live", "/graphql", "/nothing"] {
        let reply = plane.get(path, &[("accept", "text/html")]).await;
        for (name, value) in expected {
            assert_eq!(reply.header(name), value, "{name} of {path}");
        }
    }
}

/// The policy allows neither; a browser would show such a page undressed.
#[tokio::test]
async fn own_pages_have_no_inline_style_or_script() {
    let plane = Plane::start().await;
    let style = plane.get("/page.css", &[]).await;
    assert_eq!(style.status, 200);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    let ask = plane.get("/sign-in/x", &[]).await;
    let gone = plane.post("/sign-in/x", &[], "").await;
    let not_built = plane.get("/", &[("accept", "text/html")]).await;
    for (status, reply) in [(200, ask), (410, gone), (503, not_built)] {
        let page = reply.text();
        assert_eq!(reply.status, status, "{page}");
        assert!(page.contains(r#"<link rel="stylesheet" href="/page.css">"#), "{page}");
        for inline in ["<style", "style=", "<script", "onclick"] {
            assert!(!page.contains(inline), "{inline} in {page}");
        }
    }
}
