//! The committed descriptions of this door are what its code says.

use std::{fs, path::Path};

fn committed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn committed_schema_is_current() {
    assert!(
        committed("schema.graphql") == api::sdl(),
        "api/schema.graphql is old: run `patchbay schema write` (or `cargo run -p api --example generate`)"
    );
}

#[test]
fn committed_openapi_document_is_current() {
    assert!(
        committed("openapi.json") == api::openapi(),
        "api/openapi.json is old: run `patchbay schema write` (or `cargo run -p api --example generate`)"
    );
}
