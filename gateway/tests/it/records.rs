//! Synced data: as tools, as resources, and in prompts.

use domain::Role;
use serde_json::{Value, json};
use testkit::{
    mcp::Mcp,
    upstream::{Upstream, UpstreamConfig},
};

use crate::bench::{Bench, Org, call, call_result, names, text};

const DOCS: &[(&str, &str)] = &[
    ("cables.md", "# Cables\n\nPatch cables are blue."),
    ("päper.md", "# Paper\n\nPaper is white."),
];

async fn installed(bench: &Bench) -> (Org, Mcp) {
    let org = bench.org("acme").await;
    let key = bench.member(&org).await;
    let client = bench.client(&org, &key);
    bench.install_files(&org, "docs", DOCS).await;
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    (org, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_and_fetch_reads() {
    let bench = Bench::start().await;
    let (_org, client) = installed(&bench).await;
    let found = call_result(&client, "search", json!({"query": "blue cables"})).await;
    let results = found["structuredContent"]["results"].as_array().expect("results");
    assert_eq!(results.len(), 1, "{found}");
    assert_eq!(results[0]["title"], "Cables");
    assert!(results[0]["text"].as_str().expect("text").contains("blue"));
    assert_eq!(
        serde_json::from_str::<Value>(text(&found)).expect("JSON"),
        found["structuredContent"]
    );
    let document = call_result(&client, "fetch", json!({"id": results[0]["id"]})).await;
    let document = &document["structuredContent"];
    assert!(document["text"].as_str().expect("text").contains("Patch cables are blue."));
    assert_eq!(document["metadata"]["source"], "Our docs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_searched_or_fetched_says_why() {
    let bench = Bench::start().await;
    let (_org, client) = installed(&bench).await;
    for (tool, arguments) in [
        ("search", json!({})),
        ("search", json!({"query": "  "})),
        ("search", json!({"query": "x", "limit": 0})),
        ("search", json!({"query": "x", "limit": "many"})),
        ("fetch", json!({})),
        ("fetch", json!({"id": "install:0192f3c4-0000-7000-8000-000000000000"})),
        ("fetch", json!({"id": "record:0192f3c4-0000-7000-8000-000000000000"})),
    ] {
        let result = call_result(&client, tool, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{tool} {arguments}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_are_listed_and_read() {
    let bench = Bench::start().await;
    let (_org, client) = installed(&bench).await;
    let list = client.modern("resources/list", json!({})).await.expect("a list");
    assert_eq!((&list["resultType"], &list["cacheScope"]), (&json!("complete"), &json!("private")));
    let resources = list["resources"].as_array().expect("resources");
    let mut uris: Vec<&str> = resources.iter().filter_map(|it| it["uri"].as_str()).collect();
    uris.sort_unstable();
    assert_eq!(uris, ["patchbay://docs/files/cables.md", "patchbay://docs/files/p%C3%A4per.md"]);
    let read = client.modern("resources/read", json!({"uri": uris[1]})).await.expect("a document");
    assert_eq!(read["contents"][0]["uri"], uris[1]);
    assert!(read["contents"][0]["text"].as_str().expect("text").contains("Paper is white."));
    let templates = client.modern("resources/templates/list", json!({})).await.expect("a list");
    assert_eq!(
        templates["resourceTemplates"][0]["uriTemplate"],
        "patchbay://{source}/{stream}/{id}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_resource_answers_exactly_like_an_unknown_one() {
    let bench = Bench::start().await;
    let (org, _client) = installed(&bench).await;
    let server = Upstream::start(UpstreamConfig::default()).await.expect("a server");
    let other = bench.install_remote(&org, "other", &server.url(), None).await;
    let key = bench.key(&org, Role::Member, Some(&[other.id])).await;
    let client = bench.client(&org, &key);
    let list = client.modern("resources/list", json!({})).await.expect("a list");
    assert_eq!(list["resources"], json!([]));
    let mut answers = Vec::new();
    for name in ["cables.md", "nothing.m"] {
        let uri = format!("patchbay://docs/files/{name}");
        let reply = client.modern_reply("resources/read", json!({"uri": uri})).await;
        let reply = reply.expect("an answer");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.json().expect("JSON")["error"]["code"], -32602);
        answers.push(reply.text().replace(name, "NAME"));
    }
    assert_eq!(answers[0], answers[1]);
    let reply = call(&client, "search", json!({"query": "blue"})).await;
    assert_eq!(reply.json().expect("JSON")["error"]["message"], "Unknown tool: search");
    let session = client.legacy().await.expect("a session");
    let params = json!({"uri": "patchbay://docs/files/cables.md"});
    let legacy = session.reply("resources/read", params).await.expect("an answer");
    assert_eq!(legacy.json().expect("JSON")["error"]["code"], -32002, "the code of that revision");
}

#[tokio::test(flavor = "multi_thread")]
async fn document_of_another_tenant_is_not_there() {
    let bench = Bench::start().await;
    let (_org, client) = installed(&bench).await;
    let found = call_result(&client, "search", json!({"query": "blue"})).await;
    let id = found["structuredContent"]["results"][0]["id"].clone();
    let other = bench.org("other").await;
    let key = bench.member(&other).await;
    let stranger = bench.client(&other, &key);
    bench.install_files(&other, "docs", &[("own.md", "own text")]).await;
    bench.until("the install is listed", async || names(&stranger).await.len() == 4).await;
    let result = call_result(&stranger, "fetch", json!({"id": id})).await;
    assert_eq!(result["isError"], true, "{result}");
    let found = call_result(&stranger, "search", json!({"query": "blue"})).await;
    assert_eq!(found["structuredContent"]["results"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_name_what_the_organisation_really_has() {
    let bench = Bench::start().await;
    let (_org, client) = installed(&bench).await;
    let list = client.modern("prompts/list", json!({})).await.expect("a list");
    let names: Vec<&str> = list["prompts"]
        .as_array()
        .expect("prompts")
        .iter()
        .filter_map(|prompt| prompt["name"].as_str())
        .collect();
    assert_eq!(names, ["answer_from_sources", "summarise_source"]);
    let params = json!({"name": "answer_from_sources", "arguments": {"question": "Which colour?"}});
    let prompt = client.modern("prompts/get", params).await.expect("a prompt");
    let said = prompt["messages"][0]["content"]["text"].as_str().expect("text");
    for part in ["The acme", "Our docs", "`search`", "`docs__read_file`", "Which colour?"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let params = json!({"name": "summarise_source", "arguments": {"install": "docs"}});
    let prompt = client.modern("prompts/get", params).await.expect("a prompt");
    let said = prompt["messages"][0]["content"]["text"].as_str().expect("text");
    assert!(said.contains("patchbay://docs/") && said.contains("`docs__list_files`"), "{said}");
    for params in [
        json!({"name": "nonsense"}),
        json!({"name": "answer_from_sources"}),
        json!({"name": "answer_from_sources", "arguments": {"question": " "}}),
        json!({"name": "summarise_source", "arguments": {"install": "theirs"}}),
    ] {
        let reply = client.modern_reply("prompts/get", params.clone()).await.expect("an answer");
        let code = reply.json().expect("JSON")["error"]["code"].clone();
        assert_eq!((reply.status.as_u16(), code), (200, json!(-32602)), "{params}");
    }
}
