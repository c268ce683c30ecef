//! Signing in by a provider: the whole walk with a certified one, through the door, as a browser does it.

use std::net::SocketAddr;

use control::Clock;
use domain::secret::ExposeSecret;
use http::Method;
use serde_json::{Value, json};
use testkit::{
    name_server::NameServer,
    openid::{Browser, OpenId},
    ports,
};
use url::Url;

use crate::plane::{Caller, Organisation, Plane};

/// An organisation with a proven domain, a connection and the provider behind it.
struct Setting {
    plane: Plane,
    acme: Organisation,
    names: NameServer,
    provider: OpenId,
    port: u16,
    /// The connection as GraphQL shows it.
    connection: Value,
}

const CONNECTION: &str =
    "id version state redirectUri backchannelLogoutUri testUrl lastTest { passed problems role }";

async fn plane(names: SocketAddr) -> Plane {
    // It stands until a test moves it.
    let clock = Clock::mock(Clock::system().now());
    Plane::start_wired(clock, |_, _| (), |_, egress| egress.name_servers = vec![names]).await
}

async fn mutate(plane: &Plane, caller: &Caller, document: &str, input: Value) -> Value {
    let mut answer = plane.graphql(caller, document, json!({ "input": input })).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["payload"].take()
}

async fn update(setting: &Setting, change: Value) -> Value {
    let document = format!(
        "mutation($input: UpdateSsoConnectionInput!) {{ payload: updateSsoConnection(input: $input) {{
            ssoConnection {{ {CONNECTION} }} userErrors {{ code field message }} }} }}"
    );
    let mut input = change;
    input["id"] = setting.connection["id"].clone();
    mutate(&setting.plane, &setting.acme.session, &document, input).await
}

/// Claims and proves a domain by a DNS record.
async fn prove_domain(plane: &Plane, caller: &Caller, names: &NameServer, name: &str) -> Value {
    let add = "mutation($input: AddDomainInput!) { payload: addDomain(input: $input) {
        domain { id recordName recordValue verifiedAt } userErrors { code message } } }";
    let added = mutate(plane, caller, add, json!({ "name": name })).await["domain"].take();
    let verify = "mutation($input: VerifyDomainInput!) { payload: verifyDomain(input: $input) {
        domain { id verifiedAt } userErrors { code message } } }";
    let early = mutate(plane, caller, verify, json!({ "id": added["id"] })).await;
    assert_eq!(early["userErrors"][0]["code"], "INVALID", "not proven yet: {early}");
    names.set(added["recordName"].as_str().expect("a name"), added["recordValue"].as_str());
    mutate(plane, caller, verify, json!({ "id": added["id"] })).await
}

fn client(connection: &Value) -> Value {
    json!({
        "client_id": "patchbay", "client_secret": "s3cret+/=&",
        "redirect_uris": [connection["redirectUri"]],
        "backchannel_logout_uri": connection["backchannelLogoutUri"],
        "backchannel_logout_session_required": true,
    })
}

impl Setting {
    async fn start() -> Self {
        let names = NameServer::start().await.expect("a name server");
        let plane = plane(names.address).await;
        let acme = plane.organisation("acme").await;
        let proven = prove_domain(&plane, &acme.session, &names, "acme.com").await;
        assert!(proven["domain"]["verifiedAt"].is_string(), "{proven}");
        let [port] = ports::free_ports().expect("a port");
        let create = format!(
            "mutation($input: CreateSsoConnectionInput!) {{ payload: createSsoConnection(input: $input) {{
                ssoConnection {{ {CONNECTION} }} userErrors {{ code field message }} }} }}"
        );
        let input = json!({
            "name": "Acme ID", "issuer": format!("http://127.0.0.1:{port}"),
            "clientId": "patchbay", "clientSecret": "s3cret+/=&",
            "rules": {
                "groupClaim": "groups", "provisions": true, "defaultRole": "VIEWER", "idleMinutes": 30,
                "groupRoles": [{ "group": "it", "role": "ADMIN" }, { "group": "staff", "role": "MEMBER" }],
            },
        });
        let mut created = mutate(&plane, &acme.session, &create, input).await;
        let connection = created["ssoConnection"].take();
        assert_eq!(connection["state"], "DRAFT", "{created}");
        let provider = OpenId::start(port, client(&connection), 0).await.expect("the provider");
        Self { plane, acme, names, provider, port, connection }
    }

    /// As [`Setting::start`], with the test sign-in done and the connection in use.
    async fn in_use() -> Self {
        let setting = Self::start().await;
        setting.test("owner@acme.com+it").await;
        let updated = update(&setting, json!({ "state": "ENABLED" })).await;
        assert_eq!(updated["ssoConnection"]["state"], "ENABLED", "{updated}");
        setting
    }

    /// Walks a test sign-in in the owner's browser; gives the page.
    async fn test(&self, hint: &str) -> String {
        let mut browser = Browser::new();
        let Caller::Session { cookie, .. } = &self.acme.session else { unreachable!("by session") };
        let url = self.connection["testUrl"].as_str().expect("a URL");
        let path = url.strip_prefix(&self.plane.base).expect("our own");
        let reply = self.plane.get(path, &[("cookie", cookie)]).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        browser.adopt(&self.plane.base, &reply);
        let start = hinted(reply.header("location"), hint);
        let (reply, _) = browser.walk(&start, |_| false).await.expect("a walk");
        reply.expect("a page").text()
    }

    /// Types an address and walks up to the answer of the provider, which is not given yet.
    async fn to_callback(&self, browser: &mut Browser, hint: &str) -> Url {
        let location = self.to_provider(browser, hint).await;
        let back = |url: &Url| url.path().starts_with("/sso/callback/");
        let (_, url) = browser.walk(&location, back).await.expect("a walk");
        assert!(back(&url), "{url}");
        url
    }

    /// Types an address; gives the provider's address with another hint.
    async fn to_provider(&self, browser: &mut Browser, hint: &str) -> String {
        let start = Url::parse(&self.plane.url("/sso/start")).expect("a URL");
        let reply =
            browser.step(Method::POST, &start, "email=ann%40acme.com").await.expect("asked");
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/sso/continue"));
        let go_on = Url::parse(&self.plane.url("/sso/continue")).expect("a URL");
        let reply = browser.step(Method::GET, &go_on, "").await.expect("asked");
        assert_eq!(reply.status, 303, "{}", reply.text());
        hinted(reply.header("location"), hint)
    }

    /// The whole sign-in; gives the session's cookie and the last answer.
    async fn sign_in(&self, browser: &mut Browser, hint: &str) -> (Option<String>, testkit::Reply) {
        let callback = self.to_callback(browser, hint).await;
        let reply = browser.step(Method::GET, &callback, "").await.expect("an answer");
        let cookie = browser.cookie(&self.plane.base, "patchbay_session");
        (cookie.map(|token| format!("patchbay_session={token}")), reply)
    }

    async fn viewer(&self, cookie: &str) -> Value {
        let caller = Caller::Session { cookie: cookie.to_owned(), csrf: "only reads".to_owned() };
        let query = "{ viewer { role user { email displayName } tenant { slug } } }";
        let reply = self.plane.graphql_reply(&caller, query, json!({})).await;
        reply.json().expect("JSON")["data"]["viewer"].take()
    }
}

/// The provider of the tests signs in whoever the hint says.
fn hinted(location: &str, hint: &str) -> String {
    let mut url = Url::parse(location).expect("an address");
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "login_hint").collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair("login_hint", hint);
    url.into()
}

#[tokio::test]
async fn connection_is_tested_before_it_is_used_and_the_test_signs_nobody_in() {
    let setting = Setting::start().await;
    let early = update(&setting, json!({ "state": "ENABLED" })).await;
    assert_eq!(early["userErrors"][0]["code"], "CONFLICT", "{early}");
    let page = setting.test("ann@elsewhere.com+it").await;
    assert!(page.contains("The test did not pass") && page.contains("elsewhere.com"), "{page}");
    let still = update(&setting, json!({ "state": "ENFORCED" })).await;
    assert_eq!(still["userErrors"][0]["code"], "CONFLICT", "{still}");
    let page = setting.test("ann@acme.com+it").await;
    assert!(page.contains("The test passed") && page.contains("<code>admin</code>"), "{page}");
    let enabled = update(&setting, json!({ "state": "ENABLED" })).await;
    assert_eq!(enabled["ssoConnection"]["lastTest"]["role"], "ADMIN", "{enabled}");
    let members = setting
        .plane
        .graphql(
            &setting.acme.session,
            "{ members(first: 10) { nodes { user { email } } } }",
            json!({}),
        )
        .await;
    assert_eq!(members["data"]["members"]["nodes"].as_array().map(Vec::len), Some(1), "{members}");
    let changed = update(&setting, json!({ "clientSecret": "another" })).await;
    assert_eq!(
        changed["userErrors"][0]["code"], "CONFLICT",
        "a change wants a new test: {changed}"
    );
}

#[tokio::test]
async fn first_sign_in_makes_a_member_and_each_one_brings_the_role_of_today() {
    let setting = Setting::in_use().await;
    let mut browser = Browser::new();
    let (cookie, reply) = setting.sign_in(&mut browser, "ann@acme.com+staff+it").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"), "{}", reply.text());
    let viewer = setting.viewer(&cookie.expect("a session")).await;
    assert_eq!(viewer["role"], "ADMIN", "{viewer}");
    assert_eq!(viewer["user"], json!({ "email": "ann@acme.com", "displayName": "ann" }));
    // Two steps to find the provider, what the provider itself wants, and one step back.
    let ours = browser.asked.iter().filter(|url| url.as_str().starts_with(&setting.plane.base));
    assert_eq!(ours.count(), 3, "{:?}", browser.asked);

    let (cookie, _) = setting.sign_in(&mut Browser::new(), "ann@acme.com+staff").await;
    assert_eq!(setting.viewer(&cookie.expect("a session")).await["role"], "MEMBER");
    let (cookie, _) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert_eq!(setting.viewer(&cookie.expect("a session")).await["role"], "VIEWER");
}

#[tokio::test]
async fn answer_is_taken_once_in_its_own_browser_and_at_its_own_address() {
    let setting = Setting::in_use().await;
    let mut browser = Browser::new();
    let callback = setting.to_callback(&mut browser, "ann@acme.com").await;
    // Somebody else's browser, and one without a cookie.
    let mut stranger = Browser::new();
    let reply = stranger.step(Method::GET, &callback, "").await.expect("an answer");
    assert_eq!(reply.status, 400, "{}", reply.text());
    let mut mixed = callback.clone();
    mixed.query_pairs_mut().append_pair("nothing", "more");
    let reply = browser.step(Method::GET, &callback, "").await.expect("an answer");
    assert_eq!(reply.status, 303, "{}", reply.text());
    let again = browser.step(Method::GET, &mixed, "").await.expect("an answer");
    assert_eq!(again.status, 400, "the state was used: {}", again.text());

    // An answer that says it is of another issuer (RFC 9207).
    let mut browser = Browser::new();
    let callback = setting.to_callback(&mut browser, "ann@acme.com").await;
    let swapped = callback.as_str().replace(&format!("{}", setting.port), "1");
    let mut evil = callback.clone();
    let query = Url::parse(&swapped).expect("a URL").query().map(str::to_owned);
    evil.set_query(query.as_deref());
    let reply = browser.step(Method::GET, &evil, "").await.expect("an answer");
    assert!(reply.status == 403 && reply.text().contains("another provider"), "{}", reply.text());

    // An answer at the address of another connection.
    let mut browser = Browser::new();
    let mut callback = setting.to_callback(&mut browser, "ann@acme.com").await;
    callback.set_path("/sso/callback/0192f3c4-0000-7000-8000-000000000000");
    let reply = browser.step(Method::GET, &callback, "").await.expect("an answer");
    assert!(reply.status == 403 && reply.text().contains("another provider"), "{}", reply.text());
}

#[tokio::test]
async fn address_of_a_foreign_domain_is_not_believed() {
    let setting = Setting::in_use().await;
    let globex = setting.plane.organisation("globex").await;
    let owner = setting.plane.control.viewer(&globex.owner).await.expect("the owner");
    let victim = owner.user.expect("a person").email;
    let (cookie, reply) = setting.sign_in(&mut Browser::new(), &format!("{victim}+it")).await;
    assert_eq!((cookie, reply.status.as_u16()), (None, 403), "{}", reply.text());
    assert!(reply.text().contains("not one that your organisation has verified"));
    let refused = "{ auditEvents(first: 5) { nodes { action outcome } } }";
    let log = setting.plane.graphql(&setting.acme.session, refused, json!({})).await;
    assert_eq!(log["data"]["auditEvents"]["nodes"][0]["action"], "session.refuse", "{log}");
}

#[tokio::test]
async fn provider_that_is_down_is_said_so_and_the_owner_comes_in_by_a_link() {
    let setting = Setting::in_use().await;
    let updated = update(&setting, json!({ "state": "ENFORCED" })).await;
    assert_eq!(updated["ssoConnection"]["state"], "ENFORCED", "{updated}");
    let mut browser = Browser::new();
    let callback = setting.to_callback(&mut browser, "ann@acme.com").await;
    let Setting { plane, acme, provider, .. } = setting;
    provider.stop();
    let reply = browser.step(Method::GET, &callback, "").await.expect("an answer");
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert!(reply.text().contains("Try again") && reply.text().contains("patchbay sign-in-link"));
    let owner = plane.control.viewer(&acme.owner).await.expect("the owner");
    let user = owner.user.expect("a person").id;
    let link = plane.control.create_sign_in_link(owner.tenant.id, user).await.expect("a link");
    let path = format!("/sign-in/{}", link.expose_secret());
    assert_eq!(plane.post(&path, &[], "").await.status, 303, "the way in for emergencies");
}

#[tokio::test]
async fn rotated_keys_of_the_provider_are_fetched_once_a_token_needs_them() {
    let setting = Setting::in_use().await;
    let (cookie, _) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert!(cookie.is_some());
    let Setting { plane, acme, names, provider, port, connection } = setting;
    provider.stop();
    let provider = OpenId::start(port, client(&connection), 0).await.expect("with other keys");
    let setting = Setting { plane, acme, names, provider, port, connection };
    // Keys that were fetched within the last minute are not fetched again for every unknown one.
    let (cookie, reply) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert_eq!((cookie, reply.status.as_u16()), (None, 403), "{}", reply.text());
    assert!(reply.text().contains("does not publish"), "{}", reply.text());
    setting.plane.clock.advance(chrono::TimeDelta::seconds(61));
    let (cookie, reply) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert!(cookie.is_some(), "{}", reply.text());
}

#[tokio::test]
async fn provider_whose_clock_is_minutes_ahead_is_not_believed() {
    let setting = Setting::in_use().await;
    let Setting { plane, acme, names, provider, port, connection } = setting;
    provider.stop();
    // The keys are new too, and are fetched when they are a minute old.
    plane.clock.advance(chrono::TimeDelta::seconds(61));
    let provider = OpenId::start(port, client(&connection), 61 + 300).await.expect("ahead");
    let setting = Setting { plane, acme, names, provider, port, connection };
    let (cookie, reply) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert_eq!((cookie, reply.status.as_u16()), (None, 403), "{}", reply.text());
    assert!(reply.text().contains("clocks differ"), "{}", reply.text());
    let Setting { plane, acme, names, provider, port, connection } = setting;
    provider.stop();
    plane.clock.advance(chrono::TimeDelta::seconds(61));
    let provider = OpenId::start(port, client(&connection), 122 + 15).await.expect("nearly right");
    let setting = Setting { plane, acme, names, provider, port, connection };
    let (cookie, reply) = setting.sign_in(&mut Browser::new(), "ann@acme.com").await;
    assert!(cookie.is_some(), "{}", reply.text());
}

#[tokio::test]
async fn every_address_is_answered_alike() {
    let setting = Setting::in_use().await;
    let start = Url::parse(&setting.plane.url("/sso/start")).expect("a URL");
    let mut answers = Vec::new();
    for email in ["ann%40acme.com", "nobody%40acme.com", "ann%40unknown.com"] {
        let form = format!("email={email}");
        let reply = Browser::new().step(Method::POST, &start, &form).await.expect("an answer");
        let cookie = reply.header("set-cookie").len();
        answers.push((reply.status, reply.header("location").to_owned(), cookie, reply.text()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let mut lost = Browser::new();
    lost.step(Method::POST, &start, "email=ann%40unknown.com").await.expect("an answer");
    let go_on = setting.plane.url("/sso/continue");
    let (reply, _) = lost.walk(&go_on, |_| false).await.expect("a walk");
    assert!(reply.expect("a page").text().contains("No way to sign in was found"));
}

/// Invites an address; gives the link.
async fn invite(setting: &Setting, email: &str) -> String {
    let document = "mutation($input: InviteMemberInput!) { payload: inviteMember(input: $input) {
        invitation { id state email } url userErrors { code field message } } }";
    let input = json!({ "email": email, "role": "AUDITOR" });
    let sent = mutate(&setting.plane, &setting.acme.session, document, input).await;
    sent["url"].as_str().unwrap_or_else(|| panic!("no link: {sent}")).to_owned()
}

/// Takes an invitation by the organisation's connection, as whoever the hint says; gives the last answer.
async fn accept(setting: &Setting, browser: &mut Browser, url: &str, hint: &str) -> testkit::Reply {
    let url = Url::parse(url).expect("a link");
    let page = browser.step(Method::GET, &url, "").await.expect("a page");
    let (status, text) = (page.status.as_u16(), page.text());
    assert!(status == 200 && text.contains("Continue with Acme ID"), "{status}: {text}");
    let id = setting.connection["id"].as_str().expect("an id");
    let form = format!("by={}", id.replacen("sso_connection:", "connection%3A", 1));
    let reply = browser.step(Method::POST, &url, &form).await.expect("an answer");
    assert_eq!(reply.status, 303, "{}", reply.text());
    let start = hinted(reply.header("location"), hint);
    let back = |url: &Url| url.path().starts_with("/sso/callback/");
    let (_, callback) = browser.walk(&start, back).await.expect("a walk");
    browser.step(Method::GET, &callback, "").await.expect("an answer")
}

#[tokio::test]
async fn invited_person_comes_in_by_the_connection_with_the_invited_role() {
    let setting = Setting::in_use().await;
    let url = invite(&setting, "ann@acme.com").await;
    let mut stranger = Browser::new();
    let reply = accept(&setting, &mut stranger, &url, "bob@acme.com").await;
    assert_eq!(reply.status, 403, "bound to the address: {}", reply.text());
    assert!(stranger.cookie(&setting.plane.base, "patchbay_session").is_none());
    let mut browser = Browser::new();
    let reply = accept(&setting, &mut browser, &url, "ann@acme.com").await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/"), "{}", reply.text());
    let cookie = browser.cookie(&setting.plane.base, "patchbay_session").expect("a session");
    let viewer = setting.viewer(&format!("patchbay_session={cookie}")).await;
    assert_eq!(
        (&viewer["role"], &viewer["user"]["email"]),
        (&json!("AUDITOR"), &json!("ann@acme.com"))
    );
    let again = Url::parse(&url).expect("a link");
    let used = browser.step(Method::GET, &again, "").await.expect("a page");
    assert_eq!(used.status, 403, "{}", used.text());
}

#[tokio::test]
async fn invitation_to_a_foreign_domain_is_not_taken_by_the_word_of_the_connection() {
    let setting = Setting::in_use().await;
    let url = invite(&setting, "victim@elsewhere.com").await;
    let reply = accept(&setting, &mut Browser::new(), &url, "victim@elsewhere.com").await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(reply.text().contains("not one that your organisation has verified"));
}
