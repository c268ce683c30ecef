//! Who may do what, operation by operation. A new operation fails here until it has its line in the table.

use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use domain::{
    Role,
    authz::{PermissionName, PermissionName as P},
};
use serde_json::{Value, json};

use crate::{
    plane::{Caller, Plane},
    subscriptions::Socket,
};

/// An operation, the permission that it needs, and a document that uses it. Ids in it name nothing, so that being
/// let through changes nothing and is answered with "not there".
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    pub(crate) needs: PermissionName,
    pub(crate) document: &'static str,
}

const fn case(operation: &'static str, needs: PermissionName, document: &'static str) -> Case {
    Case { operation, needs, document }
}

/// The table. Operations may have several lines, when what they do depends on what they are given.
pub(crate) const TABLE: &[Case] = &[
    case("Query.viewer", P::TenantRead, "{ viewer { role tenant { id } user { id } } }"),
    case(
        "Query.node",
        P::InstallRead,
        "{ node(id: \"install:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::InstallRead,
        "{ node(id: \"run:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::TenantRead,
        "{ node(id: \"tenant:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::MemberRead,
        "{ node(id: \"user:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::EndpointRead,
        "{ node(id: \"endpoint:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case("Query.node", P::ConnectorRead, "{ node(id: \"connector:files\") { id } }"),
    case(
        "Query.node",
        P::RecordRead,
        "{ node(id: \"record:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::ApiKeyRead,
        "{ node(id: \"api_key:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::AuditRead,
        "{ node(id: \"audit:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::KeyRotate,
        "{ node(id: \"key_rotation:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case("Query.keyRing", P::KeyRotate, "{ keyRing { wrappingKey } }"),
    case("Query.keyRotations", P::KeyRotate, "{ keyRotations(first: 1) { nodes { id } } }"),
    case(
        "Mutation.rotateKeys",
        P::KeyRotate,
        "mutation { payload: rotateKeys(input: { kind: WRAPPING }) { userErrors { code } } }",
    ),
    case("Query.connectors", P::ConnectorRead, "{ connectors { slug } }"),
    case("Query.connector", P::ConnectorRead, "{ connector(slug: \"files\") { slug } }"),
    case("Query.installs", P::InstallRead, "{ installs(first: 1) { nodes { id } } }"),
    case(
        "Query.install",
        P::InstallRead,
        "{ install(id: \"install:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case("Query.search", P::RecordRead, "{ search(query: \"patchbay\") { score } }"),
    case("Query.endpoints", P::EndpointRead, "{ endpoints { url } }"),
    case("Query.members", P::MemberRead, "{ members(first: 1) { nodes { id } } }"),
    case(
        "Query.node",
        P::MemberRead,
        "{ node(id: \"membership:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Mutation.updateMember",
        P::MemberWrite,
        "mutation { payload: updateMember(input: { id: \"membership:0192f3c4-0000-7000-8000-000000000000\", role: VIEWER }) { userErrors { code } } }",
    ),
    case(
        "Mutation.suspendMember",
        P::MemberWrite,
        "mutation { payload: suspendMember(input: { id: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.reactivateMember",
        P::MemberWrite,
        "mutation { payload: reactivateMember(input: { id: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeMember",
        P::MemberWrite,
        "mutation { payload: removeMember(input: { id: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.transferOwnership",
        P::TenantDelete,
        "mutation { payload: transferOwnership(input: { toId: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.leaveOrganisation",
        P::TenantRead,
        "mutation { payload: leaveOrganisation(input: { tenantId: \"tenant:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case("Query.invitations", P::MemberWrite, "{ invitations(first: 1) { nodes { id } } }"),
    case(
        "Query.node",
        P::MemberWrite,
        "{ node(id: \"invitation:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Mutation.inviteMember",
        P::MemberWrite,
        "mutation { payload: inviteMember(input: { email: \"\" , role: VIEWER }) { userErrors { code } } }",
    ),
    case(
        "Mutation.resendInvitation",
        P::MemberWrite,
        "mutation { payload: resendInvitation(input: { id: \"invitation:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.revokeInvitation",
        P::MemberWrite,
        "mutation { payload: revokeInvitation(input: { id: \"invitation:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.acceptInvitation",
        P::TenantRead,
        "mutation { payload: acceptInvitation(input: { token: \"none\" }) { userErrors { code } } }",
    ),
    case("Query.roles", P::MemberRead, "{ roles(first: 1) { nodes { id } } }"),
    case("Query.permissions", P::MemberRead, "{ permissions { permission } }"),
    case(
        "Query.node",
        P::MemberRead,
        "{ node(id: \"role:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Mutation.createRole",
        P::MemberWrite,
        "mutation { payload: createRole(input: { name: \"\", permissions: [] }) { userErrors { code } } }",
    ),
    case(
        "Mutation.updateRole",
        P::MemberWrite,
        "mutation { payload: updateRole(input: { id: \"role:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.deleteRole",
        P::MemberWrite,
        "mutation { payload: deleteRole(input: { id: \"role:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.assignRole",
        P::MemberWrite,
        "mutation { payload: assignRole(input: { roleId: \"role:0192f3c4-0000-7000-8000-000000000000\", holderId: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.unassignRole",
        P::MemberWrite,
        "mutation { payload: unassignRole(input: { roleId: \"role:0192f3c4-0000-7000-8000-000000000000\", holderId: \"membership:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case("Query.groups", P::MemberRead, "{ groups(first: 1) { nodes { id } } }"),
    case(
        "Query.node",
        P::MemberRead,
        "{ node(id: \"group:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Mutation.createGroup",
        P::MemberWrite,
        "mutation { payload: createGroup(input: { name: \"\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.renameGroup",
        P::MemberWrite,
        "mutation { payload: renameGroup(input: { id: \"group:0192f3c4-0000-7000-8000-000000000000\", name: \"X\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeGroup",
        P::MemberWrite,
        "mutation { payload: removeGroup(input: { id: \"group:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.addGroupMembers",
        P::MemberWrite,
        "mutation { payload: addGroupMembers(input: { id: \"group:0192f3c4-0000-7000-8000-000000000000\", memberIds: [\"membership:0192f3c4-0000-7000-8000-000000000000\"] }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeGroupMembers",
        P::MemberWrite,
        "mutation { payload: removeGroupMembers(input: { id: \"group:0192f3c4-0000-7000-8000-000000000000\", memberIds: [\"membership:0192f3c4-0000-7000-8000-000000000000\"] }) { userErrors { code } } }",
    ),
    case("Query.clientGrants", P::ApiKeyRead, "{ clientGrants(first: 1) { nodes { id } } }"),
    case("Query.ownClientGrants", P::McpUse, "{ ownClientGrants(first: 1) { nodes { id } } }"),
    case(
        "Mutation.revokeClientGrant",
        P::McpUse,
        "mutation { payload: revokeClientGrant(input: { id: \"client_grant:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case("Query.scimTokens", P::IdentityRead, "{ scimTokens(first: 1) { nodes { id } } }"),
    case(
        "Mutation.createScimToken",
        P::IdentityWrite,
        "mutation { payload: createScimToken(input: { name: \"\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.revokeScimToken",
        P::IdentityWrite,
        "mutation { payload: revokeScimToken(input: { id: \"scim_token:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case("Query.apiKeys", P::ApiKeyRead, "{ apiKeys(first: 1) { nodes { id } } }"),
    case("Query.auditEvents", P::AuditRead, "{ auditEvents(first: 1) { nodes { id } } }"),
    case("Query.auditSettings", P::AuditRead, "{ auditSettings { keepArguments } }"),
    case(
        "Mutation.updateAuditSettings",
        P::TenantWrite,
        "mutation { payload: updateAuditSettings(input: { keepArguments: false }) { userErrors { code } } }",
    ),
    case(
        "Mutation.createAuditCheckpoint",
        P::AuditRead,
        "mutation { payload: createAuditCheckpoint { userErrors { code } } }",
    ),
    case(
        "Mutation.installConnector",
        P::InstallWrite,
        "mutation { payload: installConnector(input: { connector: \"none\", displayName: \"None\", config: {} }) { userErrors { code } } }",
    ),
    case(
        "Mutation.updateInstall",
        P::InstallWrite,
        "mutation { payload: updateInstall(input: { id: \"install:0192f3c4-0000-7000-8000-000000000000\", displayName: \"X\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeInstall",
        P::InstallWrite,
        "mutation { payload: removeInstall(input: { id: \"install:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.checkConnection",
        P::InstallWrite,
        "mutation { payload: checkConnection(input: { connector: \"none\", config: {} }) { userErrors { code } } }",
    ),
    case(
        "Mutation.startSync",
        P::SyncRun,
        "mutation { payload: startSync(input: { installId: \"install:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.cancelSync",
        P::SyncRun,
        "mutation { payload: cancelSync(input: { runId: \"run:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.createApiKey",
        P::ApiKeyWrite,
        "mutation { payload: createApiKey(input: { name: \"X\", role: VIEWER }) { userErrors { code } } }",
    ),
    case(
        "Mutation.revokeApiKey",
        P::ApiKeyWrite,
        "mutation { payload: revokeApiKey(input: { id: \"api_key:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Query.node",
        P::PolicyRead,
        "{ node(id: \"policy_set:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::ApprovalDecide,
        "{ node(id: \"approval:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case("Query.policySet", P::PolicyRead, "{ policySet { version } }"),
    case("Query.policyVersions", P::PolicyRead, "{ policyVersions(first: 1) { nodes { id } } }"),
    case(
        "Query.validatePolicy",
        P::PolicyRead,
        "{ validatePolicy(policy: { name: \"x\", title: \"X\", text: \"\" }) { ok } }",
    ),
    case(
        "Query.explainPolicy",
        P::PolicyRead,
        "{ explainPolicy(input: { principal: \"user:0192f3c4-0000-7000-8000-000000000000\", prompt: \"x\" }) { decision } }",
    ),
    case("Query.simulatePolicies", P::PolicyRead, "{ simulatePolicies(policies: []) { calls } }"),
    case("Query.approvals", P::ApprovalDecide, "{ approvals(first: 1) { nodes { id } } }"),
    case(
        "Mutation.savePolicy",
        P::PolicyWrite,
        "mutation { payload: savePolicy(input: { policy: { name: \"x\", title: \"X\", text: \"\" } }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removePolicy",
        P::PolicyWrite,
        "mutation { payload: removePolicy(input: { name: \"none\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.restorePolicySet",
        P::PolicyWrite,
        "mutation { payload: restorePolicySet(input: { version: 999 }) { userErrors { code } } }",
    ),
    case(
        "Mutation.decideApproval",
        P::ApprovalDecide,
        "mutation { payload: decideApproval(input: { id: \"approval:0192f3c4-0000-7000-8000-000000000000\", decision: REFUSE }) { userErrors { code } } }",
    ),
    case(
        "Query.node",
        P::WebhookRead,
        "{ node(id: \"webhook:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case(
        "Query.node",
        P::WebhookRead,
        "{ node(id: \"webhook_delivery:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
    case("Query.webhooks", P::WebhookRead, "{ webhooks(first: 1) { nodes { id } } }"),
    case("Query.webhookEventTypes", P::WebhookRead, "{ webhookEventTypes }"),
    case(
        "Mutation.createWebhook",
        P::WebhookWrite,
        "mutation { payload: createWebhook(input: { url: \"none\", eventTypes: [\"*\"] }) { userErrors { code } } }",
    ),
    case(
        "Mutation.updateWebhook",
        P::WebhookWrite,
        "mutation { payload: updateWebhook(input: { id: \"webhook:0192f3c4-0000-7000-8000-000000000000\", enabled: true }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeWebhook",
        P::WebhookWrite,
        "mutation { payload: removeWebhook(input: { id: \"webhook:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.rotateWebhookSecret",
        P::WebhookWrite,
        "mutation { payload: rotateWebhookSecret(input: { id: \"webhook:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.sendTestEvent",
        P::WebhookWrite,
        "mutation { payload: sendTestEvent(input: { webhookId: \"webhook:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.replayWebhookDelivery",
        P::WebhookWrite,
        "mutation { payload: replayWebhookDelivery(input: { id: \"webhook_delivery:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.replayWebhookEvents",
        P::WebhookWrite,
        "mutation { payload: replayWebhookEvents(input: { webhookId: \"webhook:0192f3c4-0000-7000-8000-000000000000\", since: \"2026-01-01T00:00:00Z\" }) { userErrors { code } } }",
    ),
    case("Query.ssoConnections", P::IdentityRead, "{ ssoConnections(first: 1) { nodes { id } } }"),
    case("Query.domains", P::IdentityRead, "{ domains(first: 1) { nodes { id } } }"),
    case("Query.sessions", P::TenantRead, "{ sessions(first: 1) { nodes { id } } }"),
    case("Query.organisations", P::TenantRead, "{ organisations { id } }"),
    case(
        "Mutation.createSsoConnection",
        P::IdentityWrite,
        "mutation { payload: createSsoConnection(input: { name: \"\", issuer: \"none\", clientId: \"none\", rules: {} }) { userErrors { code } } }",
    ),
    case(
        "Mutation.updateSsoConnection",
        P::IdentityWrite,
        "mutation { payload: updateSsoConnection(input: { id: \"sso_connection:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeSsoConnection",
        P::IdentityWrite,
        "mutation { payload: removeSsoConnection(input: { id: \"sso_connection:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.addDomain",
        P::IdentityWrite,
        "mutation { payload: addDomain(input: { name: \"com\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.verifyDomain",
        P::IdentityWrite,
        "mutation { payload: verifyDomain(input: { id: \"domain:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.removeDomain",
        P::IdentityWrite,
        "mutation { payload: removeDomain(input: { id: \"domain:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.revokeSession",
        P::TenantRead,
        "mutation { payload: revokeSession(input: { id: \"session:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case(
        "Mutation.signOutEverywhere",
        P::TenantRead,
        "mutation { payload: signOutEverywhere { userErrors { code } } }",
    ),
    case(
        "Mutation.switchOrganisation",
        P::TenantRead,
        "mutation { payload: switchOrganisation(input: { tenantId: \"tenant:0192f3c4-0000-7000-8000-000000000000\" }) { userErrors { code } } }",
    ),
    case("Mutation.signOut", P::TenantRead, "mutation { signOut { ok } }"),
    case(
        "Subscription.syncRun",
        P::InstallRead,
        "subscription { syncRun(installId: \"install:0192f3c4-0000-7000-8000-000000000000\") { id } }",
    ),
];

/// REST operations that need a caller; each has a test of its own, named here.
const REST_COVERED: &[&str] = &[
    // Documents for everybody, and what shows who may ask in the request itself: oauth.rs.
    "GET /.well-known/oauth-authorization-server/oauth/{organisation}",
    "GET /.well-known/oauth-protected-resource/t/{organisation}/mcp",
    "GET /oauth/{organisation}/jwks",
    "GET /oauth/{organisation}/authorize",
    "POST /oauth/{organisation}/authorize",
    "POST /oauth/{organisation}/token",
    "POST /oauth/{organisation}/revoke",
    "POST /oauth/{organisation}/register",
    // scim::every_operation_needs_a_token_of_its_organisation
    "GET /scim/v2/{organisation}/Users",
    "POST /scim/v2/{organisation}/Users",
    "POST /scim/v2/{organisation}/Users/.search",
    "GET /scim/v2/{organisation}/Users/{id}",
    "PUT /scim/v2/{organisation}/Users/{id}",
    "PATCH /scim/v2/{organisation}/Users/{id}",
    "DELETE /scim/v2/{organisation}/Users/{id}",
    "GET /scim/v2/{organisation}/Groups",
    "POST /scim/v2/{organisation}/Groups",
    "POST /scim/v2/{organisation}/Groups/.search",
    "GET /scim/v2/{organisation}/Groups/{id}",
    "PUT /scim/v2/{organisation}/Groups/{id}",
    "PATCH /scim/v2/{organisation}/Groups/{id}",
    "DELETE /scim/v2/{organisation}/Groups/{id}",
    "GET /scim/v2/{organisation}/ServiceProviderConfig",
    "GET /scim/v2/{organisation}/ResourceTypes",
    "GET /scim/v2/{organisation}/ResourceTypes/{id}",
    "GET /scim/v2/{organisation}/Schemas",
    "GET /scim/v2/{organisation}/Schemas/{id}",
    // audit::export_needs_the_permission_and_keys_need_a_caller
    "GET /api/v1/audit-keys",
    "GET /api/v1/audit/export",
    // sign_in::sign_out_by_post_needs_the_token
    "POST /sign-out",
];

/// REST operations that anybody may use. May only shrink: it stood at 6.
const UNCOVERED: &str = include_str!("../uncovered-authz.txt");
const UNCOVERED_AT_MOST: usize = 6;

impl Case {
    fn subscribes(&self) -> bool {
        self.operation.starts_with("Subscription.")
    }
}

/// Whether an answer says that the role is not enough, as an error or as data.
fn denied(answer: &Value) -> bool {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let mut codes = errors.map(|error| &error["extensions"]["code"]);
    let expected = answer["data"]["payload"]["userErrors"].as_array().into_iter().flatten();
    codes.any(|code| code == "DENIED")
        || expected.into_iter().any(|error| error["code"] == "DENIED")
}

/// Whether an answer says that something else than a permission is missing here: our own fault.
fn broken(answer: &Value) -> bool {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.into_iter().any(|error| {
        let code = error["extensions"]["code"].as_str().unwrap_or("none");
        !["DENIED", "NOT_FOUND", "INVALID"].contains(&code)
    })
}

#[test]
fn every_graphql_operation_has_a_case() {
    let document = parse_schema(api::sdl()).expect("our own SDL");
    let mut operations = BTreeSet::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let name = ty.node.name.node.to_string();
        let TypeKind::Object(object) = ty.node.kind else { continue };
        if ["Query", "Mutation", "Subscription"].contains(&name.as_str()) {
            let fields = object.fields.into_iter().map(|field| field.node.name.node);
            operations.extend(fields.map(|field| format!("{name}.{field}")));
        }
    }
    let covered: BTreeSet<_> = TABLE.iter().map(|case| case.operation.to_owned()).collect();
    assert!(operations.len() > 20, "the SDL was read: {operations:?}");
    assert_eq!(
        operations, covered,
        "if you added an operation: say in TABLE which permission it needs; if you removed one: remove its line"
    );
}

#[test]
fn every_rest_operation_has_a_case_or_is_open_to_all() {
    let document: Value = serde_json::from_str(&api::openapi()).expect("our own document");
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let open: BTreeSet<_> = UNCOVERED.lines().map(str::to_owned).collect();
    let covered: BTreeSet<_> = REST_COVERED.iter().map(|&operation| operation.to_owned()).collect();
    assert!(open.len() <= UNCOVERED_AT_MOST, "tests/uncovered-authz.txt may only shrink");
    assert!(open.is_disjoint(&covered), "an operation is either open or covered");
    assert_eq!(
        operations,
        open.union(&covered).cloned().collect(),
        "if you added an operation: cover it in REST_COVERED by a test; the list of what is open may only shrink"
    );
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    for role in Role::ALL {
        let caller = plane.key(&acme.owner, *role).await;
        for case in TABLE {
            let answer = if case.subscribes() {
                first_event(&plane, &caller, case.document).await
            } else {
                plane.graphql(&caller, case.document, json!({})).await
            };
            let may = role.permissions().contains(case.needs);
            assert_eq!(!denied(&answer), may, "{role:?} {}: {answer}", case.operation);
            assert!(!broken(&answer), "{role:?} {}: {answer}", case.operation);
        }
    }
}

#[tokio::test]
async fn nobody_may_do_anything() {
    let plane = Plane::start().await;
    for case in TABLE.iter().filter(|case| !case.subscribes()) {
        let reply = plane.graphql_reply(&Caller::Nobody, case.document, json!({})).await;
        let answer = reply.json().expect("an answer");
        assert_eq!(reply.status, 401, "{}: {answer}", case.operation);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert!(answer["data"].is_null(), "{}: {answer}", case.operation);
    }
    let mut socket = Socket::open(&plane, &[]).await.expect("an upgrade");
    socket.send(json!({ "type": "connection_init", "payload": {} })).await;
    assert_eq!(socket.next().await, Err(4403));
}

#[tokio::test]
async fn viewer_sees_an_install_but_not_what_it_has_synced() {
    let plane = Plane::start().await;
    let acme = plane.organisation("acme").await;
    plane.install(&acme.session, "docs").await;
    let viewer = plane.key(&acme.owner, Role::Viewer).await;
    let document = "{ installs(first: 1) { nodes { alias latestRun { state } runs(first: 1) { nodes { state } } } } }";
    let answer = plane.graphql(&viewer, document, json!({})).await;
    assert_eq!(answer["data"]["installs"]["nodes"][0]["alias"], "docs", "{answer}");
    let records = "{ installs(first: 1) { nodes { records(first: 1) { nodes { title } } } } }";
    assert!(denied(&plane.graphql(&viewer, records, json!({})).await));
    let member = plane.key(&acme.owner, Role::Member).await;
    assert!(!denied(&plane.graphql(&member, records, json!({})).await));
}

/// What a subscription first says.
async fn first_event(plane: &Plane, caller: &Caller, document: &str) -> Value {
    let mut socket = Socket::signed_in(plane, caller).await;
    let payload = json!({ "query": document });
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    socket.next().await.expect("an answer")["payload"].take()
}
