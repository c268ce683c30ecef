//! `node`: each kind goes through the use-case that checks the caller, so an id alone opens nothing.

use async_graphql::{Context, ID, Object, Result};
use domain::{
    PageArgs,
    id::{Id, Kind, kind},
};

use super::{endpoints, found};
use crate::graphql::{
    caller::Caller,
    model::{
        api_key::ApiKey,
        approval::Approval,
        audit_event::AuditEvent,
        connector,
        connector::Connector,
        install::Install,
        invitation::Invitation,
        key::KeyRotation,
        member::{Member, User},
        node::Node,
        policy::PolicySet,
        record::Record,
        role::CustomRole,
        sync_run::SyncRun,
        tenant::Tenant,
        webhook::{Webhook, WebhookDelivery},
    },
    scalar::typed,
};

#[derive(Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything by its global id; null if there is nothing by that id for the caller.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        Ok(fetch(Caller::of(ctx), &id).await?)
    }
}

/// What an id names, by the kind before its colon.
async fn fetch(caller: &Caller, id: &ID) -> Result<Option<Node>, control::Error> {
    let prefix = id.split_once(':').map_or("", |(prefix, _)| prefix);
    let (control, who) = (&caller.control, &caller.ctx);
    Ok(match prefix {
        kind::Install::PREFIX => found(control.lookup_install(who, given(id)?).await)?
            .map(|it| Node::Install(Install(it))),
        kind::Run::PREFIX => {
            found(control.lookup_run(who, given(id)?).await)?.map(|it| Node::SyncRun(SyncRun(it)))
        }
        kind::Record::PREFIX => {
            found(control.lookup_record(who, given(id)?).await)?.map(|it| Node::Record(Record(it)))
        }
        kind::Group::PREFIX => found(control.lookup_group(who, given(id)?).await)?
            .map(|it| Node::Group(crate::graphql::model::group::Group(it))),
        kind::CustomRole::PREFIX => found(control.lookup_role(who, given(id)?).await)?
            .map(|it| Node::CustomRole(CustomRole(it))),
        kind::Invitation::PREFIX => found(control.lookup_invitation(who, given(id)?).await)?
            .map(|it| Node::Invitation(Invitation::of(caller, it))),
        kind::Membership::PREFIX => found(control.lookup_member(who, given(id)?).await)?
            .map(|it| Node::Member(Member::of(it))),
        kind::Tenant::PREFIX => tenant(caller, given(id)?).await?,
        kind::User::PREFIX => user(caller, given(id)?).await?,
        kind::Endpoint::PREFIX => endpoint(caller, given(id)?).await?,
        kind::ApiKey::PREFIX => api_key(caller, given(id)?).await?,
        kind::Audit::PREFIX => found(control.lookup_audit(who, given(id)?).await)?
            .map(|it| Node::AuditEvent(AuditEvent(it))),
        kind::KeyRotation::PREFIX => found(control.lookup_key_rotation(who, given(id)?).await)?
            .map(|it| Node::KeyRotation(KeyRotation(it))),
        kind::PolicySet::PREFIX => found(control.lookup_policies(who, given(id)?).await)?
            .map(|it| Node::PolicySet(PolicySet(it))),
        kind::Approval::PREFIX => found(control.lookup_approval(who, given(id)?).await)?
            .map(|it| Node::Approval(Approval(it))),
        kind::Webhook::PREFIX => found(control.lookup_webhook(who, given(id)?).await)?
            .map(|it| Node::Webhook(Webhook(it))),
        kind::WebhookDelivery::PREFIX => {
            found(control.lookup_webhook_delivery(who, given(id)?).await)?
                .map(|it| Node::WebhookDelivery(WebhookDelivery(it)))
        }
        connector::ID_PREFIX => {
            let slug = id.split_once(':').map_or("", |(_, slug)| slug);
            found(control.find_connector(who, slug).await)?
                .map(|manifest| Node::Connector(Connector(manifest)))
        }
        _ => return Err(not_a_node()),
    })
}

fn given<K: Kind>(id: &ID) -> Result<Id<K>, control::Error> {
    typed(id, "id")
}

fn not_a_node() -> control::Error {
    control::Error::Invalid {
        field: vec!["id".to_owned()],
        code: "wrong_kind",
        message: "nothing of this kind can be fetched by its id alone".to_owned(),
    }
}

/// Only the caller's own organisation can be seen.
async fn tenant(caller: &Caller, id: domain::TenantId) -> Result<Option<Node>, control::Error> {
    let own = caller.control.viewer(&caller.ctx).await?.tenant;
    Ok((own.id == id).then(|| Node::Tenant(Tenant(own))))
}

/// Only people of the caller's organisation can be seen.
async fn user(caller: &Caller, id: domain::UserId) -> Result<Option<Node>, control::Error> {
    let mut page = PageArgs::all();
    loop {
        let members = caller.control.list_members(&caller.ctx, page).await?;
        let next = members.has_next.then(|| members.items.last().map(|(cursor, _)| cursor.clone()));
        let mut users = members.into_items().map(|(_, user)| user);
        if let Some(user) = users.find(|user| user.id == id) {
            return Ok(Some(Node::User(User(user))));
        }
        let Some(after) = next.flatten() else { return Ok(None) };
        page = PageArgs { after: Some(after), ..PageArgs::all() };
    }
}

async fn endpoint(caller: &Caller, id: domain::EndpointId) -> Result<Option<Node>, control::Error> {
    let endpoints = endpoints::list(caller).await?;
    Ok(endpoints.into_iter().find(|it| it.endpoint.id == id).map(Node::Endpoint))
}

async fn api_key(caller: &Caller, id: domain::ApiKeyId) -> Result<Option<Node>, control::Error> {
    let mut page = PageArgs::all();
    loop {
        let keys = caller.control.list_api_keys(&caller.ctx, page).await?;
        let next = keys.has_next.then(|| keys.items.last().map(|(cursor, _)| cursor.clone()));
        if let Some(key) = keys.into_items().find(|key| key.id == id) {
            return Ok(Some(Node::ApiKey(ApiKey(key))));
        }
        let Some(after) = next.flatten() else { return Ok(None) };
        page = PageArgs { after: Some(after), ..PageArgs::all() };
    }
}
