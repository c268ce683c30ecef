//! SCIM groups. The first write by a directory makes a group the directory's own.

use std::collections::BTreeSet;

use domain::{
    Granted, Group, GroupId, GroupSource, MembershipId,
    authz::permission::{MemberRead, MemberWrite},
    event::Event,
};
use serde_json::{Value, json};
use store::{GroupChange, GroupMatch, NewGroup, Tx};

use super::{
    GROUP, GROUPS, ListQuery, Listing, Provisioner, Resource, ScimError, ScimType,
    document::{self, Document, text},
    listing::Plan,
    patch,
    users::{check_version, member_id},
};
use crate::{Control, audit::action};

// === impl Control ===

impl Control {
    /// Groups that match.
    ///
    /// # Errors
    /// `invalidFilter`, `tooMany`.
    pub async fn scim_list_groups(
        &self,
        who: &Provisioner,
        query: &ListQuery,
    ) -> Result<Listing, ScimError> {
        let plan = Plan::of(query)?;
        let mut wanted = GroupMatch::default();
        if let Some(key) = &plan.key {
            let value = Some(key.value.clone());
            match key.attribute.as_str() {
                "externalid" => wanted.external_id = value,
                "displayname" => wanted.name = value,
                "id" if group_id(&key.value).is_ok() => wanted.id = group_id(&key.value).ok(),
                _ => return plan.answer(Vec::new(), 0),
            }
        }
        let granted: Granted<MemberRead> = who.granted();
        let tx = self.store().read(&granted).await?;
        let (groups, total) = tx.groups().find_matching(&granted, &wanted, plan.portion()).await?;
        let ids: Vec<_> = groups.iter().map(|it| it.id).collect();
        let mut members = tx.groups().members_of(&granted, &ids).await?;
        let resources = groups.iter().map(|group| {
            let members = members.remove(&group.id).unwrap_or_default();
            rendered(who, group, &members)
        });
        plan.answer(resources.collect(), total)
    }

    /// A group by its id.
    ///
    /// # Errors
    /// [`ScimError::NotFound`].
    pub async fn scim_get_group(&self, who: &Provisioner, id: &str) -> Result<Resource, ScimError> {
        let granted: Granted<MemberRead> = who.granted();
        let tx = self.store().read(&granted).await?;
        let (group, members) = found(&tx, who, group_id(id)?).await?;
        Ok(rendered(who, &group, &members))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// `invalidValue`, also for a member who is not there; [`ScimError::Uniqueness`].
    pub async fn scim_create_group(
        &self,
        who: &Provisioner,
        body: &Value,
    ) -> Result<Resource, ScimError> {
        let document = document::read(&GROUPS, body)?;
        let name = name(&document)?;
        let members = members(&document)?;
        let writing: Granted<MemberWrite> = who.granted();
        let tx = self.store().begin(&writing).await?;
        let new = NewGroup {
            id: GroupId::generate(),
            name,
            external_id: text(&document, "externalId").map(str::to_owned),
            source: GroupSource::Scim,
            created_at: self.now(),
        };
        let group = tx.groups().create(&writing, new).await?;
        let added: Vec<_> = members.into_iter().collect();
        self.put_in(&tx, who, group.id, &added).await?;
        self.follow_groups(&tx, who, &added).await?;
        let detail = json!({ "name": group.name, "members": added.len() });
        self.audit_provisioning(&tx, who, action::GROUP_CREATE, &group.id, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        Ok(rendered(who, &group, &added))
    }

    /// Replaces a group: its name, its external id and who is in it.
    ///
    /// # Errors
    /// As [`Control::scim_create_group`]; [`ScimError::NotFound`], [`ScimError::Stale`].
    pub async fn scim_replace_group(
        &self,
        who: &Provisioner,
        id: &str,
        body: &Value,
        expected: Option<i64>,
    ) -> Result<Resource, ScimError> {
        let new = document::read(&GROUPS, body)?;
        self.change_group(who, id, expected, |document| {
            *document = new;
            Ok(())
        })
        .await
    }

    /// Changes a part of a group.
    ///
    /// # Errors
    /// As [`Control::scim_replace_group`], and those of PATCH.
    pub async fn scim_patch_group(
        &self,
        who: &Provisioner,
        id: &str,
        body: &Value,
        expected: Option<i64>,
    ) -> Result<Resource, ScimError> {
        self.change_group(who, id, expected, |document| patch::apply(&GROUPS, document, body)).await
    }

    /// Removes a group. Its members stay members of the organisation.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Stale`].
    pub async fn scim_delete_group(
        &self,
        who: &Provisioner,
        id: &str,
        expected: Option<i64>,
    ) -> Result<(), ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        let tx = self.store().begin(&writing).await?;
        let (group, members) = found(&tx, who, group_id(id)?).await?;
        check_version(group.version, expected)?;
        tx.groups().remove(&writing, group.id).await?;
        self.follow_groups(&tx, who, &members).await?;
        let detail = json!({ "name": group.name });
        self.audit_provisioning(&tx, who, action::GROUP_REMOVE, &group.id, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        Ok(())
    }

    async fn change_group(
        &self,
        who: &Provisioner,
        id: &str,
        expected: Option<i64>,
        change: impl FnOnce(&mut Document) -> Result<(), ScimError>,
    ) -> Result<Resource, ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        let tx = self.store().begin(&writing).await?;
        let (group, before) = found(&tx, who, group_id(id)?).await?;
        check_version(group.version, expected)?;
        let mut document = document_of(&group, &before);
        change(&mut document)?;
        let after = members(&document)?;
        let changed = GroupChange {
            name: name(&document)?,
            external_id: text(&document, "externalId").map(str::to_owned),
            source: GroupSource::Scim,
            // What was read in this transaction: whoever is second is told so.
            expected: Some(group.version),
            at: self.now(),
        };
        let renamed = changed.name != group.name || changed.external_id != group.external_id;
        let group = tx.groups().update(&writing, group.id, changed).await?;
        let before: BTreeSet<_> = before.into_iter().collect();
        let added: Vec<_> = after.difference(&before).copied().collect();
        let removed: Vec<_> = before.difference(&after).copied().collect();
        self.put_in(&tx, who, group.id, &added).await?;
        tx.groups().remove_members(&writing, group.id, &removed).await?;
        let moved: Vec<_> = if renamed {
            before.union(&after).copied().collect()
        } else {
            added.iter().chain(&removed).copied().collect()
        };
        self.follow_groups(&tx, who, &moved).await?;
        let detail = json!({ "name": group.name, "added": added.len(), "removed": removed.len() });
        self.audit_provisioning(&tx, who, action::GROUP_UPDATE, &group.id, detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        let after: Vec<_> = after.into_iter().collect();
        Ok(rendered(who, &group, &after))
    }

    async fn put_in(
        &self,
        tx: &Tx,
        who: &Provisioner,
        id: GroupId,
        members: &[MembershipId],
    ) -> Result<(), ScimError> {
        if members.is_empty() {
            return Ok(());
        }
        let writing: Granted<MemberWrite> = who.granted();
        tx.groups().add_members(&writing, id, members).await.map_err(|error| match error {
            store::Error::NotFound => no_such_member(),
            other => other.into(),
        })
    }
}

fn group_id(id: &str) -> Result<GroupId, ScimError> {
    format!("group:{id}").parse().map_err(|_| ScimError::NotFound)
}

async fn found(
    tx: &Tx,
    who: &Provisioner,
    id: GroupId,
) -> Result<(Group, Vec<MembershipId>), ScimError> {
    let reading: Granted<MemberRead> = who.granted();
    let group = tx.groups().lookup(&reading, id).await?;
    let members = tx.groups().members_of(&reading, &[id]).await?.remove(&id);
    Ok((group, members.unwrap_or_default()))
}

fn name(document: &Document) -> Result<String, ScimError> {
    let fits = |name: &&str| name.chars().count() <= 254 && !name.chars().any(char::is_control);
    text(document, "displayName").filter(fits).map(str::to_owned).ok_or_else(|| {
        let why = "`displayName` is needed: one line of at most 254 characters";
        ScimError::bad(ScimType::InvalidValue, why)
    })
}

fn members(document: &Document) -> Result<BTreeSet<MembershipId>, ScimError> {
    let items = document.get("members").and_then(Value::as_array);
    let ids = items.map(Vec::as_slice).unwrap_or_default().iter();
    ids.map(|item| {
        member_id(item["value"].as_str().unwrap_or_default()).map_err(|_| no_such_member())
    })
    .collect()
}

fn no_such_member() -> ScimError {
    ScimError::bad(ScimType::InvalidValue, "one of the members is not a user of this organisation")
}

fn document_of(group: &Group, members: &[MembershipId]) -> Document {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id.uuid() })).collect();
    let mut document = Document::new();
    document::put(&mut document, "displayName", json!(group.name));
    document::put(&mut document, "externalId", json!(group.external_id));
    document::put(&mut document, "members", json!(members));
    document
}

fn rendered(who: &Provisioner, group: &Group, members: &[MembershipId]) -> Resource {
    let id = group.id.uuid().to_string();
    let mut json = document_of(group, members);
    for member in json.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
        let address =
            format!("{}/Users/{}", who.base, member["value"].as_str().unwrap_or_default());
        member["$ref"] = Value::String(address);
        member["type"] = Value::String("User".to_owned());
    }
    json.insert("schemas".to_owned(), json!([GROUP]));
    json.insert("id".to_owned(), json!(id));
    let meta = json!({
        "resourceType": "Group",
        "created": group.created_at,
        "lastModified": group.updated_at,
        "location": format!("{}/Groups/{id}", who.base),
        "version": format!("W/\"{}\"", group.version),
    });
    json.insert("meta".to_owned(), meta);
    Resource { json: Value::Object(json), version: group.version }
}
