//! Access tokens at the MCP endpoint: what opens it, what does not, and how fast it closes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use control::OauthForm;
use domain::{PageArgs, secret::ExposeSecret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::mcp::Mcp;
use url::{Url, form_urlencoded};

use crate::bench::{Bench, Org, call, names};

const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const REDIRECT: &str = "https://client.example/callback";

fn form(pairs: &[(&str, &str)]) -> OauthForm {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    OauthForm::parse(&text).expect("a form")
}

/// The owner lets a client in; gives its access token.
async fn access_token(bench: &Bench, org: &Org, scope: &str) -> String {
    let metadata = json!({ "client_name": "Client", "redirect_uris": [REDIRECT] });
    let registered =
        bench.control.register_client(&org.slug, &metadata, "test").await.expect("registered");
    let client = registered["client_id"].as_str().expect("an id").to_owned();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let asked = form(&[
        ("response_type", "code"),
        ("client_id", &client),
        ("redirect_uri", REDIRECT),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("scope", scope),
    ]);
    let location =
        bench.control.allow_client(&org.owner, &org.slug, &asked).await.expect("allowed");
    let url = Url::parse(&location).expect("a location");
    let code = url.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let shown = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", &client),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]);
    let tokens = bench.control.exchange_token(&org.slug, &shown, "test").await.expect("tokens");
    tokens.access.expose_secret().to_owned()
}

fn client(bench: &Bench, org: &Org, token: &str) -> Mcp {
    Mcp::new(&bench.http, &bench.url(&org.slug), token)
}

async fn status(client: &Mcp) -> u16 {
    let reply = client.modern_reply("tools/list", json!({})).await.expect("an answer");
    reply.status.as_u16()
}

#[tokio::test]
async fn client_is_told_where_to_sign_in() {
    let bench = Bench::start().await;
    for slug in ["acme", "nobody"] {
        let reply = Mcp::anonymous(&bench.http, &bench.url(slug))
            .modern_reply("tools/list", json!({}))
            .await
            .expect("an answer");
        assert_eq!(reply.status, 401);
        let challenge = reply.header("www-authenticate");
        let document = format!("/.well-known/oauth-protected-resource/t/{slug}/mcp\"");
        assert!(
            challenge.contains(&document) && challenge.contains("scope=\"mcp\""),
            "{challenge}"
        );
        assert!(!challenge.contains("error="), "nothing was shown: {challenge}");
    }
}

#[tokio::test]
async fn token_opens_the_endpoint_the_moment_it_is_given() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    bench.install_files(&org, "docs", &[("hello.md", "# Hello")]).await;
    // The gateway knows the organisation, and has not heard of the grant yet.
    let _ = bench.member(&org).await;
    let token = access_token(&bench, &org, "mcp").await;
    let client = client(&bench, &org, &token);
    assert_eq!(status(&client).await, 200);
    assert!(names(&client).await.contains(&"docs__read_file".to_owned()));
    let session = client.legacy().await.expect("a session of the older revision");
    assert!(session.request("tools/list", json!({})).await.is_ok());
    let audit = bench.audit(&org).await;
    let listed = audit.iter().find(|it| it.action == "mcp.tools.list").expect("an entry");
    assert_eq!(listed.actor, org.owner.principal().to_string());
}

#[tokio::test]
async fn token_of_one_organisation_opens_no_other() {
    let bench = Bench::start().await;
    let (acme, globex) = (bench.org("acme").await, bench.org("globex").await);
    let token = access_token(&bench, &acme, "mcp").await;
    assert_eq!(status(&client(&bench, &acme, &token)).await, 200);
    assert_eq!(status(&client(&bench, &globex, &token)).await, 401);
    let (head, signature) = token.rsplit_once('.').expect("three parts");
    let body = head.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(body).expect("base64url");
    let mut claims: Value = serde_json::from_slice(&claims).expect("claims");
    claims["scope"] = json!("mcp offline_access");
    let changed = URL_SAFE_NO_PAD.encode(claims.to_string());
    let head = head.split('.').next().expect("a header");
    for forged in [
        format!("{head}.{changed}.{signature}"),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{body}."),
        format!("{head}.{body}"),
        "eyJ".to_owned(),
    ] {
        assert_eq!(status(&client(&bench, &acme, &forged)).await, 401, "{forged}");
    }
}

#[tokio::test]
async fn client_that_was_let_read_sees_everything_and_changes_nothing() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    bench.install_files(&org, "docs", &[("hello.md", "# Hello")]).await;
    let remote = crate::scripted::Scripted::start(|asked| match asked.method.as_str() {
        "tools/list" => {
            crate::scripted::result(asked, &json!({ "tools": [crate::scripted::tool("wipe")] }))
        }
        "tools/call" => crate::scripted::result(
            asked,
            &json!({ "content": [{ "type": "text", "text": "wiped" }] }),
        ),
        _ => crate::scripted::discovered(asked),
    });
    bench.install_remote(&org, "danger", remote.url(), None).await;
    let reader = client(&bench, &org, &access_token(&bench, &org, "mcp:read").await);
    let writer = client(&bench, &org, &access_token(&bench, &org, "mcp").await);
    bench
        .until("both see the tool", async || {
            names(&reader).await.contains(&"danger__wipe".to_owned())
        })
        .await;
    assert_eq!(names(&reader).await, names(&writer).await);
    assert_eq!(call(&reader, "docs__read_file", json!({ "path": "hello.md" })).await.status, 200);
    let refused = call(&reader, "danger__wipe", json!({})).await;
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"mcp\""),
        "{challenge}"
    );
    assert!(!remote.methods().contains(&"tools/call".to_owned()), "nothing reached the server");
    assert_eq!(call(&writer, "danger__wipe", json!({})).await.status, 200);
}

#[tokio::test]
async fn token_dies_with_its_grant() {
    let bench = Bench::start().await;
    let org = bench.org("acme").await;
    let client = client(&bench, &org, &access_token(&bench, &org, "mcp").await);
    assert_eq!(status(&client).await, 200);
    let grants = bench.control.list_client_grants(&org.owner, PageArgs::all()).await;
    let grant = grants.expect("grants").into_items().next().expect("a grant");
    bench.control.revoke_client_grant(&org.owner, grant.id).await.expect("revoked");
    bench.until("the token is refused", async || status(&client).await == 401).await;
}
