//! An organisation with one of everything that has an id, made for real.

use std::collections::BTreeMap;

use control::{Gate, HeldCall};
use domain::{OpCtx, Role, secret::ExposeSecret};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::plane::{Caller, Organisation, Plane};

/// One thing of a kind: a document that makes or finds it, and where its id is in the answer. `{slug}` and `{kind}` stand for
/// the organisation's slug and ids of things above it in the table.
struct Made(&'static str, &'static str, &'static str);

/// A new kind of id gets its line here.
const MADE: &[Made] = &[
    Made("tenant", "{ viewer { tenant { id } } }", "/viewer/tenant/id"),
    Made("user", "{ viewer { user { id } } }", "/viewer/user/id"),
    Made(
        "membership",
        "{ members(first: 1) { nodes { id } } }",
        "/members/nodes/0/id",
    ),
    Made("session", "{ sessions(first: 1) { nodes { id } } }", "/sessions/nodes/0/id"),
    Made("install", "{ installs(first: 1) { nodes { id } } }", "/installs/nodes/0/id"),
    Made(
        "run",
        "{ installs(first: 1) { nodes { latestRun { id } } } }",
        "/installs/nodes/0/latestRun/id",
    ),
    Made(
        "record",
        "{ installs(first: 1) { nodes { records(first: 1) { nodes { id } } } } }",
        "/installs/nodes/0/records/nodes/0/id",
    ),
    Made("endpoint", "{ endpoints { id } }", "/endpoints/0/id"),
    Made("api_key", "{ apiKeys(first: 1) { nodes { id } } }", "/apiKeys/nodes/0/id"),
    Made("audit", "{ auditEvents(first: 1) { nodes { id } } }", "/auditEvents/nodes/0/id"),
    Made(
        "group",
        "mutation { made: createGroup(input: { name: \"Group of {slug}\" }) { group { id } } }",
        "/made/group/id",
    ),
    Made(
        "scim_token",
        "mutation { made: createScimToken(input: { name: \"Token of {slug}\" }) { scimToken { id } } }",
        "/made/scimToken/id",
    ),
    Made(
        "sso_connection",
        "mutation { made: createSsoConnection(input: { name: \"Login of {slug}\", issuer: \"https://id.{slug}.example\",
            clientId: \"patchbay\", rules: {} }) { ssoConnection { id } } }",
        "/made/ssoConnection/id",
    ),
    Made(
        "domain",
        "mutation { made: addDomain(input: { name: \"{slug}-swept.com\" }) { domain { id } } }",
        "/made/domain/id",
    ),
    Made(
        "key_rotation",
        "mutation { made: rotateKeys(input: { kind: DATA }) { rotation { id } } }",
        "/made/rotation/id",
    ),
    Made(
        "policy_set",
        "mutation { made: savePolicy(input: { policy: { name: \"swept\", title: \"Swept\",
            text: \"permit (principal, action, resource);\" } }) { policySet { id } } }",
        "/made/policySet/id",
    ),
    Made(
        "client_grant",
        "{ ownClientGrants(first: 1) { nodes { id } } }",
        "/ownClientGrants/nodes/0/id",
    ),
    Made(
        "invitation",
        "mutation { made: inviteMember(input: { email: \"guest@{slug}.example\", role: MEMBER }) { invitation { id } } }",
        "/made/invitation/id",
    ),
    Made(
        "role",
        "mutation { made: createRole(input: { name: \"Role of {slug}\", permissions: [TENANT_READ] }) { role { id } } }",
        "/made/role/id",
    ),
    Made(
        "webhook",
        "mutation { made: createWebhook(input: { url: \"http://127.0.0.1:9/{slug}\", eventTypes: [\"key.*\"] }) { webhook { id } } }",
        "/made/webhook/id",
    ),
    Made(
        "webhook_delivery",
        "mutation { made: sendTestEvent(input: { webhookId: \"{webhook}\" }) { delivery { id } } }",
        "/made/delivery/id",
    ),
    Made("approval", "{ approvals(first: 1) { nodes { id } } }", "/approvals/nodes/0/id"),
];

/// An organisation, its owner by session and by key, and what it has.
pub(crate) struct World {
    pub(crate) session: Caller,
    pub(crate) key: Caller,
    /// Its directory's token.
    pub(crate) scim: String,
    pub(crate) slug: String,
    /// Global ids by kind; `scim_user` and `scim_group` are bare.
    pub(crate) ids: BTreeMap<String, String>,
}

// === impl World ===

impl World {
    pub(crate) async fn of(plane: &Plane, slug: &str) -> Self {
        let Organisation { owner, session } = plane.organisation(slug).await;
        plane.install(&session, &format!("docs_of_{slug}")).await;
        plane.work().await;
        let key = plane.key(&owner, Role::Owner).await;
        hold_a_call(plane, &session, &key).await;
        crate::oauth::let_a_client_in(plane, &owner, slug).await;
        let mut ids = BTreeMap::new();
        for made in MADE {
            let id = made.fetch(plane, &session, slug, &ids).await;
            ids.insert(made.0.to_owned(), id);
        }
        let scim = plane.control.create_scim_token(&owner, "Directory", None).await;
        let scim = scim.expect("a token").secret.expose_secret().to_owned();
        for (kind, path, body) in [
            ("scim_user", "Users", json!({ "userName": format!("ann@{slug}.example") })),
            ("scim_group", "Groups", json!({ "displayName": format!("Directory of {slug}") })),
        ] {
            ids.insert(kind.to_owned(), provision(plane, slug, &scim, path, body).await);
        }
        Self { session, key, scim, slug: slug.to_owned(), ids }
    }

    /// The UUIDs that rows of this organisation carry: its own and its owner's.
    pub(crate) fn uuids(&self) -> Vec<String> {
        ["tenant", "user"].iter().map(|kind| bare(&self.ids[*kind]).to_owned()).collect()
    }

    /// Everything by which this organisation could be named in a text.
    pub(crate) fn texts(&self) -> Vec<String> {
        let slug = &self.slug;
        let mut texts = vec![
            slug.clone(),
            format!("owner@{slug}.example"),
            format!("docs_of_{slug}"),
            format!("Group of {slug}"),
            format!("{slug}-swept.com"),
        ];
        texts.extend(self.ids.values().cloned());
        texts
    }

    /// A text with `{kind}` and `{slug}` filled in.
    pub(crate) fn filled(&self, template: &str) -> String {
        filled(template, &self.slug, &self.ids)
    }
}

// === impl Made ===

impl Made {
    async fn fetch(
        &self,
        plane: &Plane,
        caller: &Caller,
        slug: &str,
        ids: &BTreeMap<String, String>,
    ) -> String {
        let document = filled(self.1, slug, ids);
        let answer = plane.graphql(caller, &document, json!({})).await;
        let id = answer["data"].pointer(self.2).and_then(Value::as_str);
        let id = id.unwrap_or_else(|| panic!("no {}: {answer}", self.0)).to_owned();
        let named = id.split_once(':').map(|(kind, _)| kind);
        assert_eq!(named, Some(self.0), "the line of MADE names the kind of its id");
        id
    }
}

/// The UUID of a global id.
pub(crate) fn bare(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or(id)
}

/// A text of the same form that names nothing.
pub(crate) fn never(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((kind, uuid)) if Uuid::parse_str(uuid).is_ok() => format!("{kind}:{}", fresh()),
        _ if Uuid::parse_str(text).is_ok() => fresh(),
        _ => text.replace("other", "never"),
    }
}

/// A UUID of version 7 that nothing has.
fn fresh() -> String {
    bare(&domain::InstallId::generate().to_string()).to_owned()
}

fn filled(template: &str, slug: &str, ids: &BTreeMap<String, String>) -> String {
    let start = template.replace("{slug}", slug);
    ids.iter().fold(start, |text, (kind, id)| text.replace(&format!("{{{kind}}}"), id))
}

/// A call of a key that waits for a person.
async fn hold_a_call(plane: &Plane, session: &Caller, key: &Caller) {
    let Caller::Key(key) = key else { unreachable!("by key") };
    let ctx: OpCtx = plane.control.by_api_key(key, "sweep").await.expect("a caller");
    let document = "{ installs(first: 1) { nodes { id } } }";
    let answer = plane.graphql(session, document, json!({})).await;
    let install = answer["data"]["installs"]["nodes"][0]["id"].as_str().expect("an install");
    let held = HeldCall {
        install: install.parse().expect("an id"),
        tool: "read",
        arguments: "{}",
        digest: "swept",
        reason: "Ask first",
    };
    let gate = plane.control.pass_gate(&ctx, held).await.expect("an answer");
    assert!(matches!(gate, Gate::Closed(_)), "nobody has approved it");
}

async fn provision(plane: &Plane, slug: &str, token: &str, path: &str, body: Value) -> String {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    let path = format!("/scim/v2/{slug}/{path}");
    let reply = plane.send(Method::POST, &path, &headers, &body.to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json().expect("JSON")["id"].as_str().expect("an id").to_owned()
}
