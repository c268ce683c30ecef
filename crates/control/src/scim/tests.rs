//! Filters and PATCH on resources in memory.

use serde_json::{Value, json};

use super::{
    USERS,
    document::{self, Document},
    filter, patch,
    schema::GROUPS,
};

fn person() -> Value {
    json!({
        "userName": "Ada@Example.com", "externalId": "A1", "active": true,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [
            { "value": "ada@example.com", "type": "work", "primary": true },
            { "value": "ada@home.example", "type": "home" },
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Engines" },
        "meta": { "created": "2026-11-23T07:00:00Z" },
    })
}

fn patched(operations: &Value) -> Document {
    let mut document = document::read(&USERS, &person()).expect("a user");
    patch::apply(&USERS, &mut document, &json!({ "Operations": operations })).expect("applied");
    document
}

#[test]
fn every_operator_decides_as_the_rfc_says() {
    let yes = [
        r#"userName eq "ada@example.com""#,
        r#"username eq "ADA@EXAMPLE.COM""#,
        r#"userName sw "ada" and userName ew ".com" and userName co "@""#,
        r#"userName ne "bob""#,
        r#"title ne "Boss""#,
        r#"emails[type eq "work"].value pr or emails[type eq "work" and value co "@example.com"]"#,
        r#"emails.value eq "ada@home.example""#,
        r#"emails eq "ada@home.example""#,
        r"not (active eq false)",
        r#"active eq true and name.familyName gt "A" and name.familyName le "lovelace""#,
        r#"meta.created ge "2026-11-23T08:00:00+01:00" and meta.created lt "2026-11-23T07:00:01Z""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "engines""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.com""#,
    ];
    for text in yes {
        let Ok(filter) = filter::parse(text) else {
            // The grammar knows no attribute after a value path in a filter; directories write it in paths only.
            assert!(text.contains("].value pr"), "{text}");
            continue;
        };
        assert!(filter::matches(&filter, &person()), "{text}");
    }
    for text in [
        r#"externalId eq "a1""#,
        r#"emails[type eq "home" and primary eq true]"#,
        "nickName pr",
        r#"userName gt "b""#,
        r"not (userName pr)",
    ] {
        let filter = filter::parse(text).expect(text);
        assert!(!filter::matches(&filter, &person()), "{text}");
    }
    for text in ["userName", "userName eq", "active gt true", r#"userName xx "a""#, ""] {
        assert!(filter::parse(text).is_err(), "{text}");
    }
}

#[test]
fn database_is_given_only_what_everything_that_matches_has() {
    let key = |text: &str| filter::key(&filter::parse(text).expect(text));
    let whole = key(r#"userName eq "a""#).expect("a key");
    assert!(whole.whole && whole.attribute == "username" && whole.value == "a");
    assert!(!key(r#"active eq true and externalId eq "x""#).expect("a key").whole);
    for none in [r#"userName eq "a" or active eq true"#, r#"not (userName eq "a")"#, "id pr"] {
        assert!(key(none).is_none(), "{none}");
    }
}

/// As in the public documentation of Entra ID, with and without its flag for compliance.
#[test]
fn dialect_of_entra_is_understood() {
    let off = patched(&json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    assert_eq!(off["active"], false);
    let dotted = patched(&json!([{ "op": "Replace", "value": {
        "displayName": "Countess", "name.givenName": "Augusta", "emails[type eq \"work\"].value": "c@example.com",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Analysis" } }]));
    assert_eq!(dotted["displayName"], "Countess");
    assert_eq!(dotted["name"], json!({ "givenName": "Augusta", "familyName": "Lovelace" }));
    assert_eq!(dotted["emails"][0]["value"], "c@example.com");
    assert_eq!(dotted[super::ENTERPRISE]["department"], "Analysis");
    let made = patched(&json!([
        { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+44 20" },
        { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "M1" },
    ]));
    assert_eq!(made["phoneNumbers"], json!([{ "type": "mobile", "value": "+44 20" }]));
    assert_eq!(made[super::ENTERPRISE]["manager"], json!({ "value": "M1" }));
}

/// As in the public documentation of Okta.
#[test]
fn dialect_of_okta_is_understood() {
    let off = patched(&json!([{ "op": "replace", "value": { "active": false } }]));
    assert_eq!(off["active"], false);
    let mut group = document::read(&GROUPS, &json!({
        "displayName": "Staff", "members": [{ "value": "a" }, { "value": "b" }, { "value": "c" }] }))
    .expect("a group");
    let operations = json!({ "Operations": [
        { "op": "replace", "value": { "id": "ignored", "displayName": "People" } },
        { "op": "remove", "path": "members[value eq \"a\"]" },
        { "op": "remove", "path": "members", "value": [{ "value": "b" }] },
        { "op": "add", "path": "members", "value": [{ "value": "d", "display": "D" }, { "value": "c" }] },
    ] });
    patch::apply(&GROUPS, &mut group, &operations).expect("applied");
    assert_eq!(group["displayName"], "People");
    assert_eq!(group["members"], json!([{ "value": "c" }, { "value": "d", "display": "D" }]));
}

#[test]
fn paths_that_lead_nowhere_are_refused_in_the_words_of_the_rfc() {
    let cases = [
        (json!({ "op": "replace", "path": "shoeSize", "value": 1 }), "invalidPath"),
        (json!({ "op": "replace", "path": "emails[", "value": 1 }), "invalidPath"),
        (json!({ "op": "replace", "path": "groups", "value": [] }), "mutability"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "active", "value": "maybe" }), "invalidValue"),
        (json!({ "op": "move", "path": "title" }), "invalidSyntax"),
    ];
    for (operation, expected) in cases {
        let mut document = document::read(&USERS, &person()).expect("a user");
        let body = json!({ "Operations": [operation] });
        match patch::apply(&USERS, &mut document, &body) {
            Err(super::ScimError::Bad { kind, .. }) => {
                assert_eq!(kind.as_str(), expected, "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a client sends is answered or refused, never a panic; and what is kept reads back as itself.
        #[test]
        fn any_operation_leaves_a_document_of_the_schema(
            op in prop_oneof!["add", "Replace", "remove"],
            path in prop_oneof![
                Just(None),
                "[a-zA-Z.\\[\\]\" =]{0,20}".prop_map(Some),
                prop_oneof![
                    Just("emails"), Just("emails.value"), Just("name"), Just("name.givenName"), Just("active"),
                    Just("emails[type eq \"work\"]"), Just("emails[type eq \"fax\"].value"),
                ].prop_map(|path| Some(path.to_owned())),
            ],
            value in prop_oneof![
                Just(json!(null)), Just(json!("x")), Just(json!(true)), Just(json!([{ "value": "v", "type": "work" }])),
                Just(json!({ "value": "v", "primary": "True" })), Just(json!({ "emails": [], "name.familyName": "F" })),
            ],
        ) {
            let mut document = document::read(&USERS, &person()).expect("a user");
            let body = json!({ "Operations": [{ "op": op, "path": path, "value": value }] });
            if patch::apply(&USERS, &mut document, &body).is_ok() {
                let again = document::read(&USERS, &Value::Object(document.clone())).expect("of the schema");
                prop_assert_eq!(again, document);
            }
        }

        #[test]
        fn no_filter_panics_and_negation_turns_every_answer(text in "[a-zA-Z0-9 .\\[\\]()\"]{0,40}") {
            if let Ok(parsed) = filter::parse(&text) {
                let negated = filter::parse(&format!("not ({text})")).expect("a filter in brackets");
                prop_assert_ne!(filter::matches(&parsed, &person()), filter::matches(&negated, &person()));
            }
        }
    }
}
