//! A directory provisions: request sequences as the public documentation of Entra ID and Okta writes them, and what they must not do.

use std::time::Duration;

use domain::{Role, secret::ExposeSecret};
use http::Method;
use serde_json::{Value, json};

use crate::{
    plane::{Caller, Organisation, Plane},
    subscriptions::Socket,
};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A directory of the organisation `acme`.
struct Directory {
    plane: Plane,
    acme: Organisation,
    token: String,
}

impl Directory {
    async fn start() -> Self {
        let plane = Plane::start().await;
        let acme = plane.organisation("acme").await;
        let made = plane.control.create_scim_token(&acme.owner, "Entra", None).await;
        let token = made.expect("a token").secret.expose_secret().to_owned();
        Self { plane, acme, token }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.send_with(method, path, body, &[]).await
    }

    async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Value,
        more: &[(&str, &str)],
    ) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.token);
        let mut headers =
            vec![("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
        headers.extend(more);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/scim/v2/acme{path}");
        let reply = self.plane.send(method, &path, &headers, &body).await;
        (reply.status.into(), reply.json().unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn create(&self, body: Value) -> Value {
        let path = if body["userName"].is_null() { "/Groups" } else { "/Users" };
        let (status, made) = self.send(Method::POST, path, body).await;
        assert_eq!(status, 201, "{made}");
        made
    }

    async fn patch(&self, path: &str, operations: Value) -> (u16, Value) {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send(Method::PATCH, path, body).await
    }
}

fn user(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "externalId": format!("ext-{name}"), "active": true, "displayName": name })
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

#[tokio::test]
async fn entra_creates_finds_renames_and_switches_off_a_user() {
    let directory = Directory::start().await;
    let none = directory.get("/Users?filter=userName%20eq%20%22ada%40acme.example%22").await;
    assert_eq!(none["totalResults"], 0);
    let mut body = user("ada@acme.example");
    body["emails"] = json!([{ "primary": true, "type": "work", "value": "ada@acme.example" }]);
    let made = directory.create(body.clone()).await;
    let path = format!("/Users/{}", id(&made));
    assert_eq!(made["meta"]["version"], "W/\"1\"");
    let (status, twice) = directory.send(Method::POST, "/Users", body).await;
    assert_eq!((status, &twice["scimType"]), (409, &json!("uniqueness")), "{twice}");
    let found = directory.get("/Users?filter=USERNAME%20eq%20%22ADA%40acme.example%22").await;
    assert_eq!(found["Resources"][0]["id"], made["id"]);
    let (status, renamed) = directory
        .patch(&path, json!([{ "op": "Replace", "path": "displayName", "value": "Ada" },
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "ada2@acme.example" }]))
        .await;
    assert_eq!((status, &renamed["displayName"]), (200, &json!("Ada")), "{renamed}");
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    let (status, off) = directory.patch(&path, off).await;
    assert_eq!((status, &off["active"]), (200, &json!(false)), "{off}");
    let (status, _) = directory.send(Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, 204);
    let (status, gone) = directory.send(Method::GET, &path, Value::Null).await;
    assert_eq!((status, &gone["status"]), (404, &json!("404")), "{gone}");
}

#[tokio::test]
async fn okta_pushes_a_group_and_its_members() {
    let directory = Directory::start().await;
    let ada = directory.create(user("ada@acme.example")).await;
    let bob = directory.create(user("bob@acme.example")).await;
    let group = directory
        .create(json!({ "displayName": "Staff", "members": [{ "value": id(&ada) }] }))
        .await;
    let path = format!("/Groups/{}", id(&group));
    let (status, changed) = directory
        .patch(&path, json!([
            { "op": "replace", "value": { "id": id(&group), "displayName": "People" } },
            { "op": "remove", "path": format!("members[value eq \"{}\"]", id(&ada)) },
            { "op": "add", "path": "members", "value": [{ "value": id(&bob), "display": "Bob" }] },
        ]))
        .await;
    assert_eq!((status, &changed["displayName"]), (200, &json!("People")), "{changed}");
    assert_eq!(changed["members"][0]["value"], bob["id"]);
    assert_eq!(changed["members"].as_array().map(Vec::len), Some(1));
    let bob = directory.get(&format!("/Users/{}", id(&bob))).await;
    assert_eq!(bob["groups"][0]["display"], "People");
    let listed = directory
        .get("/Groups?filter=displayName%20eq%20%22people%22&excludedAttributes=members")
        .await;
    assert!(listed["Resources"][0]["members"].is_null() && listed["totalResults"] == 1, "{listed}");
    let (status, refused) = directory
        .patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]))
        .await;
    assert_eq!((status, &refused["scimType"]), (400, &json!("invalidValue")), "{refused}");
    let document = "{ groups(first: 1) { nodes { name source members(first: 5) { nodes { user { displayName } } } } } }";
    let shown = directory.plane.graphql(&directory.acme.session, document, json!({})).await;
    let shown = &shown["data"]["groups"]["nodes"][0];
    assert_eq!((&shown["name"], &shown["source"]), (&json!("People"), &json!("SCIM")), "{shown}");
    assert_eq!(shown["members"]["nodes"][0]["user"]["displayName"], "bob@acme.example");
}

#[tokio::test]
async fn pages_and_filters_cover_every_user_once() {
    let directory = Directory::start().await;
    for number in 0..5 {
        directory.create(user(&format!("user{number}@acme.example"))).await;
    }
    let mut seen = Vec::new();
    for start in [1, 3, 5] {
        let page = directory.get(&format!("/Users?startIndex={start}&count=2")).await;
        assert_eq!(page["totalResults"], 6, "{page}");
        let names = page["Resources"].as_array().expect("resources").iter();
        seen.extend(names.map(|it| it["userName"].as_str().expect("a name").to_owned()));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 6);
    let some = directory.get("/Users?filter=userName%20sw%20%22user%22%20and%20not%20(userName%20co%20%223%22)&count=3").await;
    assert_eq!((&some["totalResults"], &some["itemsPerPage"]), (&json!(4), &json!(3)));
    let (status, bad) = directory.send(Method::GET, "/Users?filter=userName", Value::Null).await;
    assert_eq!((status, &bad["scimType"]), (400, &json!("invalidFilter")));
}

#[tokio::test]
async fn change_of_an_older_version_is_refused() {
    let directory = Directory::start().await;
    let ada = directory.create(user("ada@acme.example")).await;
    let path = format!("/Users/{}", id(&ada));
    let body = user("ada3@acme.example");
    let first =
        directory.send_with(Method::PUT, &path, body.clone(), &[("if-match", "W/\"1\"")]).await;
    assert_eq!((first.0, &first.1["meta"]["version"]), (200, &json!("W/\"2\"")));
    let second = directory.send_with(Method::PUT, &path, body, &[("if-match", "W/\"1\"")]).await;
    assert_eq!(second.0, 412, "{second:?}");
    let cached =
        directory.send_with(Method::GET, &path, Value::Null, &[("if-none-match", "W/\"2\"")]).await;
    assert_eq!(cached.0, 304);
}

#[tokio::test]
async fn every_operation_needs_a_token_of_its_organisation() {
    let directory = Directory::start().await;
    directory.plane.organisation("globex").await;
    let document: Value = serde_json::from_str(&api::openapi()).expect("our own document");
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        if !path.starts_with("/scim/") {
            continue;
        }
        for method in item.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let other = path.replace("{organisation}", "globex").replace("{id}", "x");
            let nowhere = path.replace("{organisation}", "nowhere").replace("{id}", "x");
            let own = path.replace("{organisation}", "acme").replace("{id}", "x");
            let token = format!("Bearer {}", directory.token);
            for (path, header) in
                [(&other, &*token), (&nowhere, &*token), (&own, "Bearer wrong"), (&own, "Basic x")]
            {
                let headers = [("authorization", header), ("content-type", "application/json")];
                let reply = directory.plane.send(method.clone(), path, &headers, "{}").await;
                assert_eq!(reply.status, 401, "{method} {path}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 19 * 4, "{tried}");
}

/// Whoever writes somebody else's address in a directory does not get their account.
#[tokio::test]
async fn foreign_address_is_not_tied_to_its_account() {
    let directory = Directory::start().await;
    let globex = directory.plane.organisation("globex").await;
    let made = directory.create(user("owner@globex.example")).await;
    let mut members =
        directory.plane.control.list_members(&directory.acme.owner, domain::PageArgs::all()).await;
    let (member, person) = members.as_mut().expect("members").items.pop().expect("a member").1;
    assert_eq!(member.id.uuid().to_string(), id(&made));
    assert!(person.email.ends_with("@provisioned.invalid"), "{person:?}");
    let theirs = directory.plane.control.viewer(&globex.owner).await.expect("the owner");
    assert_ne!(theirs.user.expect("a person").id, person.id);
}

#[tokio::test]
async fn last_owner_cannot_be_deprovisioned() {
    let directory = Directory::start().await;
    let found = directory.get("/Users?filter=userName%20eq%20%22owner%40acme.example%22").await;
    let path = format!("/Users/{}", id(&found["Resources"][0]));
    let off = json!([{ "op": "replace", "value": { "active": false } }]);
    let (status, refused) = directory.patch(&path, off).await;
    assert_eq!(status, 403, "{refused}");
    assert!(refused["detail"].as_str().unwrap_or_default().contains("last active owner"));
    let (status, _) = directory.send(Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, 403);
    let document = "{ viewer { role } }";
    let still = directory.plane.graphql(&directory.acme.session, document, json!({})).await;
    assert_eq!(still["data"]["viewer"]["role"], "OWNER", "and nothing of theirs has ended");
}

#[tokio::test]
async fn deprovisioning_ends_sessions_keys_subscriptions_and_routes_within_seconds() {
    let directory = Directory::start().await;
    let plane = &directory.plane;
    let made = directory.create(user("ada@acme.example")).await;
    let members = plane.control.list_members(&directory.acme.owner, domain::PageArgs::all()).await;
    let (member, person) = members.expect("members").items.pop().expect("a member").1;
    assert_eq!(member.role, Role::Member);
    let tenant = directory.acme.owner.tenant();
    let link = plane.control.create_sign_in_link(tenant, person.id).await.expect("a link");
    let signed_in =
        plane.control.redeem_link(link.expose_secret(), "test").await.expect("signed in");
    let session = signed_in.token.expose_secret().to_owned();
    let caller =
        Caller::Session { cookie: format!("patchbay_session={session}"), csrf: signed_in.csrf };
    let mut socket = Socket::signed_in(plane, &caller).await;
    let started = tokio::time::Instant::now();
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    let (status, answer) = directory.patch(&format!("/Users/{}", id(&made)), off).await;
    assert_eq!(status, 200, "{answer}");
    assert!(plane.control.by_session(&session, "test").await.is_err());
    let end = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
    assert_eq!(end.expect("an end in time"), Err(4401));
    println!("a subscription was dead after {:?}", started.elapsed());
    let on = json!([{ "op": "Replace", "path": "active", "value": "True" }]);
    directory.patch(&format!("/Users/{}", id(&made)), on).await;
    assert!(
        plane.control.by_session(&session, "test").await.is_err(),
        "what has ended stays ended"
    );
}
