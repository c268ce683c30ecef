//! The console's files: served as a single-page application, cached by what they are.

use std::{fs, path::Path};

use crate::plane::Plane;

fn build(directory: &Path) {
    let console = directory.join("console");
    fs::create_dir_all(console.join("assets")).expect("a directory");
    fs::write(console.join("index.html"), "<!doctype html><title>Console</title>").expect("a file");
    fs::write(console.join("favicon.svg"), "<svg/>").expect("a file");
    let script = "console.log('patchbay');".repeat(200);
    fs::write(console.join("assets/index-3f9a.js"), script).expect("a file");
    fs::write(directory.join("secret.txt"), "outside").expect("a file");
}

#[tokio::test]
async fn every_address_of_the_console_begins_at_its_first_page() {
    let plane = Plane::start_with(|_, directory| build(directory)).await;
    for path in ["/", "/installs/install:0192", "/marketplace/files"] {
        let reply = plane.get(path, &[("accept", "text/html,application/xhtml+xml")]).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.text().contains("<title>Console</title>"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache", "{path}");
    }
    let data = plane.get("/marketplace", &[("accept", "application/json")]).await;
    assert_eq!(data.status, 404, "a script gets no page");
    let icon = plane.get("/favicon.svg", &[]).await;
    assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, "image/svg+xml"));
}

#[tokio::test]
async fn hashed_assets_are_kept_for_ever_and_compressed() {
    let plane = Plane::start_with(|_, directory| build(directory)).await;
    let reply = plane.get("/assets/index-3f9a.js", &[("accept-encoding", "gzip")]).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("cache-control").contains("immutable"));
    assert_eq!(reply.header("content-encoding"), "gzip");
    assert!(reply.body.len() < 1000, "{} bytes", reply.body.len());
    assert!(
        reply.header("content-type").contains("javascript"),
        "{}",
        reply.header("content-type")
    );
    assert_eq!(plane.get("/assets/gone.js", &[("accept", "text/html")]).await.status, 404);
}

#[tokio::test]
async fn nothing_outside_the_directory_is_served() {
    let plane = Plane::start_with(|_, directory| build(directory)).await;
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/.env",
    ] {
        let reply = plane.get(path, &[]).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn console_that_was_not_built_says_how() {
    let plane = Plane::start().await;
    let reply = plane.get("/", &[("accept", "text/html")]).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("make web"), "{}", reply.text());
}
