//! What a client is told, and what it is not.

use serde_json::{Value, json};
use testkit::{Upstream, upstream::UpstreamConfig};

use crate::plane::{Caller, Plane};

#[tokio::test]
async fn request_id_of_the_client_comes_back_and_a_harmful_one_does_not() {
    let plane = Plane::start().await;
    let kept = plane.get("/api/v1/version", &[("x-request-id", "client-made-0001")]).await;
    assert_eq!(kept.header("x-request-id"), "client-made-0001");
    let replaced = plane.get("/api/v1/version", &[("x-request-id", "a b; DROP")]).await;
    assert!(!replaced.header("x-request-id").contains(' '));
    assert!(replaced.header("x-request-id").len() >= 32);
}

#[tokio::test]
async fn wrong_key_and_no_key_are_answered_alike() {
    let plane = Plane::start().await;
    let made_up = Caller::Key("pb_live_0000000000000000000000000000000000AA".to_owned());
    for caller in [Caller::Nobody, made_up, Caller::Key("nonsense".to_owned())] {
        let reply = plane.graphql_reply(&caller, "{ viewer { role } }", json!({})).await;
        let answer = reply.json().expect("an answer");
        assert_eq!(reply.status, 401, "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
    }
}

#[tokio::test]
async fn id_of_another_kind_is_named() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let id = "session:0192f3c4-0000-7000-8000-000000000000";
    let query = "query($id: ID!) { install(id: $id) { id } }";
    let answer = plane.graphql(&acme.session, query, json!({ "id": id })).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID", "{answer}");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("id of a session")),
        "{answer}"
    );

    let mutation = "mutation($id: ID!) { startSync(input: { installId: $id }) { run { id } userErrors { code field message } } }";
    let answer = plane.graphql(&acme.session, mutation, json!({ "id": id })).await;
    let error = &answer["data"]["startSync"]["userErrors"][0];
    assert_eq!(error["code"], "INVALID", "{answer}");
    assert_eq!(error["field"], json!(["installId"]));
}

#[tokio::test]
async fn expected_outcomes_of_a_mutation_are_data() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let gone = "install:0192f3c4-0000-7000-8000-000000000000";
    let mutation = "mutation($id: ID!) { removeInstall(input: { id: $id }) { removedId userErrors { code message } } }";
    let answer = plane.graphql(&acme.session, mutation, json!({ "id": gone })).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let payload = &answer["data"]["removeInstall"];
    assert_eq!(payload["userErrors"][0]["code"], "NOT_FOUND", "{answer}");
    assert!(payload["removedId"].is_null());
}

#[tokio::test]
async fn connector_settings_that_fail_their_schema_are_refused_at_their_field() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let mutation = "mutation { installConnector(input: { connector: \"files\", displayName: \"Docs\", config: { root: 7 } }) {
        install { id } userErrors { code field message } } }";
    let answer = plane.graphql(&acme.session, mutation, json!({})).await;
    let payload = &answer["data"]["installConnector"];
    assert!(payload["install"].is_null(), "{answer}");
    assert_eq!(payload["userErrors"][0]["code"], "INVALID", "{answer}");
    assert_eq!(payload["userErrors"][0]["field"][0], "config", "{answer}");
    let installs =
        plane.graphql(&acme.session, "{ installs(first: 10) { nodes { id } } }", json!({})).await;
    assert_eq!(installs["data"]["installs"]["nodes"], json!([]), "nothing half-written");
}

#[tokio::test]
async fn fault_inside_is_answered_with_the_request_id_alone() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let database = plane.directory.path().join("patchbay.db");
    // Breaks the database under the running product.
    let broken = std::process::Command::new("python3")
        .arg("-c")
        .arg("import sqlite3,sys; c=sqlite3.connect(sys.argv[1], timeout=20); c.execute('pragma foreign_keys=off'); c.execute('alter table installs rename to gone'); c.commit()")
        .arg(&database)
        .status()
        .expect("python3 runs");
    assert!(broken.success());
    let reply = plane
        .graphql_reply(&acme.session, "{ installs(first: 1) { nodes { id } } }", json!({}))
        .await;
    let text = reply.text();
    let answer = reply.json().expect("an answer");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{text}");
    assert_eq!(answer["errors"][0]["extensions"]["requestId"], reply.header("x-request-id"));
    for leak in ["no such table", "sqlite", "SELECT", "patchbay.db", "gone"] {
        assert!(!text.to_lowercase().contains(&leak.to_lowercase()), "{leak} in {text}");
    }
}

#[tokio::test]
async fn secrets_never_come_back() {
    let canary = "canary-hunter2-7f3a";
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let far = UpstreamConfig { bearer: Some(canary.to_owned()), ..UpstreamConfig::default() };
    let far = Upstream::start(far).await.expect("an MCP server");
    let mutation = "mutation($name: String!, $credential: JSON!, $config: JSON!) {
        checkConnection(input: { connector: \"remote_mcp\", config: $config, credential: $credential }) { ok items { message } userErrors { message } }
        installConnector(input: { connector: \"remote_mcp\", displayName: $name, alias: \"far\", config: $config, credential: $credential }) {
            install { id config hasCredential connector { credentialSchema } } userErrors { code field message } } }";
    let variables = |credential: Value| json!({ "name": "Far", "config": { "url": far.url() }, "credential": credential });
    let given = variables(json!({ "bearer_token": canary }));
    let installed = plane.graphql(&acme.session, mutation, given).await;
    let install = &installed["data"]["installConnector"]["install"];
    assert_eq!(install["hasCredential"], true, "{installed}");
    assert!(far.count("tools/list") + far.count("initialize") > 0, "it was used");
    let mut answers = vec![installed];
    for wrong in [
        json!({ "bearer_token": format!("{canary} x") }),
        json!({ "bearer_token": 7, canary: canary }),
        json!({ "bearer_token": format!("{canary}-wrong") }),
    ] {
        let refused = plane.graphql(&acme.session, mutation, variables(wrong)).await;
        assert_ne!(refused["data"]["installConnector"]["userErrors"], json!([]), "{refused}");
        answers.push(refused);
    }
    let everything = "{ installs(first: 10) { nodes { id config connector { slug } latestRun { error } } }
        auditEvents(first: 50) { nodes { action actor target detail } } apiKeys(first: 10) { nodes { name prefix lastFour } } }";
    let read = plane.graphql(&acme.session, everything, json!({})).await;
    let events = read["data"]["auditEvents"]["nodes"].as_array().expect("a log");
    assert!(events.iter().any(|event| event["action"] == "install.create"), "{read}");
    answers.push(read);
    for answer in answers {
        // A client's own field name may be repeated to it; a value never is.
        let text = answer.to_string().replace(&format!("called `{canary}`"), "");
        assert!(!text.contains(canary), "{answer}");
    }
}

#[tokio::test]
async fn text_of_a_key_is_shown_once() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let mutation = "mutation { createApiKey(input: { name: \"CI\" }) { apiKey { id name role prefix } secret userErrors { message } } }";
    let created = plane.graphql(&acme.session, mutation, json!({})).await;
    let secret = created["data"]["createApiKey"]["secret"].as_str().expect("shown once");
    assert_eq!(created["data"]["createApiKey"]["apiKey"]["role"], "MEMBER", "the default");
    let keys = plane
        .graphql(
            &acme.session,
            "{ apiKeys(first: 10) { nodes { id name prefix lastFour } } }",
            json!({}),
        )
        .await;
    assert!(!keys.to_string().contains(secret), "{keys}");
    let by_key = Caller::Key(secret.to_owned());
    let viewer = plane
        .graphql(&by_key, "{ viewer { user { id } role csrfToken tenant { slug } } }", json!({}))
        .await;
    assert_eq!(viewer["data"]["viewer"]["tenant"]["slug"], "acme", "{viewer}");
    assert!(viewer["data"]["viewer"]["user"].is_null());
}
