//! graphql-transport-ws: who may connect, what a connection tells, and when it ends.

use std::time::Duration;

use domain::Role;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::plane::{Caller, Plane};

const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(
        plane: &Plane,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let url = format!("{}/graphql/ws", plane.base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a request");
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            request.headers_mut().insert(*name, value);
        }
        connect_async(request).await.map(|(stream, _)| Self(stream))
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("an open connection");
    }

    /// The next message of the protocol, or the code with which the connection was closed.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(0, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    /// Opens, says who it is, and is acknowledged.
    pub(crate) async fn signed_in(plane: &Plane, caller: &Caller) -> Self {
        let (headers, payload) = match caller {
            Caller::Session { cookie, csrf } => {
                (vec![("cookie", cookie.as_str())], json!({ "csrf": csrf }))
            }
            Caller::Key(key) => (vec![], json!({ "authorization": format!("Bearer {key}") })),
            Caller::Nobody => (vec![], json!({})),
        };
        let mut socket = Self::open(plane, &headers).await.expect("an upgrade");
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await, Ok(json!({ "type": "connection_ack" })));
        socket
    }

    async fn watch(&mut self, id: &str, install: &str) {
        let query = "subscription($id: ID!) { syncRun(installId: $id) { id state installId } }";
        let payload = json!({ "query": query, "variables": { "id": install } });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }
}

#[tokio::test]
async fn current_run_is_told_at_once() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let install = plane.install(&acme.session, "docs").await.to_string();
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    socket.watch("1", &install).await;
    let message = socket.next().await.expect("a message");
    assert_eq!((message["type"].as_str(), message["id"].as_str()), (Some("next"), Some("1")));
    let run = &message["payload"]["data"]["syncRun"];
    assert_eq!(run["installId"], install.as_str(), "{message}");
    assert_eq!(run["state"], "QUEUED", "{message}");
}

#[tokio::test]
async fn change_of_the_run_is_told() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let install = plane.install(&acme.session, "docs").await.to_string();
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    socket.watch("1", &install).await;
    let first = socket.next().await.expect("a message");
    let run = first["payload"]["data"]["syncRun"]["id"].clone();
    let cancel = "mutation($id: ID!) { cancelSync(input: { runId: $id }) { run { state } userErrors { message } } }";
    let cancelled = plane.graphql(&acme.session, cancel, json!({ "id": run })).await;
    assert_eq!(cancelled["data"]["cancelSync"]["userErrors"], json!([]), "{cancelled}");
    let change = socket.next().await.expect("a change");
    assert_eq!(change["payload"]["data"]["syncRun"]["id"], run, "{change}");
}

#[tokio::test]
async fn install_of_another_organisation_is_not_there() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let other = plane.organisation("other").await;
    let foreign = plane.install(&other.session, "theirs").await.to_string();
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    socket.watch("1", &foreign).await;
    let message = socket.next().await.expect("an answer");
    assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{message}");
    assert!(!message.to_string().contains("QUEUED"), "{message}");
}

#[tokio::test]
async fn cookie_without_its_token_is_not_acknowledged() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let Caller::Session { cookie, .. } = &acme.session else { unreachable!("by session") };
    for payload in
        [json!({}), json!({ "csrf": "1" }), json!({ "authorization": "Bearer nonsense" })]
    {
        let mut socket = Socket::open(&plane, &[("cookie", cookie)]).await.expect("an upgrade");
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await, Err(4403), "{payload}");
    }
}

#[tokio::test]
async fn nothing_is_executed_before_the_caller_is_known() {
    let plane = Plane::start().await;
    let mut socket = Socket::open(&plane, &[]).await.expect("an upgrade");
    socket.watch("1", "install:0192f3c4-0000-7000-8000-000000000000").await;
    assert_eq!(socket.next().await, Err(4401));
}

#[tokio::test]
async fn page_of_another_origin_is_not_upgraded() {
    let plane = Plane::start().await;
    let refused = Socket::open(&plane, &[("origin", "https://evil.example")]).await.err();
    assert!(matches!(&refused, Some(Error::Http(reply)) if reply.status() == 403), "{refused:?}");
    let own = plane.base.clone();
    assert!(Socket::open(&plane, &[("origin", &own)]).await.is_ok());
}

#[tokio::test]
async fn other_sub_protocol_is_refused() {
    let plane = Plane::start().await;
    let refused = Socket::open(&plane, &[("sec-websocket-protocol", "graphql-ws")]).await.err();
    assert!(matches!(&refused, Some(Error::Http(reply)) if reply.status() == 400), "{refused:?}");
}

#[tokio::test]
async fn connection_ends_soon_after_its_session() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let install = plane.install(&acme.session, "docs").await.to_string();
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    socket.watch("1", &install).await;
    socket.next().await.expect("a message");
    plane.graphql(&acme.session, "mutation { signOut { ok } }", json!({})).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.closed()).await;
    assert_eq!(ended, Ok(4401), "access ends at most five seconds after it was taken away");
}

#[tokio::test]
async fn connection_ends_soon_after_its_key() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let key = plane.key(&acme.owner, Role::Viewer).await;
    let keys =
        plane.graphql(&acme.session, "{ apiKeys(first: 1) { nodes { id } } }", json!({})).await;
    let mut socket = Socket::signed_in(&plane, &key).await;
    let id = &keys["data"]["apiKeys"]["nodes"][0]["id"];
    let revoke =
        "mutation($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { message } } }";
    plane.graphql(&acme.session, revoke, json!({ "id": id })).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.closed()).await;
    assert_eq!(ended, Ok(4401));
}

/// Another owner of an organisation that is there, signed in.
async fn second_owner(plane: &Plane, slug: &str) -> Caller {
    let set_up = control::SetUp {
        tenant_slug: slug.to_owned(),
        tenant_name: slug.to_owned(),
        owner_email: format!("second@{slug}.example"),
        owner_name: "Second".to_owned(),
    };
    let done = plane.control.set_up(set_up).await.expect("an owner");
    plane.session(done.tenant.id, done.owner.id).await.session
}

#[tokio::test]
async fn connection_ends_soon_after_its_caller_gets_another_role() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let second = second_owner(&plane, "acme").await;
    let mut socket = Socket::signed_in(&plane, &second).await;
    let members = "{ members(first: 10) { nodes { id user { displayName } } } }";
    let members = plane.graphql(&acme.session, members, json!({})).await;
    let nodes = members["data"]["members"]["nodes"].as_array().expect("members");
    let id = &nodes.iter().find(|it| it["user"]["displayName"] == "Second").expect("there")["id"];
    let update = "mutation($id: ID!) { updateMember(input: { id: $id, role: MEMBER }) {
        member { role status clearance } userErrors { message } } }";
    let updated = plane.graphql(&acme.session, update, json!({ "id": id })).await;
    assert_eq!(updated["data"]["updateMember"]["member"]["role"], "MEMBER", "{updated}");
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.closed()).await;
    assert_eq!(
        ended,
        Ok(4403),
        "what was permitted before is asked for again at most five seconds later"
    );
    // The session lives on, with what it may today.
    let mut socket = Socket::signed_in(&plane, &second).await;
    let remove = "mutation($id: ID!) { removeMember(input: { id: $id }) { removedId userErrors { message } } }";
    let removed = plane.graphql(&acme.session, remove, json!({ "id": id })).await;
    assert_eq!(&removed["data"]["removeMember"]["removedId"], id, "{removed}");
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.closed()).await;
    assert_eq!(ended, Ok(4401));
}

#[tokio::test]
async fn subscriptions_of_one_connection_are_limited() {
    let plane = Plane::start_with(|config, _| config.max_subscriptions = 2).await;
    let acme = plane.organisation("acme").await;
    let install = plane.install(&acme.session, "docs").await.to_string();
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    for id in ["1", "2"] {
        socket.watch(id, &install).await;
        assert_eq!(socket.next().await.expect("a message")["id"], id);
    }
    socket.watch("3", &install).await;
    let refused = socket.next().await.expect("an answer");
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "LIMITED", "{refused}");
    assert_eq!(socket.next().await.expect("an end")["type"], "complete");
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    socket.next().await.expect("an end");
    socket.watch("4", &install).await;
    let again = socket.next().await.expect("a message");
    assert!(again["payload"]["data"]["syncRun"].is_object(), "{again}");
}

#[tokio::test]
async fn limits_of_documents_hold_here_too() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    let deep = format!("{{ {} id {} }}", "a { ".repeat(20), "}".repeat(20));
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": deep } })).await;
    let message = socket.next().await.expect("an answer");
    let code = &message["payload"]["errors"][0]["extensions"]["code"];
    assert_eq!(code, "QUERY_TOO_COMPLEX", "{message}");
}

#[tokio::test]
async fn shutdown_ends_connections() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let mut socket = Socket::signed_in(&plane, &acme.session).await;
    let stopped = tokio::time::timeout(PATIENCE, plane.api.stop());
    let (code, stopped) = tokio::join!(socket.closed(), stopped);
    assert_eq!(code, 1001);
    assert!(stopped.is_ok(), "nothing is left running");
}
