//! The direction of dependencies, held against the real workspace.

use std::path::Path;

use testkit::layers::Metadata;

#[tokio::test]
async fn no_crate_depends_on_a_layer_above_it() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let metadata = Metadata::read(&manifest).await.expect("cargo metadata");
    let found = metadata.violations();
    assert!(
        found.is_empty(),
        "dependencies point the wrong way; docs/ARCHITECTURE.md has the layers:\n{}",
        found.join("\n")
    );
}
