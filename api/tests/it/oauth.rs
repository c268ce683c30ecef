//! AI clients sign in by OAuth: each step as a client and a person's browser walk it, and as an attacker would.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use control::{Clock, OauthForm};
use domain::{OpCtx, Role};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::Reply;
use url::{Url, form_urlencoded};

use crate::plane::{Caller, Organisation, Plane};

const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
const REDIRECT: &str = "https://client.example/callback";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A plane with one organisation and a client that has registered there.
struct Setting {
    plane: Plane,
    acme: Organisation,
    client: String,
}

/// A client that this person has let in.
pub(crate) async fn let_a_client_in(plane: &Plane, person: &OpCtx, slug: &str) {
    let metadata = json!({ "redirect_uris": [REDIRECT] });
    let client = plane.control.register_client(slug, &metadata, "test").await.expect("a client");
    let form = encoded(&[
        ("response_type", "code"),
        ("client_id", client["client_id"].as_str().expect("an id")),
        ("redirect_uri", REDIRECT),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ]);
    let form = OauthForm::parse(&form).expect("a form");
    plane.control.allow_client(person, slug, &form).await.expect("a grant");
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

fn parameter(location: &str, name: &str) -> Option<String> {
    let url = Url::parse(location).expect("an absolute location");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> String {
    let at = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&at).unwrap_or_else(|| panic!("no field {name}: {page}"));
    rest.split('"').next().unwrap_or_default().replace("&amp;", "&")
}

// === impl Setting ===

impl Setting {
    async fn start() -> Self {
        Self::at(Clock::system()).await
    }

    async fn at(clock: Clock) -> Self {
        let plane = Plane::start_wired(clock, |_, _| (), |_, _| ()).await;
        let acme = plane.organisation("acme").await;
        let metadata = json!({ "client_name": "Test <client>", "redirect_uris": [REDIRECT] });
        let registered = register(&plane, "acme", &metadata).await;
        assert_eq!(registered.status, 201, "{}", registered.text());
        let registered = registered.json().expect("a registration");
        let client = registered["client_id"].as_str().expect("an id").to_owned();
        Self { plane, acme, client }
    }

    /// The parameters of a good request, with some of them changed.
    fn query(&self, change: &[(&str, &str)]) -> String {
        let (challenge, resource) = (challenge(), self.plane.url("/t/acme/mcp"));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "the state"),
            ("resource", &resource),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        encoded(&pairs)
    }

    async fn ask(&self, caller: &Caller, change: &[(&str, &str)]) -> Reply {
        let path = format!("/oauth/acme/authorize?{}", self.query(change));
        self.plane.get(&path, &cookies(caller)).await
    }

    async fn decide(&self, caller: &Caller, decision: &str, change: &[(&str, &str)]) -> Reply {
        let page = self.ask(caller, change).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let form = format!(
            "{}&{}",
            self.query(change),
            encoded(&[("csrf", &hidden(&page.text(), "csrf")), ("decision", decision)])
        );
        let mut headers = cookies(caller);
        headers.push(FORM);
        self.plane.post("/oauth/acme/authorize", &headers, &form).await
    }

    /// A code that the owner has allowed.
    async fn code(&self) -> String {
        let reply = self.decide(&self.acme.session, "allow", &[]).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        parameter(reply.header("location"), "code").expect("a code")
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> Reply {
        self.plane.post("/oauth/acme/token", &[FORM], &encoded(pairs)).await
    }

    async fn redeem(&self, code: &str, change: &[(&str, &str)]) -> Reply {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client.as_str()),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in change {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        self.token(&pairs).await
    }

    async fn tokens(&self) -> Value {
        let reply = self.redeem(&self.code().await, &[]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json().expect("tokens")
    }

    async fn refresh(&self, token: &Value) -> Reply {
        let token = token.as_str().expect("a refresh token");
        let client = self.client.as_str();
        let pairs =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)];
        self.token(&pairs).await
    }

    async fn grants(&self, caller: &Caller) -> Value {
        let document =
            "{ clientGrants(first: 10) { nodes { id clientName redirect scopes revokedAt } } }";
        let answer = self.plane.graphql(caller, document, json!({})).await;
        answer["data"]["clientGrants"]["nodes"].clone()
    }
}

fn cookies(caller: &Caller) -> Vec<(&'static str, &str)> {
    match caller {
        Caller::Session { cookie, .. } => vec![("cookie", cookie.as_str())],
        Caller::Key(_) | Caller::Nobody => Vec::new(),
    }
}

async fn register(plane: &Plane, slug: &str, metadata: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    plane.post(&format!("/oauth/{slug}/register"), &headers, &metadata.to_string()).await
}

fn error(reply: &Reply) -> String {
    let answer = reply.json().unwrap_or_else(|_| panic!("no JSON: {}", reply.text()));
    answer["error"].as_str().unwrap_or_default().to_owned()
}

fn is_revoked(grants: &Value) -> bool {
    grants.as_array().is_some_and(|grants| grants.iter().all(|grant| !grant["revokedAt"].is_null()))
}

#[tokio::test]
async fn every_form_of_discovery_finds_the_same_server_whether_it_exists_or_not() {
    let Setting { plane, .. } = Setting::start().await;
    for slug in ["acme", "nobody"] {
        let resource = format!("/.well-known/oauth-protected-resource/t/{slug}/mcp");
        let resource = plane.get(&resource, &[]).await.json().expect("a document");
        assert_eq!(resource["resource"], plane.url(&format!("/t/{slug}/mcp")));
        let issuer = resource["authorization_servers"][0].as_str().expect("an issuer");
        for path in [
            format!("/.well-known/oauth-authorization-server/oauth/{slug}"),
            format!("/.well-known/openid-configuration/oauth/{slug}"),
            format!("/oauth/{slug}/.well-known/openid-configuration"),
        ] {
            let reply = plane.get(&path, &[("origin", "https://inspector.example")]).await;
            assert_eq!(reply.header("access-control-allow-origin"), "*");
            assert_eq!(reply.json().expect("a document")["issuer"], issuer, "{path}");
        }
    }
    let keys = plane.get("/oauth/acme/jwks", &[]).await.json().expect("keys");
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn client_registers_once_however_often_it_asks() {
    let Setting { plane, client, .. } = Setting::start().await;
    let metadata = json!({ "client_name": "Test <client>", "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "client_secret_post" });
    let again = register(&plane, "acme", &metadata).await.json().expect("a registration");
    assert_eq!(again["client_id"], client.as_str());
    assert_eq!(again["token_endpoint_auth_method"], "none", "what was taken, not what was asked");
    for (metadata, expected) in [
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": [REDIRECT], "grant_types": ["implicit"] }),
            "invalid_client_metadata",
        ),
        (json!("no object"), "invalid_client_metadata"),
    ] {
        let refused = register(&plane, "acme", &metadata).await;
        assert_eq!(
            (refused.status.as_u16(), error(&refused).as_str()),
            (400, expected),
            "{metadata}"
        );
    }
}

#[tokio::test]
async fn flood_of_new_clients_is_told_to_wait() {
    let Setting { plane, .. } = Setting::start().await;
    for number in 0..100 {
        let uri = format!("https://client.example/{number}");
        let reply = register(&plane, "acme", &json!({ "redirect_uris": [uri] })).await;
        if reply.status == 429 {
            assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
            return;
        }
    }
    panic!("a hundred new clients were taken at once");
}

#[tokio::test]
async fn person_signs_in_first_and_comes_back_to_the_same_request() {
    let setting = Setting::start().await;
    let reply = setting.ask(&Caller::Nobody, &[]).await;
    assert_eq!(reply.status, 303);
    let location = reply.header("location").to_owned();
    assert!(location.starts_with("/sign-in?return_to=%2Foauth%2Facme%2Fauthorize"), "{location}");
    let page = setting.plane.get(&location, &[]).await.text();
    assert!(hidden(&page, "return_to").starts_with("/oauth/acme/authorize?response_type=code"));
}

#[tokio::test]
async fn page_says_who_asks_for_what_and_believes_no_markup() {
    let setting = Setting::start().await;
    let reply = setting.ask(&setting.acme.session, &[("scope", "mcp:read offline_access")]).await;
    let page = reply.text();
    assert!(page.contains("Test &lt;client&gt;") && !page.contains("<client>"), "{page}");
    for expected in
        ["acme Ltd", "owner@acme.example", "client.example", "registered itself", "only read"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let policy = reply.header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'")
            && policy.contains("form-action 'self' https://client.example"),
        "{policy}"
    );
}

#[tokio::test]
async fn answer_never_goes_where_the_client_is_not() {
    let setting = Setting::start().await;
    for change in [
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "https://client.example/callback/"),
        ("redirect_uri", "https://client.example/callback?more=1"),
        ("redirect_uri", ""),
        ("client_id", "oauth_client:0192f3c4-0000-7000-8000-000000000000"),
        ("client_id", "nobody"),
    ] {
        let reply = setting.ask(&setting.acme.session, &[change]).await;
        assert_eq!(reply.status, 400, "{change:?}");
        assert!(reply.text().contains("cannot be let in"), "{change:?}");
    }
    let twice =
        format!("/oauth/acme/authorize?{}&redirect_uri=https://evil.example", setting.query(&[]));
    assert_eq!(setting.plane.get(&twice, &cookies(&setting.acme.session)).await.status, 400);
}

#[tokio::test]
async fn client_hears_what_else_is_wrong_with_its_state_and_our_name() {
    let setting = Setting::start().await;
    for (change, expected) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("resource", "https://elsewhere.example/mcp"), "invalid_target"),
    ] {
        let reply = setting.ask(&setting.acme.session, &[change]).await;
        assert_eq!(reply.status, 303, "{change:?}: {}", reply.text());
        let location = reply.header("location");
        assert_eq!(parameter(location, "error").as_deref(), Some(expected));
        assert_eq!(parameter(location, "state").as_deref(), Some("the state"));
        assert_eq!(parameter(location, "iss"), Some(setting.plane.url("/oauth/acme")));
    }
    let denied = setting.decide(&setting.acme.session, "deny", &[]).await;
    assert_eq!(parameter(denied.header("location"), "error").as_deref(), Some("access_denied"));
    assert_eq!(setting.grants(&setting.acme.session).await, json!([]));
}

#[tokio::test]
async fn form_that_was_not_shown_to_this_session_allows_nothing() {
    let setting = Setting::start().await;
    let globex = setting.plane.organisation("globex").await;
    let Caller::Session { csrf: foreign, .. } = &globex.session else { panic!("a session") };
    for csrf in ["", "0000", foreign.as_str()] {
        let form =
            format!("{}&{}", setting.query(&[]), encoded(&[("csrf", csrf), ("decision", "allow")]));
        let mut headers = cookies(&setting.acme.session);
        headers.push(FORM);
        let reply = setting.plane.post("/oauth/acme/authorize", &headers, &form).await;
        assert_eq!(reply.status, 403, "{csrf}");
    }
    let form = setting.query(&[]);
    let mut headers = cookies(&setting.acme.session);
    headers.extend([FORM, ("origin", "https://evil.example")]);
    let reply = setting.plane.post("/oauth/acme/authorize", &headers, &form).await;
    assert_eq!(reply.status, 403);
    assert_eq!(setting.grants(&setting.acme.session).await, json!([]));
}

#[tokio::test]
async fn nobody_lets_a_client_into_an_organisation_that_is_not_theirs() {
    let setting = Setting::start().await;
    let globex = setting.plane.organisation("globex").await;
    let foreign = setting.ask(&globex.session, &[]).await;
    assert_eq!(foreign.status, 403);
    let unknown = format!("/oauth/nobody/authorize?{}", setting.query(&[]));
    let unknown = setting.plane.get(&unknown, &cookies(&globex.session)).await;
    let words = |reply: &Reply| reply.text().split("<small>").next().map(str::to_owned);
    assert_eq!((foreign.status, words(&foreign)), (unknown.status, words(&unknown)));
}

#[tokio::test]
async fn code_is_good_once_for_its_client_its_redirect_and_its_verifier() {
    let setting = Setting::start().await;
    let other = json!({ "client_name": "Other", "redirect_uris": [REDIRECT] });
    let other = register(&setting.plane, "acme", &other).await.json().expect("a registration");
    let other = other["client_id"].as_str().expect("an id");
    for change in [
        ("code_verifier", "another-verifier-that-is-long-enough-0123456789"),
        ("code_verifier", "short"),
        ("redirect_uri", "https://client.example/other"),
        ("client_id", other),
    ] {
        let code = setting.code().await;
        let refused = setting.redeem(&code, &[change]).await;
        assert_eq!(
            (refused.status.as_u16(), error(&refused).as_str()),
            (400, "invalid_grant"),
            "{change:?}"
        );
        let burnt = setting.redeem(&code, &[]).await;
        assert_eq!(
            error(&burnt),
            "invalid_grant",
            "a code that was tried wrongly is over: {change:?}"
        );
    }
    assert!(is_revoked(&setting.grants(&setting.acme.session).await));
}

#[tokio::test]
async fn code_that_comes_twice_ends_what_it_was_exchanged_for() {
    let setting = Setting::start().await;
    let code = setting.code().await;
    let tokens = setting.redeem(&code, &[]).await.json().expect("tokens");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(error(&setting.redeem(&code, &[]).await), "invalid_grant");
    assert_eq!(error(&setting.refresh(&tokens["refresh_token"]).await), "invalid_grant");
    assert!(is_revoked(&setting.grants(&setting.acme.session).await));
}

#[tokio::test]
async fn code_is_good_for_a_minute() {
    let clock = Clock::mock(DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time"));
    let setting = Setting::at(clock.clone()).await;
    let code = setting.code().await;
    clock.advance(TimeDelta::seconds(61));
    assert_eq!(error(&setting.redeem(&code, &[]).await), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_are_exchanged_and_a_lost_answer_does_not_sign_anybody_out() {
    let clock = Clock::mock(DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time"));
    let setting = Setting::at(clock.clone()).await;
    let first = setting.tokens().await["refresh_token"].clone();
    let (one, other) = tokio::join!(setting.refresh(&first), setting.refresh(&first));
    let one = one.json().expect("tokens")["refresh_token"].clone();
    let other = other.json().expect("tokens")["refresh_token"].clone();
    assert!(one.is_string() && other.is_string() && one != other, "{one} {other}");
    clock.advance(TimeDelta::minutes(10));
    assert_eq!(setting.refresh(&one).await.status, 200);
    assert_eq!(setting.refresh(&other).await.status, 200, "both windows of a client live on");
}

#[tokio::test]
async fn stolen_refresh_token_ends_the_whole_family() {
    let clock = Clock::mock(DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time"));
    let setting = Setting::at(clock.clone()).await;
    let first = setting.tokens().await["refresh_token"].clone();
    let second = setting.refresh(&first).await.json().expect("tokens")["refresh_token"].clone();
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(error(&setting.refresh(&first).await), "invalid_grant");
    assert_eq!(error(&setting.refresh(&second).await), "invalid_grant");
    assert!(is_revoked(&setting.grants(&setting.acme.session).await));
}

#[tokio::test]
async fn refresh_token_is_its_clients_alone_and_dies_of_disuse() {
    let clock = Clock::mock(DateTime::<Utc>::from_timestamp(1_800_000_000, 0).expect("a time"));
    let setting = Setting::at(clock.clone()).await;
    let token = setting.tokens().await["refresh_token"].clone();
    let text = token.as_str().expect("a token");
    let foreign =
        [("grant_type", "refresh_token"), ("refresh_token", text), ("client_id", "nobody")];
    assert_eq!(error(&setting.token(&foreign).await), "invalid_grant");
    clock.advance(TimeDelta::days(31));
    assert_eq!(error(&setting.refresh(&token).await), "invalid_grant");
}

#[tokio::test]
async fn client_gives_a_token_back_and_a_stranger_cannot() {
    let setting = Setting::start().await;
    let refresh = setting.tokens().await["refresh_token"].clone();
    let text = refresh.as_str().expect("a token");
    for (token, client) in [(text, "nobody"), ("unknown", setting.client.as_str())] {
        let form = encoded(&[("token", token), ("client_id", client)]);
        assert_eq!(setting.plane.post("/oauth/acme/revoke", &[FORM], &form).await.status, 200);
        assert!(!is_revoked(&setting.grants(&setting.acme.session).await), "{client}");
    }
    let form = encoded(&[("token", text), ("client_id", &setting.client)]);
    assert_eq!(setting.plane.post("/oauth/acme/revoke", &[FORM], &form).await.status, 200);
    assert!(is_revoked(&setting.grants(&setting.acme.session).await));
    assert_eq!(error(&setting.refresh(&refresh).await), "invalid_grant");
}

#[tokio::test]
async fn person_sees_and_ends_what_they_let_in() {
    let setting = Setting::start().await;
    let refresh = setting.tokens().await["refresh_token"].clone();
    let grants = setting.grants(&setting.acme.session).await;
    assert_eq!(grants[0]["clientName"], "Test <client>");
    assert_eq!(grants[0]["scopes"], json!(["mcp"]));
    let own = "{ ownClientGrants(first: 10) { nodes { clientName } } }";
    let own_of = async |caller| setting.plane.graphql(caller, own, json!({})).await;
    let mine = own_of(&setting.acme.session).await;
    assert_eq!(
        mine["data"]["ownClientGrants"]["nodes"].as_array().map(Vec::len),
        Some(1),
        "{mine}"
    );
    let member = setting.plane.key(&setting.acme.owner, Role::Member).await;
    let theirs = own_of(&member).await;
    assert_eq!(theirs["data"]["ownClientGrants"]["nodes"], json!([]), "{theirs}");
    let document = "mutation($id: ID!) { revokeClientGrant(input: { id: $id }) { clientGrant { revokedAt } userErrors { code } } }";
    let variables = json!({ "id": grants[0]["id"] });
    let globex = setting.plane.organisation("globex").await;
    let foreign = setting.plane.graphql(&globex.session, document, variables.clone()).await;
    assert_eq!(foreign["data"]["revokeClientGrant"]["userErrors"][0]["code"], "NOT_FOUND");
    let ended = setting.plane.graphql(&setting.acme.session, document, variables).await;
    assert!(ended["data"]["revokeClientGrant"]["clientGrant"]["revokedAt"].is_string(), "{ended}");
    assert_eq!(error(&setting.refresh(&refresh).await), "invalid_grant");
}

#[tokio::test]
async fn organisation_that_is_not_there_answers_like_one_that_knows_nothing_of_it() {
    let setting = Setting::start().await;
    let form = encoded(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", "oauth_client:0192f3c4-0000-7000-8000-000000000000"),
    ]);
    let unknown = setting.plane.post("/oauth/nobody/token", &[FORM], &form).await;
    let known = setting.plane.post("/oauth/acme/token", &[FORM], &form).await;
    assert_eq!((unknown.status, unknown.text()), (known.status, known.text()));
    assert_eq!(error(&known), "invalid_grant");
    let metadata = json!({ "redirect_uris": ["https://other.example/cb"] });
    for _ in 0..2 {
        let mut answers = Vec::new();
        for slug in ["acme", "nobody"] {
            let reply = register(&setting.plane, slug, &metadata).await;
            let mut answer = reply.json().expect("a registration");
            let id = answer["client_id"].take();
            assert!(id.as_str().is_some_and(|id| id.starts_with("oauth_client:")), "{id}");
            answers.push((reply.status, answer));
        }
        assert_eq!(answers[0], answers[1]);
    }
    let form = encoded(&[("grant_type", "password"), ("username", "a"), ("password", "b")]);
    let reply = setting.plane.post("/oauth/acme/token", &[FORM], &form).await;
    assert_eq!(error(&reply), "unsupported_grant_type");
    let json = [("content-type", "application/json")];
    let reply = setting.plane.post("/oauth/acme/token", &json, "{}").await;
    assert_eq!((reply.status.as_u16(), error(&reply).as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn client_is_who_its_document_says() {
    let setting = Setting::start().await;
    let documents = crate::documents::Documents::start();
    let id = documents.url("/client.json");
    documents.put(
        "/client.json",
        &json!({ "client_id": id, "client_name": "Documented",
        "redirect_uris": ["http://localhost/callback"], "token_endpoint_auth_method": "none" }),
    );
    documents.put("/liar.json", &json!({ "client_id": id, "redirect_uris": [REDIRECT] }));
    let good = [("client_id", id.as_str()), ("redirect_uri", "http://localhost:53117/callback")];
    let page = setting.ask(&setting.acme.session, &good).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(
        page.text().contains("describes this client")
            && page.text().contains("program on this computer")
    );
    let allowed = setting.decide(&setting.acme.session, "allow", &good).await;
    assert!(allowed.header("location").starts_with("http://localhost:53117/callback?code="));
    assert_eq!(documents.asked("/client.json"), 1, "asked once, then remembered");
    for path in ["/liar.json", "/missing.json", "/redirect.json", "/large.json"] {
        let id = documents.url(path);
        let refused = setting.ask(&setting.acme.session, &[("client_id", &id)]).await;
        assert_eq!(refused.status, 400, "{path}");
    }
}
