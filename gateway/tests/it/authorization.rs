//! Which permission each MCP method needs. Every method that is served must have a case here. A caller without the permission
//! gets an answer in which nothing of the install can be seen.

use std::collections::BTreeSet;

use domain::{Role, authz::PermissionName};
use serde_json::{Value, json};
use testkit::{
    Reply,
    mcp::Mcp,
    upstream::{Upstream, UpstreamConfig},
};

use crate::bench::{Bench, Org, names};

/// A request, and what only a caller with the permission finds in its answer.
struct Case {
    method: &'static str,
    params: fn() -> Value,
    shows: Option<(&'static str, PermissionName)>,
}

const TABLE: &[Case] = &[
    open("server/discover"),
    open("initialize"),
    open("ping"),
    Case {
        method: "tools/list",
        params: || json!({}),
        shows: Some(("docs__read_file", PermissionName::McpUse)),
    },
    Case {
        method: "tools/list",
        params: || json!({}),
        shows: Some((r#""name":"search""#, PermissionName::RecordRead)),
    },
    Case {
        method: "tools/call",
        params: || json!({"name": "docs__read_file", "arguments": {"path": "guide.md"}}),
        shows: Some(("cables are blue", PermissionName::McpUse)),
    },
    Case {
        method: "tools/call",
        params: || json!({"name": "search", "arguments": {"query": "cables"}}),
        shows: Some(("patchbay://docs/", PermissionName::RecordRead)),
    },
    Case {
        method: "resources/list",
        params: || json!({}),
        shows: Some(("patchbay://docs/files/guide.md", PermissionName::RecordRead)),
    },
    Case {
        method: "resources/templates/list",
        params: || json!({}),
        shows: Some(("Sources: docs", PermissionName::RecordRead)),
    },
    Case {
        method: "resources/read",
        params: || json!({"uri": "patchbay://docs/files/guide.md"}),
        shows: Some(("cables are blue", PermissionName::RecordRead)),
    },
    Case {
        method: "prompts/list",
        params: || json!({}),
        shows: Some(("Which source: docs", PermissionName::McpUse)),
    },
    Case {
        method: "prompts/get",
        params: || json!({"name": "summarise_source", "arguments": {"install": "docs"}}),
        shows: Some(("Our docs", PermissionName::McpUse)),
    },
];

/// A method that concerns nobody but the caller: every key of the organisation may use it.
const fn open(method: &'static str) -> Case {
    Case { method, params: || json!({}), shows: None }
}

// === impl Case ===

impl Case {
    /// The answers to this request in the eras that have the method.
    async fn replies(&self, client: &Mcp) -> Vec<Reply> {
        let mut replies = Vec::new();
        if !matches!(self.method, "initialize" | "ping") {
            let reply = client.modern_reply(self.method, (self.params)()).await;
            replies.push(reply.expect("an answer"));
        }
        if self.method != "server/discover" {
            let session = client.legacy().await.expect("a session");
            let reply = session.reply(self.method, (self.params)()).await;
            replies.push(reply.expect("an answer"));
        }
        replies
    }

    /// Asserts what this caller sees.
    async fn check(&self, client: &Mcp, may: impl Fn(PermissionName) -> bool, who: &str) {
        for reply in self.replies(client).await {
            let text = reply.text();
            assert_eq!(reply.status, 200, "{who} {}: {text}", self.method);
            match self.shows {
                Some((secret, needs)) => {
                    assert_eq!(text.contains(secret), may(needs), "{who} {}: {text}", self.method);
                }
                None => assert!(text.contains(r#""result":"#), "{who} {}: {text}", self.method),
            }
        }
    }
}

async fn organisation(bench: &Bench) -> Org {
    let org = bench.org("acme").await;
    bench.install_files(&org, "docs", &[("guide.md", "# Guide\n\nPatch cables are blue.")]).await;
    let client = bench.client(&org, &bench.member(&org).await);
    bench.until("the install is listed", async || names(&client).await.len() == 4).await;
    org
}

#[test]
fn every_mcp_method_has_a_case() {
    let served: BTreeSet<&str> = gateway::methods().collect();
    let covered: BTreeSet<&str> = TABLE.iter().map(|case| case.method).collect();
    assert!(served.len() >= 10, "the methods were read: {served:?}");
    assert_eq!(
        served, covered,
        "if you added a method: say in TABLE what its answer shows to whom; if you removed one: remove its lines"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_what_the_table_says_and_no_more() {
    let bench = Bench::start().await;
    let org = organisation(&bench).await;
    for role in Role::ALL {
        let client = bench.client(&org, &bench.key(&org, *role, None).await);
        for case in TABLE {
            let may = |needs| role.permissions().contains(needs);
            case.check(&client, may, &format!("{role:?}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_is_limited_to_other_installs_sees_nothing_of_this_one() {
    let bench = Bench::start().await;
    let org = organisation(&bench).await;
    let server = Upstream::start(UpstreamConfig::default()).await.expect("a server");
    let other = bench.install_remote(&org, "other", &server.url(), None).await;
    let key = bench.key(&org, Role::Admin, Some(&[other.id])).await;
    for case in TABLE {
        case.check(&bench.client(&org, &key), |_| false, "a key for another install").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_and_the_keys_of_other_tenants_are_turned_away_from_every_method() {
    let bench = Bench::start().await;
    let org = organisation(&bench).await;
    let other = bench.org("other").await;
    let foreign = bench.key(&other, Role::Owner, None).await;
    let strangers = [Mcp::anonymous(&bench.http, &bench.url("acme")), bench.client(&org, &foreign)];
    for client in strangers {
        for Case { method, params, .. } in TABLE {
            let reply = client.modern_reply(method, params()).await.expect("an answer");
            assert_eq!(reply.status, 401, "{method}: {}", reply.text());
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params()});
            let reply = client.post(&[], &body).await.expect("an answer");
            assert_eq!(reply.status, 401, "{method}: {}", reply.text());
        }
    }
}
