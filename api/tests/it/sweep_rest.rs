//! Every operation of the OpenAPI document that takes an id, tried with the ids of another organisation.

use http::Method;
use serde_json::{Value, json};

use crate::{
    plane::{Caller, Plane},
    sweep::anonymous,
    sweep_world::{World, never},
};

/// What the parameters of a path name: a kind of `MADE`, or nothing of an organisation's. A new path with parameters gets its line here.
const PATHS: &[(&str, &str, Names)] = &[
    ("/scim/v2/{organisation}/Users/{id}", "id", Names::Kind("scim_user")),
    ("/scim/v2/{organisation}/Groups/{id}", "id", Names::Kind("scim_group")),
    ("/scim/v2/{organisation}/ResourceTypes/{id}", "id", Names::Constant("User")),
    (
        "/scim/v2/{organisation}/Schemas/{id}",
        "id",
        Names::Constant("urn:ietf:params:scim:schemas:core:2.0:User"),
    ),
    // A one-time secret: whoever has it may use it.
    ("/sign-in/{token}", "token", Names::Secret),
];

/// Bodies that name something of somebody's, `{id}` for it and `{fresh}` for what is not taken yet, by operation. A new operation with a body gets its line here.
const BODIES: &[(&str, &str, &str)] = &[
    (
        "POST /scim/v2/{organisation}/Users",
        "scim_user",
        r#"{"userName":"swept{fresh}@acme.example","id":"{id}"}"#,
    ),
    ("POST /scim/v2/{organisation}/Users/.search", "scim_user", r#"{"filter":"id eq \"{id}\""}"#),
    (
        "PUT /scim/v2/{organisation}/Users/{id}",
        "scim_user",
        r#"{"id":"{id}","userName":"swept{fresh}@acme.example"}"#,
    ),
    (
        "PATCH /scim/v2/{organisation}/Users/{id}",
        "scim_user",
        r#"{"Operations":[{"op":"replace","path":"displayName","value":"{id}"}]}"#,
    ),
    (
        "POST /scim/v2/{organisation}/Groups",
        "scim_user",
        r#"{"displayName":"swept{fresh}","members":[{"value":"{id}"}]}"#,
    ),
    (
        "POST /scim/v2/{organisation}/Groups/.search",
        "scim_user",
        r#"{"filter":"members.value eq \"{id}\""}"#,
    ),
    (
        "PUT /scim/v2/{organisation}/Groups/{id}",
        "scim_user",
        r#"{"displayName":"swept{fresh}","members":[{"value":"{id}"}]}"#,
    ),
    (
        "PATCH /scim/v2/{organisation}/Groups/{id}",
        "scim_user",
        r#"{"Operations":[{"op":"add","path":"members","value":[{"value":"{id}"}]}]}"#,
    ),
];

/// Operations that name nothing and end the caller's session.
const ENDING: &[&str] = &["POST /sign-out"];

/// For a body of the right form in which nobody is named.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[derive(Clone, Copy)]
enum Names {
    Kind(&'static str),
    Constant(&'static str),
    Secret,
}

/// An operation of the document.
struct Rest<'a> {
    method: Method,
    path: &'a str,
    operation: &'a Value,
}

/// Tries everything; gives how often, and what is wrong.
pub(crate) async fn sweep(plane: &Plane, ours: &World, theirs: &World) -> (usize, Vec<String>) {
    let document: Value = serde_json::from_str(&api::openapi()).expect("our own document");
    let (mut tried, mut faults) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let method = method.to_uppercase().parse().expect("a method");
            let rest = Rest { method, path, operation };
            tried += rest.sweep(plane, ours, theirs, &mut faults).await;
        }
    }
    (tried, faults)
}

// === impl Rest ===

impl Rest<'_> {
    async fn sweep(
        &self,
        plane: &Plane,
        ours: &World,
        theirs: &World,
        faults: &mut Vec<String>,
    ) -> usize {
        let name = format!("{} {}", self.method, self.path);
        if ENDING.contains(&name.as_str()) || self.secret() {
            return 0;
        }
        let mut tries = Vec::new();
        if let Some(kind) = self.kind() {
            tries.push((self.path_with(&ours.slug, &theirs.ids[kind]), theirs.ids[kind].clone()));
        }
        if self.path.contains("{organisation}") {
            let own = self.kind().map_or("", |kind| ours.ids[kind].as_str());
            tries.push((self.path_with(&theirs.slug, own), theirs.slug.clone()));
        }
        for parameter in self.texts() {
            let path = self.path_with(&ours.slug, &self.own(ours));
            for text in theirs.texts() {
                let value = encoded(&text);
                tries.push((format!("{path}?{parameter}={value}"), text));
            }
        }
        let own = self.path_with(&ours.slug, &self.own(ours));
        let body = self.body(&name);
        let mut count = 0;
        for caller in self.callers(ours) {
            for (path, text) in &tries {
                let none = never(text);
                let sent = body.map_or_else(String::new, |(_, body)| body.replace("{id}", NOBODY));
                let foreign = ask(plane, self, &caller, path, &sent, text).await;
                let elsewhere = path.replacen(&encoded(text), &encoded(&none), 1);
                let nothing = ask(plane, self, &caller, &elsewhere, &sent, &none).await;
                compare(faults, &format!("{name} with {text}"), &foreign, &nothing);
                count += 1;
            }
            if let Some((kind, body)) = body {
                let foreign = &theirs.ids[kind];
                let none = never(foreign);
                let [theirs, nothing] = [(foreign, "a"), (&none, "b")]
                    .map(|(id, fresh)| body.replace("{id}", id).replace("{fresh}", fresh));
                let theirs = ask(plane, self, &caller, &own, &theirs, foreign).await;
                let nothing = ask(plane, self, &caller, &own, &nothing, &none).await;
                compare(faults, &format!("{name} with {foreign} inside"), &theirs, &nothing);
                count += 1;
            }
        }
        count
    }

    fn secret(&self) -> bool {
        self.parameters("path").iter().any(|name| matches!(self.names(name), Some(Names::Secret)))
    }

    /// The kind of id in the path.
    fn kind(&self) -> Option<&'static str> {
        self.parameters("path").iter().find_map(|name| match self.names(name)? {
            Names::Kind(kind) => Some(kind),
            Names::Constant(_) | Names::Secret => None,
        })
    }

    fn names(&self, parameter: &str) -> Option<Names> {
        if parameter == "organisation" {
            return None;
        }
        let line = PATHS.iter().find(|(path, name, _)| *path == self.path && *name == parameter);
        let line =
            line.unwrap_or_else(|| panic!("say in PATHS what {parameter} of {} is", self.path));
        Some(line.2)
    }

    fn parameters(&self, place: &str) -> Vec<String> {
        let all = self.operation["parameters"].as_array().into_iter().flatten();
        let here = all.filter(|it| it["in"] == place);
        here.map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Parameters of the query that take any text.
    fn texts(&self) -> Vec<String> {
        let all = self.operation["parameters"].as_array().into_iter().flatten();
        let texts = all.filter(|it| it["in"] == "query" && it["schema"]["format"].is_null());
        texts.map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    }

    fn own(&self, ours: &World) -> String {
        self.kind().map_or_else(String::new, |kind| ours.ids[kind].clone())
    }

    fn path_with(&self, organisation: &str, id: &str) -> String {
        let mut path = self.path.replace("{organisation}", organisation);
        for name in self.parameters("path") {
            let value = match self.names(&name) {
                Some(Names::Constant(value)) => value,
                _ => id,
            };
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    fn body(&self, name: &str) -> Option<(&'static str, &'static str)> {
        if self.operation["requestBody"].is_null() {
            return None;
        }
        let line = BODIES.iter().find(|(operation, ..)| *operation == name);
        let line = line.unwrap_or_else(|| panic!("say in BODIES what {name} is sent"));
        Some((line.1, line.2))
    }

    fn callers(&self, ours: &World) -> Vec<Caller> {
        if self.path.starts_with("/scim/") {
            return vec![Caller::Key(ours.scim.clone())];
        }
        vec![ours.session.clone(), ours.key.clone()]
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Status and body, without what differs between two answers that say the same.
async fn ask(
    plane: &Plane,
    rest: &Rest<'_>,
    caller: &Caller,
    path: &str,
    body: &str,
    given: &str,
) -> (u16, Value) {
    let headers = caller.headers();
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let scim = rest.path.starts_with("/scim/");
    let media_type = if scim { "application/scim+json" } else { "application/json" };
    headers.push(("content-type", media_type));
    let reply = plane.send(rest.method.clone(), path, &headers, body).await;
    let answer = reply.json().unwrap_or_else(|_| json!(reply.text()));
    (reply.status.into(), anonymous(&answer, given))
}

fn compare(faults: &mut Vec<String>, what: &str, theirs: &(u16, Value), nothing: &(u16, Value)) {
    if theirs != nothing {
        faults.push(format!(
            "{what} tells that there is something: {theirs:?} instead of {nothing:?}"
        ));
    }
}
