//! What can be changed leaves an entry in the audit log, whether it was done or refused: every mutation of the SDL, so that a new one
//! is covered on its first day or fails here.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use control::{AuditFilter, SetUp};
use domain::{
    ApprovalId, AuditEvent, AuditOutcome, Granted, InstallId, OpCtx, PageArgs, Principal, Role,
    SystemReason, authz::permission::McpUse,
};
use serde_json::{Value, json};
use store::{ApprovedCall, NewApproval, Store};
use testkit::name_server::NameServer;

use crate::{
    authorization::TABLE,
    plane::{Caller, Organisation, Plane},
};

/// A mutation of the SDL: whether it takes an input, and whether its payload has user errors.
struct Mutation {
    name: String,
    takes_input: bool,
    has_user_errors: bool,
}

/// An organisation in which every mutation is carried out once.
struct Scene {
    plane: Plane,
    acme: Organisation,
    names: NameServer,
    mutations: Vec<Mutation>,
    done: BTreeSet<String>,
    /// Where entries are looked for when not in the scene's own organisation.
    elsewhere: Option<OpCtx>,
}

fn mutations() -> Vec<Mutation> {
    let document = parse_schema(api::sdl()).expect("our own SDL");
    let mut objects = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        if let TypeKind::Object(object) = ty.node.kind {
            objects.push((ty.node.name.node.to_string(), object.fields));
        }
    }
    let fields = |name: &str| objects.iter().find(|(its, _)| its == name).map(|(_, it)| it);
    let root = fields("Mutation").expect("the mutations").iter();
    root.map(|field| {
        let payload = field.node.ty.node.to_string();
        let payload = fields(payload.trim_end_matches('!')).expect("a payload");
        Mutation {
            name: field.node.name.node.to_string(),
            takes_input: !field.node.arguments.is_empty(),
            has_user_errors: payload.iter().any(|it| it.node.name.node == "userErrors"),
        }
    })
    .collect()
}

async fn newest(plane: &Plane, who: &OpCtx) -> Vec<AuditEvent> {
    let page = PageArgs::new(20, None).expect("a page");
    let list = plane.control.list_audit(who, AuditFilter::default(), page).await;
    list.expect("the audit log").into_items().collect()
}

#[tokio::test]
async fn every_refused_mutation_is_in_the_audit_log() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    let viewer = plane.key(&acme.owner, Role::Viewer).await;
    let mut refused = BTreeSet::new();
    for case in TABLE {
        let Some(name) = case.operation.strip_prefix("Mutation.") else { continue };
        // What everybody may do nobody is refused.
        if Role::Viewer.permissions().contains(case.needs) {
            continue;
        }
        let before = newest(&plane, &acme.owner).await[0].link.seq;
        plane.graphql(&viewer, case.document, json!({})).await;
        let entries = newest(&plane, &acme.owner).await;
        let new: Vec<_> = entries.iter().filter(|it| it.link.seq > before).collect();
        assert_eq!(new.len(), 1, "{name}: {new:?}");
        assert_eq!(new[0].outcome, AuditOutcome::Denied, "{name}");
        assert!(new[0].actor.starts_with("api_key:"), "{name}: {:?}", new[0]);
        refused.insert(name.to_owned());
    }
    let all: BTreeSet<_> = mutations().into_iter().map(|it| it.name).collect();
    let open: Vec<_> = all.difference(&refused).map(String::as_str).collect();
    let of_the_caller_alone = [
        "acceptInvitation",
        "leaveOrganisation",
        "revokeSession",
        "signOut",
        "signOutEverywhere",
        "switchOrganisation",
    ];
    assert_eq!(open, of_the_caller_alone, "whom does nobody refuse these?");
}

#[tokio::test]
async fn every_mutation_that_was_carried_out_is_in_the_audit_log() {
    let mut scene = Scene::start().await;
    scene.work_with_installs().await;
    scene.work_with_access().await;
    scene.work_with_rules().await;
    scene.work_with_webhooks().await;
    scene.work_with_members().await;
    scene.work_with_roles_and_invitations().await;
    scene.hand_over().await;
    scene.work_with_sessions().await;
    let all: BTreeSet<_> = scene.mutations.iter().map(|it| it.name.clone()).collect();
    assert_eq!(
        scene.done, all,
        "if you added a mutation: carry it out in one of the scenes; it must leave an entry"
    );
}

// === impl Scene ===

impl Scene {
    async fn start() -> Self {
        let names = NameServer::start().await.expect("a name server");
        let address = names.address;
        let plane = Plane::start_wired(
            control::Clock::system(),
            |_, _| (),
            |_, egress| egress.name_servers = vec![address],
        )
        .await;
        let acme = plane.organisation("acme").await;
        Self { plane, acme, names, mutations: mutations(), done: BTreeSet::new(), elsewhere: None }
    }

    /// Carries a mutation out as the owner.
    async fn act(&mut self, name: &str, input: Value, selection: &str) -> Value {
        let session = self.acme.session.clone();
        self.act_as(&session, name, input, selection).await
    }

    /// Carries a mutation out, which must succeed and leave an entry of who did it.
    async fn act_as(&mut self, who: &Caller, name: &str, input: Value, selection: &str) -> Value {
        let known = self.mutations.iter().find(|it| it.name == name);
        let known = known.unwrap_or_else(|| panic!("there is no mutation {name}"));
        let errors = if known.has_user_errors { "userErrors { code field message }" } else { "ok" };
        let fields = format!("{{ {errors} {selection} }}");
        let document = if known.takes_input {
            let (first, rest) = name.split_at(1);
            let ty = format!("{}{rest}Input", first.to_uppercase());
            format!("mutation($input: {ty}!) {{ payload: {name}(input: $input) {fields} }}")
        } else {
            format!("mutation {{ payload: {name} {fields} }}")
        };
        let log = self.elsewhere.as_ref().unwrap_or(&self.acme.owner);
        let before = newest(&self.plane, log).await[0].link.seq;
        let mut answer = self.plane.graphql(who, &document, json!({ "input": input })).await;
        assert!(answer["errors"].is_null(), "{name}: {answer}");
        let refused = answer["data"]["payload"]["userErrors"].as_array();
        assert!(refused.is_none_or(Vec::is_empty), "{name}: {answer}");
        let entries = newest(&self.plane, log).await;
        let tells = |it: &&AuditEvent| {
            it.link.seq > before
                && it.outcome == AuditOutcome::Succeeded
                && it.actor.starts_with("user:")
                && it.action.rsplit_once('.').is_none_or(|(_, verb)| verb != "read")
        };
        assert!(entries.iter().any(|it| tells(&it)), "{name} left no entry: {entries:?}");
        self.done.insert(name.to_owned());
        answer["data"]["payload"].take()
    }

    async fn work_with_installs(&mut self) {
        let files = self.plane.directory.path().join("files");
        std::fs::create_dir_all(&files).expect("a directory");
        std::fs::write(files.join("a.md"), "# A").expect("a file");
        let config = json!({ "root": files });
        let check = json!({ "connector": "files", "config": config });
        self.act("checkConnection", check, "").await;
        let install = json!({ "connector": "files", "displayName": "Docs", "config": config });
        let made = self.act("installConnector", install, "install { id latestRun { id } }").await;
        let id = made["install"]["id"].clone();
        let run = made["install"]["latestRun"]["id"].clone();
        self.act("cancelSync", json!({ "runId": run }), "").await;
        self.act("startSync", json!({ "installId": id }), "").await;
        self.act("updateInstall", json!({ "id": id, "displayName": "Papers" }), "").await;
        let install = id.as_str().expect("an id").parse().expect("an id");
        let approval = self.held_call(install).await;
        self.act("decideApproval", json!({ "id": approval, "decision": "REFUSE" }), "").await;
        self.act("removeInstall", json!({ "id": id }), "").await;
    }

    /// A call that waits for a person, as the gateway leaves it.
    async fn held_call(&self, install: InstallId) -> ApprovalId {
        let path = self.plane.directory.path().join("patchbay.db");
        let url = format!("sqlite:{}", path.display());
        let config = store::Config { url, ..store::Config::default() };
        let store = Store::connect(&config).await.expect("the database");
        let granted: Granted<McpUse> =
            Granted::system(SystemReason::SetUp, self.acme.owner.tenant(), "test");
        let tx = store.begin(&granted).await.expect("a transaction");
        let now = self.plane.control.now();
        let new = NewApproval {
            id: ApprovalId::generate(),
            call: ApprovedCall {
                principal: domain::ApiKeyId::generate().to_string(),
                install,
                tool: "write".to_owned(),
                digest: "0".repeat(64),
            },
            arguments: "{}".to_owned(),
            reason: "A policy says so".to_owned(),
            requested_at: now,
            expires_at: now + chrono::TimeDelta::hours(1),
        };
        let approval = tx.approvals().create(&granted, new).await.expect("an approval");
        tx.commit().await.expect("a commit");
        approval.id
    }

    async fn work_with_access(&mut self) {
        let key = self.act("createApiKey", json!({ "name": "A" }), "apiKey { id }").await;
        self.act("revokeApiKey", json!({ "id": key["apiKey"]["id"] }), "").await;
        let token = self.act("createScimToken", json!({ "name": "A" }), "scimToken { id }").await;
        self.act("revokeScimToken", json!({ "id": token["scimToken"]["id"] }), "").await;
        let connection = json!({
            "name": "A", "issuer": "https://id.example.com", "clientId": "a", "rules": {},
        });
        let made = self.act("createSsoConnection", connection, "ssoConnection { id }").await;
        let id = made["ssoConnection"]["id"].clone();
        self.act("updateSsoConnection", json!({ "id": id, "name": "B" }), "").await;
        self.act("removeSsoConnection", json!({ "id": id }), "").await;
        let selection = "domain { id recordName recordValue }";
        let claimed = self.act("addDomain", json!({ "name": "acme.com" }), selection).await;
        let domain = &claimed["domain"];
        self.names
            .set(domain["recordName"].as_str().expect("a name"), domain["recordValue"].as_str());
        self.act("verifyDomain", json!({ "id": domain["id"] }), "").await;
        self.act("removeDomain", json!({ "id": domain["id"] }), "").await;
        self.act("rotateKeys", json!({ "kind": "WRAPPING" }), "").await;
        crate::oauth::let_a_client_in(&self.plane, &self.acme.owner, "acme").await;
        let own = "{ ownClientGrants(first: 1) { nodes { id } } }";
        let grants = self.plane.graphql(&self.acme.session, own, json!({})).await;
        let id = &grants["data"]["ownClientGrants"]["nodes"][0]["id"];
        self.act("revokeClientGrant", json!({ "id": id }), "").await;
    }

    async fn work_with_rules(&mut self) {
        let text = "permit(principal, action, resource);";
        let policy = json!({ "policy": { "name": "a", "title": "A", "text": text } });
        self.act("savePolicy", policy, "").await;
        self.act("removePolicy", json!({ "name": "a" }), "").await;
        self.act("restorePolicySet", json!({ "version": 0 }), "").await;
        self.act("updateAuditSettings", json!({ "keepArguments": false }), "").await;
        self.act("createAuditCheckpoint", json!(null), "").await;
    }

    async fn work_with_webhooks(&mut self) {
        let webhook = json!({ "url": "http://127.0.0.1:9/hooks", "eventTypes": ["key.*"] });
        let made = self.act("createWebhook", webhook, "webhook { id }").await;
        let id = made["webhook"]["id"].clone();
        self.act("updateWebhook", json!({ "id": id, "description": "A" }), "").await;
        self.act("rotateWebhookSecret", json!({ "id": id }), "").await;
        let sent = self.act("sendTestEvent", json!({ "webhookId": id }), "delivery { id }").await;
        self.act("replayWebhookDelivery", json!({ "id": sent["delivery"]["id"] }), "").await;
        let since = json!({ "webhookId": id, "since": "2026-01-01T00:00:00Z" });
        self.act("replayWebhookEvents", since, "").await;
        self.act("removeWebhook", json!({ "id": id }), "").await;
    }

    async fn work_with_members(&mut self) {
        let group = self.act("createGroup", json!({ "name": "A" }), "group { id }").await;
        let group = group["group"]["id"].clone();
        self.act("renameGroup", json!({ "id": group, "name": "B" }), "").await;
        let leaver = self.sign_in("acme", "leaver@acme.example").await;
        self.sign_in("acme", "heir@acme.example").await;
        let id = self.membership("leaver@acme.example").await;
        let members = json!({ "id": group, "memberIds": [id] });
        self.act("addGroupMembers", members.clone(), "").await;
        self.act("removeGroupMembers", members, "").await;
        self.act("removeGroup", json!({ "id": group }), "").await;
        let tenant = self.acme.owner.tenant();
        self.act_as(&leaver, "leaveOrganisation", json!({ "tenantId": tenant }), "").await;
        self.sign_in("acme", "other@acme.example").await;
        let id = self.membership("other@acme.example").await;
        self.act("updateMember", json!({ "id": id, "role": "VIEWER" }), "").await;
        self.act("suspendMember", json!({ "id": id }), "").await;
        self.act("reactivateMember", json!({ "id": id }), "").await;
        self.act("removeMember", json!({ "id": id }), "").await;
    }

    async fn work_with_roles_and_invitations(&mut self) {
        let role = json!({ "name": "Reader", "permissions": ["INSTALL_READ"] });
        let made = self.act("createRole", role, "role { id }").await;
        let role = made["role"]["id"].clone();
        self.act("updateRole", json!({ "id": role, "description": "Reads" }), "").await;
        let heir = self.membership("heir@acme.example").await;
        let held = json!({ "roleId": role, "holderId": heir });
        self.act("assignRole", held.clone(), "").await;
        self.act("unassignRole", held, "").await;
        self.act("deleteRole", json!({ "id": role }), "").await;

        let email = "guest@globex.example";
        let guest = self.sign_in("globex", email).await;
        let invited =
            self.act("inviteMember", json!({ "email": email }), "invitation { id }").await;
        let id = invited["invitation"]["id"].clone();
        let again = self.act("resendInvitation", json!({ "id": id }), "url").await;
        let token = again["url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a link");
        self.act_as(&guest, "acceptInvitation", json!({ "token": token }), "").await;
        let other = json!({ "email": "nobody@globex.example" });
        let invited = self.act("inviteMember", other, "invitation { id }").await;
        self.act("revokeInvitation", json!({ "id": invited["invitation"]["id"] }), "").await;
    }

    async fn hand_over(&mut self) {
        let heir = self.membership("heir@acme.example").await;
        self.act("updateMember", json!({ "id": heir, "role": "ADMIN" }), "").await;
        self.act("transferOwnership", json!({ "toId": heir }), "").await;
    }

    async fn work_with_sessions(&mut self) {
        let email = "owner@acme.example";
        let fresh = self.again().await;
        let own = self.acme.owner.session().expect("by session").to_string();
        self.act_as(&fresh, "revokeSession", json!({ "id": own }), "").await;
        let globex = self.plane.control.set_up(set_up("globex", email)).await.expect("it").tenant;
        // It is noted where the person goes.
        let Principal::User(user) = *self.acme.owner.principal() else { panic!("a person") };
        self.elsewhere = Some(self.plane.session(globex.id, user).await.owner);
        let fresh = self.again().await;
        let other = json!({ "tenantId": globex.id });
        self.act_as(&fresh, "switchOrganisation", other, "").await;
        self.elsewhere = None;
        let fresh = self.again().await;
        self.act_as(&fresh, "signOut", json!(null), "").await;
        let fresh = self.again().await;
        self.act_as(&fresh, "signOutEverywhere", json!(null), "").await;
    }

    async fn membership(&self, email: &str) -> String {
        let members = self.plane.control.list_members(&self.acme.owner, PageArgs::all()).await;
        let mut members = members.expect("members").into_items();
        let found = members.find(|(_, user)| user.email == email);
        found.unwrap_or_else(|| panic!("no member {email}")).0.id.to_string()
    }

    /// Signs an owner of an organisation in, who is made one if they are not.
    async fn sign_in(&self, slug: &str, email: &str) -> Caller {
        let control = &self.plane.control;
        let done = control.set_up(set_up(slug, email)).await.expect("an owner");
        self.plane.session(done.tenant.id, done.owner.id).await.session
    }

    /// Signs the scene's owner in once more.
    async fn again(&self) -> Caller {
        let Principal::User(user) = *self.acme.owner.principal() else { panic!("a person") };
        self.plane.session(self.acme.owner.tenant(), user).await.session
    }
}

fn set_up(slug: &str, email: &str) -> SetUp {
    SetUp {
        tenant_slug: slug.to_owned(),
        tenant_name: slug.to_owned(),
        owner_email: email.to_owned(),
        owner_name: email.to_owned(),
    }
}
