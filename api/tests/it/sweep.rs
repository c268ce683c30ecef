//! Every operation of the SDL that takes an id, tried with the ids of another organisation.
//!
//! What is tried comes from the SDL, so a new operation is tried from the day it is born. Which kind of id a place takes it
//! says itself when it is given an id of another kind. What it cannot know is told in tables: a new kind of id gets a line in
//! `MADE` of `sweep_world.rs`, a value that must have a certain form one in `VALUES`, a REST path or body one in `PATHS` or
//! `BODIES` of `sweep_rest.rs`.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use chrono::DateTime;
use serde_json::{Value, json};
use testkit::{
    rows,
    services::{Services, TestDatabase},
};
use uuid::Uuid;

use crate::{
    plane::{Caller, Plane},
    subscriptions::Socket,
    sweep_rest,
    sweep_schema::{Operation, Schema, Slot},
    sweep_world::{World, never},
};

/// Values that get an operation as far as looking an id up. `{kind}` stands for an id of the caller's own.
const VALUES: &[(&str, &str)] = &[
    ("ExplainPolicyInput.principal", "\"{user}\""),
    ("ExplainPolicyInput.tool", "\"read\""),
    // One policy, saved again and again: the answer holds all that there are.
    ("PolicyInput.name", "\"swept\""),
    ("InviteMemberInput.email", "\"swept@example.com\""),
    ("PolicySettingInput.kind", "\"HIDE_DESTRUCTIVE\""),
];

/// Kinds that no operation takes alone, so that `node` and lists are where they are tried.
const EVERYTHING: &str = "node.id";

/// Arguments of lists by which one goes on from page to page: another test gives them cursors of others.
const CURSORS: [&str; 2] = ["after", "before"];

/// One run of the sweep: `ours` tries what is `theirs`.
struct Sweep<'a> {
    plane: &'a Plane,
    schema: Schema,
    ours: &'a World,
    theirs: &'a World,
    /// Everything that is wrong, so that one run tells all of it.
    faults: RefCell<Vec<String>>,
}

/// An answer without what differs between two that say the same.
#[derive(Debug, PartialEq)]
struct Said {
    status: u16,
    answer: Value,
}

#[tokio::test]
async fn foreign_ids_answer_as_if_they_never_were_and_nothing_of_theirs_changes() {
    let plane = Plane::start().await;
    let database = plane.directory.path().join("patchbay.db");
    sweep(&plane, async |uuids| rows::of_sqlite(&database, uuids).await.expect("rows")).await;
}

#[tokio::test]
async fn foreign_ids_answer_as_if_they_never_were_and_nothing_of_theirs_changes_on_postgres() {
    let services = Services::from_env().expect("servers: run the tests by `make test`");
    let database = TestDatabase::create(&services.postgres).await.expect("a database");
    let plane = Plane::on_postgres(&database).await;
    let read = async |uuids: &[String]| {
        rows::of_postgres(&services.postgres, &database, uuids).await.expect("rows")
    };
    sweep(&plane, read).await;
}

/// A field inside of an answer is reached through what lies above it, which the sweep does not have of others.
#[test]
fn only_operations_take_ids() {
    let nested = Schema::ours().nested_fields_with_ids();
    assert!(nested.is_empty(), "teach the sweep to try {nested:?}");
}

async fn sweep(plane: &Plane, read: impl AsyncFn(&[String]) -> Vec<String>) {
    let ours = Box::pin(World::of(plane, "acme")).await;
    let theirs = Box::pin(World::of(plane, "other")).await;
    // Whatever still waits to be written about them is written first.
    plane.control.flush_audit().await;
    let before = read(&theirs.uuids()).await;
    assert!(before.len() > 30, "they have rows: {before:#?}");
    let sweep = Sweep {
        plane,
        schema: Schema::ours(),
        ours: &ours,
        theirs: &theirs,
        faults: RefCell::default(),
    };
    let mut tried = 0;
    for operation in sweep.schema.operations() {
        tried += Box::pin(sweep.try_ids(&operation)).await;
        if operation.kind == "query" {
            tried += Box::pin(sweep.try_texts(&operation)).await;
        }
    }
    let (more, faults) = Box::pin(sweep_rest::sweep(plane, &ours, &theirs)).await;
    sweep.faults.borrow_mut().extend(faults);
    assert!(sweep.faults.borrow().is_empty(), "{}", sweep.faults.borrow().join("\n"));
    assert!(tried + more > 200, "only {tried} and {more} tries");
    plane.control.flush_audit().await;
    let after = read(&theirs.uuids()).await;
    assert_eq!(before, after, "what is theirs has changed");
    sweep.their_own_ids_are_there().await;
}

// === impl Sweep ===

impl Sweep<'_> {
    /// The refusals of the sweep are about who asks: for whom they belong to, the same ids name something.
    async fn their_own_ids_are_there(&self) {
        let document = "query($id: ID!) { node(id: $id) { id } }";
        for (kind, id) in &self.theirs.ids {
            let answer =
                self.plane.graphql(&self.theirs.session, document, json!({ "id": id })).await;
            let is_node = answer["errors"].is_null();
            let told = answer["data"]["node"]["id"] == id.as_str();
            assert_eq!(is_node, told, "{kind}: {answer}");
        }
    }

    fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    /// Holds what is said of theirs against what is said of nothing.
    fn same(&self, what: &str, theirs: &Said, nothing: &Said) {
        if theirs != nothing {
            self.fault(format!(
                "{what} tells that there is something: {theirs:?} instead of {nothing:?}"
            ));
        }
    }

    async fn try_ids(&self, operation: &Operation) -> usize {
        let slots = self.schema.slots(operation);
        let mut tried = 0;
        for slot in slots.iter().filter(|slot| slot.scalar == "ID") {
            let kinds = self.kinds(operation, &slots, slot).await;
            for caller in [&self.ours.session, &self.ours.key] {
                for kind in &kinds {
                    let theirs = &self.theirs.ids[kind];
                    self.try_one(operation, &slots, slot, theirs, caller).await;
                    tried += 1;
                }
            }
        }
        tried
    }

    async fn try_texts(&self, operation: &Operation) -> usize {
        let slots = self.schema.slots(operation);
        let mut tried = 0;
        for slot in slots.iter().filter(|slot| slot.scalar == "String") {
            if CURSORS.contains(&slot.name()) {
                continue;
            }
            for text in self.theirs.texts() {
                let mut learned = BTreeMap::new();
                let foreign = self.arguments(operation, &slots, slot, &text, &mut learned).await;
                let none = never(&text);
                let never = self.arguments(operation, &slots, slot, &none, &mut learned).await;
                let caller = &self.ours.session;
                let theirs = self.ask(operation, caller, &foreign, &text).await;
                let nothing = self.ask(operation, caller, &never, &none).await;
                self.same(&format!("{} with {text}", slot.place), &theirs, &nothing);
                tried += 1;
            }
        }
        tried
    }

    async fn try_one(
        &self,
        operation: &Operation,
        slots: &[Slot],
        slot: &Slot,
        theirs: &str,
        caller: &Caller,
    ) {
        let mut learned = BTreeMap::new();
        let foreign = self.arguments(operation, slots, slot, theirs, &mut learned).await;
        let none = never(theirs);
        let never = self.arguments(operation, slots, slot, &none, &mut learned).await;
        let foreign = self.ask(operation, caller, &foreign, theirs).await;
        let never = self.ask(operation, caller, &never, &none).await;
        let place = format!("{} of {}", slot.place, operation.name());
        self.same(&format!("{place} with {theirs}"), &foreign, &never);
        let by_session = matches!(caller, Caller::Session { .. });
        if by_session && slot.place != EVERYTHING && !reaches(&never.answer, slot) {
            self.fault(format!("{place} is not looked up: give it a value in VALUES: {never:?}"));
        }
    }

    /// The kinds of ids that a place takes, as the operation itself says.
    async fn kinds(&self, operation: &Operation, slots: &[Slot], slot: &Slot) -> Vec<String> {
        if slot.place == EVERYTHING {
            return self.theirs.ids.keys().cloned().collect();
        }
        let mut learned = BTreeMap::new();
        let wrong = format!("stranger:{}", Uuid::nil());
        let arguments = self.arguments(operation, slots, slot, &wrong, &mut learned).await;
        let said = self.ask(operation, &self.ours.session, &arguments, &wrong).await;
        let Some(kind) = kind_asked_for(&said.answer.to_string(), "stranger") else {
            self.fault(format!("{} does not say which ids it takes: {said:?}", slot.place));
            return Vec::new();
        };
        if self.theirs.ids.contains_key(&kind) {
            return vec![kind];
        }
        let place = &slot.place;
        self.fault(format!("nobody has a {kind}, which {place} takes: give it a line in MADE"));
        Vec::new()
    }

    /// The smallest arguments with a text at a place; other ids that are needed are our own.
    async fn arguments(
        &self,
        operation: &Operation,
        slots: &[Slot],
        slot: &Slot,
        text: &str,
        learned: &mut BTreeMap<String, String>,
    ) -> Value {
        loop {
            let build = |place: &str, ty: &str| self.value(place, ty, learned);
            let mut arguments = self.schema.arguments(operation, &build);
            self.schema.put(&mut arguments, operation, slot, text, &build);
            let others = slots.iter().filter(|it| it.scalar == "ID" && it.place != slot.place);
            let unknown = others
                .filter(|it| !it.optional)
                .find(|it| !learned.contains_key(&it.place))
                .cloned();
            let Some(unknown) = unknown else { return arguments };
            let wrong = format!("other_stranger:{}", Uuid::nil());
            self.schema.put(&mut arguments, operation, &unknown, &wrong, &build);
            let said = self.ask(operation, &self.ours.session, &arguments, &wrong).await;
            let said = said.answer.to_string();
            let kind = kind_asked_for(&said, "other_stranger").or_else(|| {
                // The place that is tried is of the wrong kind itself and is looked at first: any id will do here.
                kind_asked_for(&said, "stranger").map(|_| "tenant".to_owned())
            });
            let kind = kind.unwrap_or_else(|| panic!("{} asks for no kind: {said}", unknown.place));
            let own = self.ours.ids.get(&kind);
            let own = own.unwrap_or_else(|| panic!("give {kind} a line in MADE"));
            learned.insert(unknown.place, own.clone());
        }
    }

    fn value(&self, place: &str, ty: &str, learned: &BTreeMap<String, String>) -> Option<Value> {
        static NEXT: AtomicU32 = AtomicU32::new(1_000_000);
        if let Some((_, text)) = VALUES.iter().find(|(listed, _)| *listed == place) {
            let text = self.ours.filled(text);
            return Some(serde_json::from_str(&text).expect("VALUES are JSON"));
        }
        match ty {
            "ID" => learned.get(place).map(|id| json!(id)).or_else(|| Some(json!(""))),
            // Fresh each time, so that no answer is about a name that is taken.
            "String" => Some(json!(format!("swept{}", NEXT.fetch_add(1, Ordering::Relaxed)))),
            "Int" => Some(json!(1)),
            "Float" => Some(json!(1.0)),
            "Boolean" => Some(json!(true)),
            "JSON" => Some(json!({})),
            "DateTime" => Some(json!("2026-01-01T00:00:00Z")),
            _ => None,
        }
    }

    async fn ask(
        &self,
        operation: &Operation,
        caller: &Caller,
        arguments: &Value,
        given: &str,
    ) -> Said {
        let document = self.schema.document(operation, arguments);
        if operation.kind == "subscription" {
            let mut socket = Socket::signed_in(self.plane, caller).await;
            let payload = json!({ "query": document, "variables": arguments });
            socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
            let mut message = socket.next().await.expect("an answer");
            // An error by itself is a list; one among data is in the payload.
            let errors = message["payload"].take();
            let answer = if errors.is_array() { json!({ "errors": errors }) } else { errors };
            return Said { status: 0, answer: anonymous(&answer, given) };
        }
        let reply = self.plane.graphql_reply(caller, &document, arguments.clone()).await;
        let answer = reply.json().unwrap_or_else(|_| panic!("no JSON: {}", reply.text()));
        Said { status: reply.status.into(), answer: anonymous(&answer, given) }
    }
}

/// What a refused id says it should have been.
fn kind_asked_for(said: &str, given: &str) -> Option<String> {
    let marker = format!("this is the id of a {given}, but the id of a ");
    let (_, rest) = said.split_once(&marker)?;
    rest.split(' ').next().map(str::to_owned)
}

/// Whether an answer is about what the id names, and not about another part of the question.
fn reaches(answer: &Value, slot: &Slot) -> bool {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let user_errors = answer["data"]["answer"]["userErrors"].as_array().into_iter().flatten();
    errors.map(|error| &error["extensions"]).chain(user_errors).all(|error| {
        error["code"] == "NOT_FOUND" || error["field"].to_string().contains(slot.name())
    })
}

/// Without what differs between two answers that say the same: request ids, versions, times, ids, made-up names, and the text
/// that was given.
pub(crate) fn anonymous(answer: &Value, given: &str) -> Value {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !["requestId", "request_id", "version"].contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), anonymous(value, given)))
            .collect(),
        Value::Array(values) => values.iter().map(|value| anonymous(value, given)).collect(),
        Value::String(text) if DateTime::parse_from_rfc3339(text).is_ok() => json!("a time"),
        Value::String(text) => {
            let text = text.replace(given, "what was given");
            let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let words = text.split_inclusive(|c| !part_of_word(c)).map(|word| {
                let (bare, end) = word.split_at(word.trim_end_matches(|c| !part_of_word(c)).len());
                if Uuid::parse_str(bare).is_ok() {
                    return format!("an id{end}");
                }
                match bare.strip_prefix("swept") {
                    Some(_) => format!("swept{end}"),
                    None => word.to_owned(),
                }
            });
            json!(words.collect::<String>())
        }
        other => other.clone(),
    }
}
