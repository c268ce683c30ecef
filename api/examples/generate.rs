//! Writes `api/schema.graphql` and `api/openapi.json`: `cargo run -p api --example generate`.
//!
//! `patchbay schema write` does the same together with all other generated files; this one builds sooner.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(here.join("schema.graphql"), api::sdl())?;
    fs::write(here.join("openapi.json"), api::openapi())
}
