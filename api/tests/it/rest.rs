//! Health, version and the OpenAPI document; and problem+json for what is not there.

use crate::plane::Plane;

#[tokio::test]
async fn health_is_open_to_all_and_tells_nothing_but_up_or_down() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/health/live", &[]).await.status, 204);
    let reply = plane.get("/health/ready", &[("host", "10.0.0.7")]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json().expect("JSON");
    let expected =
        serde_json::json!({ "ready": true, "database": true, "queue": true, "cache": true });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn openapi_document_is_the_committed_one() {
    let plane = Plane::start().await;
    let reply = plane.get("/api/v1/openapi.json", &[]).await;
    assert_eq!(reply.text(), api::openapi());
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn version_is_told() {
    let plane = Plane::start().await;
    let answer = plane.get("/api/v1/version", &[]).await.json().expect("JSON");
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let plane = Plane::start().await;
    let reply = plane.get("/api/v2/nothing", &[]).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json().expect("JSON");
    assert_eq!(problem["code"], "NOT_FOUND");
    assert_eq!(problem["request_id"], reply.header("x-request-id"));
    let wrong = plane.post("/sign-in", &[], "").await;
    assert_eq!(wrong.status, 405, "{}", wrong.text());
}

#[tokio::test]
async fn paths_of_the_other_door_are_left_alone() {
    let plane = Plane::start().await;
    let reply = plane.get("/t/acme/mcp", &[("accept", "text/html")]).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-security-policy"), "", "not ours to answer");
}
