//! The shapes that clients of Relay rely on: connections, and one payload for each mutation.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{ObjectType, TypeKind, TypeSystemDefinition},
};
use serde_json::{Value, json};

use crate::plane::Plane;

/// The object types of the SDL, by name.
fn objects() -> BTreeMap<String, ObjectType> {
    let document = parse_schema(api::sdl()).expect("our own SDL");
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(ty) => Some(ty.node),
        _ => None,
    });
    let objects = types.filter_map(|ty| match ty.kind {
        TypeKind::Object(object) => Some((ty.name.node.to_string(), object)),
        _ => None,
    });
    objects.collect()
}

/// The fields of a type with the types of their answers.
fn fields(object: &ObjectType) -> BTreeMap<String, String> {
    let fields = object.fields.iter().map(|field| &field.node);
    fields.map(|field| (field.name.node.to_string(), field.ty.node.to_string())).collect()
}

#[test]
fn every_list_that_can_be_continued_is_a_connection() {
    let objects = objects();
    let mut connections = BTreeSet::new();
    for (name, object) in &objects {
        for field in object.fields.iter().map(|field| &field.node) {
            let arguments: BTreeMap<_, _> = field
                .arguments
                .iter()
                .map(|argument| {
                    (argument.node.name.node.as_str(), argument.node.ty.node.to_string())
                })
                .collect();
            let answer = field.ty.node.to_string();
            let place = format!("{name}.{}: {answer}", field.name.node);
            assert_eq!(answer.ends_with("Connection!"), arguments.contains_key("after"), "{place}");
            if let Some(after) = arguments.get("after") {
                assert_eq!(after, "String", "{place}");
                assert_eq!(arguments.get("first").map(String::as_str), Some("Int!"), "{place}");
                connections.insert(answer.trim_end_matches('!').to_owned());
            }
        }
    }
    assert!(connections.len() >= 6, "{connections:?}");
    for connection in connections {
        let node = connection.trim_end_matches("Connection");
        let expected = [
            ("edges".to_owned(), format!("[{node}Edge!]!")),
            ("nodes".to_owned(), format!("[{node}!]!")),
            ("pageInfo".to_owned(), "PageInfo!".to_owned()),
        ];
        assert_eq!(fields(&objects[&connection]), expected.into(), "{connection}");
        let edge = fields(&objects[&format!("{node}Edge")]);
        assert_eq!(edge.get("cursor").map(String::as_str), Some("String!"), "{node}Edge");
        assert_eq!(edge.get("node"), Some(&format!("{node}!")), "{node}Edge");
    }
}

#[test]
fn every_mutation_takes_one_input_and_gives_its_user_errors() {
    let objects = objects();
    for field in objects["Mutation"].fields.iter().map(|field| &field.node) {
        let name = field.name.node.as_str();
        // Takes nothing, and nothing can be wrong with that.
        if ["signOut", "signOutEverywhere", "createAuditCheckpoint"].contains(&name) {
            continue;
        }
        let (initial, rest) = name.split_at(1);
        let pascal = format!("{}{rest}", initial.to_uppercase());
        let arguments: Vec<_> = field
            .arguments
            .iter()
            .map(|argument| format!("{}: {}", argument.node.name.node, argument.node.ty.node))
            .collect();
        assert_eq!(arguments, [format!("input: {pascal}Input!")], "{name}");
        assert_eq!(field.ty.node.to_string(), format!("{pascal}Payload!"), "{name}");
        let payload = fields(&objects[&format!("{pascal}Payload")]);
        let errors = payload.get("userErrors").map(String::as_str);
        assert_eq!(errors, Some("[UserError!]!"), "{name}");
    }
}

const PAGE: &str = "query($first: Int!, $after: String) { installs(first: $first, after: $after) {
    edges { cursor node { id } } nodes { id }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }";

#[tokio::test]
async fn pages_hold_each_item_once_and_say_where_they_are() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let mut installed = BTreeSet::new();
    for name in ["a", "b", "c", "d", "e"] {
        installed.insert(plane.install(&acme.session, name).await.to_string());
    }
    let mut found = Vec::new();
    let mut after = Value::Null;
    for (length, has_next) in [(2, true), (2, true), (1, false)] {
        let answer =
            plane.graphql(&acme.session, PAGE, json!({ "first": 2, "after": after })).await;
        let page = &answer["data"]["installs"];
        let edges = page["edges"].as_array().expect("edges");
        assert_eq!(edges.len(), length, "{answer}");
        let nodes: Vec<_> = edges.iter().map(|edge| edge["node"].clone()).collect();
        assert_eq!(page["nodes"], Value::Array(nodes), "{answer}");
        let info = &page["pageInfo"];
        assert_eq!(info["hasNextPage"], has_next, "{answer}");
        assert_eq!(info["hasPreviousPage"], !after.is_null(), "{answer}");
        assert_eq!(info["startCursor"], edges[0]["cursor"], "{answer}");
        assert_eq!(info["endCursor"], edges[length - 1]["cursor"], "{answer}");
        found
            .extend(edges.iter().filter_map(|edge| edge["node"]["id"].as_str().map(str::to_owned)));
        after = info["endCursor"].clone();
    }
    assert_eq!(found.len(), installed.len(), "each once: {found:?}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), installed);
}

#[tokio::test]
async fn cursor_that_nobody_gave_out_is_refused_at_its_field() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    for after in ["made-up", "", "install:0192f3c4-0000-7000-8000-000000000000", "\u{0}' or 1=1"] {
        let answer =
            plane.graphql(&acme.session, PAGE, json!({ "first": 1, "after": after })).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID", "{after:?}: {answer}");
        assert_eq!(error["extensions"]["field"], json!(["after"]), "{after:?}: {answer}");
    }
}
