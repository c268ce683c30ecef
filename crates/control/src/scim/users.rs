//! SCIM users: members of the organisation, as its directory describes them.

use domain::{
    Granted, Group, Membership, MembershipId, UserId,
    authz::permission::{IdentityRead, MemberRead, MemberWrite},
    event::Event,
};
use serde_json::{Value, json};
use store::{DirectoryMember, MemberMatch, NewDirectoryEntry, NewMember, NewUser, Tx};

use super::{
    ENTERPRISE, ListQuery, Listing, Provisioner, Resource, ScimError, ScimType, USER, USERS,
    document::{self, Document, address, shown_name, text},
    listing::Plan,
    patch,
};
use crate::{Control, audit::action};

/// Longest description of a person, as JSON.
const DOCUMENT_MAX_BYTES: usize = 64 * 1024;

/// A description that was checked.
struct Described {
    document: Document,
    user_name: String,
    external_id: Option<String>,
    display_name: String,
    /// The address that counts, where the organisation has proven its domain.
    owned_address: Option<String>,
    active: bool,
}

// === impl Control ===

impl Control {
    /// Users that match.
    ///
    /// # Errors
    /// `invalidFilter`, `tooMany`.
    pub async fn scim_list_users(
        &self,
        who: &Provisioner,
        query: &ListQuery,
    ) -> Result<Listing, ScimError> {
        let plan = Plan::of(query)?;
        let mut wanted = MemberMatch::default();
        if let Some(key) = &plan.key {
            let value = Some(key.value.clone());
            match key.attribute.as_str() {
                "username" => wanted.user_name = value,
                "externalid" => wanted.external_id = value,
                "displayname" => wanted.display_name = value,
                _ => match member_id(&key.value) {
                    Ok(id) => wanted.id = Some(id),
                    Err(_) => return plan.answer(Vec::new(), 0),
                },
            }
        }
        let granted: Granted<MemberRead> = who.granted();
        let tx = self.store().read(&granted).await?;
        let portion = plan.portion();
        let (members, total) =
            tx.directory_entries().find_matching(&granted, &wanted, portion).await?;
        let ids: Vec<_> = members.iter().map(|it| it.membership.id).collect();
        let mut groups = tx.groups().of_members(&granted, &ids).await?;
        let resources = members.iter().map(|it| {
            let groups = groups.remove(&it.membership.id).unwrap_or_default();
            rendered(who, it, &groups)
        });
        plan.answer(resources.collect(), total)
    }

    /// A user by its id.
    ///
    /// # Errors
    /// [`ScimError::NotFound`].
    pub async fn scim_get_user(&self, who: &Provisioner, id: &str) -> Result<Resource, ScimError> {
        let granted: Granted<MemberRead> = who.granted();
        let tx = self.store().read(&granted).await?;
        self.user_resource(&tx, who, member_id(id)?).await
    }

    /// Makes a member. An account of the same address is tied to it only if it belongs to the organisation already, or the
    /// organisation has proven the address's domain: anybody could write any address.
    ///
    /// # Errors
    /// `invalidValue`, [`ScimError::Uniqueness`].
    pub async fn scim_create_user(
        &self,
        who: &Provisioner,
        body: &Value,
    ) -> Result<Resource, ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        let tx = self.store().begin(&writing).await?;
        let document = document::read(&USERS, body)?;
        let described = self.described(&tx, who, document).await?;
        self.refuse_taken(&tx, who, &described.user_name, None).await?;
        let member = self.joined(&tx, who, &described).await?;
        self.keep(&tx, who, &member, 0, described).await?;
        let resource = self.user_resource(&tx, who, member.id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        Ok(resource)
    }

    /// Replaces what is said of a user. Without `active` they stay as they are: a forgotten attribute lets nobody in.
    ///
    /// # Errors
    /// As [`Control::scim_create_user`]; [`ScimError::NotFound`], [`ScimError::Stale`], [`ScimError::LastOwner`].
    pub async fn scim_replace_user(
        &self,
        who: &Provisioner,
        id: &str,
        body: &Value,
        expected: Option<i64>,
    ) -> Result<Resource, ScimError> {
        let new = document::read(&USERS, body)?;
        self.change_user(who, id, expected, |document| {
            let active = document.get("active").cloned();
            *document = new;
            if let (false, Some(active)) = (document.contains_key("active"), active) {
                document.insert("active".to_owned(), active);
            }
            Ok(())
        })
        .await
    }

    /// Changes a part of what is said of a user.
    ///
    /// # Errors
    /// As [`Control::scim_replace_user`], and those of PATCH.
    pub async fn scim_patch_user(
        &self,
        who: &Provisioner,
        id: &str,
        body: &Value,
        expected: Option<i64>,
    ) -> Result<Resource, ScimError> {
        self.change_user(who, id, expected, |document| patch::apply(&USERS, document, body)).await
    }

    /// Removes a member, with everything by which they came in.
    ///
    /// # Errors
    /// [`ScimError::NotFound`], [`ScimError::Stale`], [`ScimError::LastOwner`].
    pub async fn scim_delete_user(
        &self,
        who: &Provisioner,
        id: &str,
        expected: Option<i64>,
    ) -> Result<(), ScimError> {
        let id = member_id(id)?;
        let (reading, writing) = (who.granted::<MemberRead>(), who.granted::<MemberWrite>());
        let tx = self.store().begin(&writing).await?;
        let member = tx.directory_entries().lookup(&reading, id).await?;
        check_version(version_of(&member), expected)?;
        self.end_access(&tx, who, member.membership.id, action::MEMBER_DEPROVISION).await?;
        tx.members().remove(&writing, id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        Ok(())
    }

    async fn change_user(
        &self,
        who: &Provisioner,
        id: &str,
        expected: Option<i64>,
        change: impl FnOnce(&mut Document) -> Result<(), ScimError>,
    ) -> Result<Resource, ScimError> {
        let id = member_id(id)?;
        let (reading, writing) = (who.granted::<MemberRead>(), who.granted::<MemberWrite>());
        let tx = self.store().begin(&writing).await?;
        let member = tx.directory_entries().lookup(&reading, id).await?;
        let version = version_of(&member);
        check_version(version, expected)?;
        let before = document_of(&member);
        let mut document = before.clone();
        change(&mut document)?;
        if document != before || member.entry.is_none() {
            let described = self.described(&tx, who, document).await?;
            self.refuse_taken(&tx, who, &described.user_name, Some(id)).await?;
            if let Some(address) = &described.owned_address {
                let name = &described.display_name;
                tx.directory_entries()
                    .rename_person(&writing, member.user.id, address, name)
                    .await?;
            }
            self.keep(&tx, who, &member.membership, version, described).await?;
        }
        let resource = self.user_resource(&tx, who, id).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: who.tenant }).await;
        Ok(resource)
    }

    /// Writes what is said of a member, and switches them on or off as it says.
    async fn keep(
        &self,
        tx: &Tx,
        who: &Provisioner,
        member: &Membership,
        version: i64,
        described: Described,
    ) -> Result<(), ScimError> {
        let writing: Granted<MemberWrite> = who.granted();
        let now = self.now();
        let was_active = member.deactivated_at.is_none();
        let entry = NewDirectoryEntry {
            membership: member.id,
            user_name: described.user_name,
            external_id: described.external_id,
            display_name: described.display_name,
            document: Value::Object(described.document),
            expected: version,
            at: now,
        };
        tx.directory_entries().save(&writing, entry).await?;
        let entries = tx.directory_entries();
        match (was_active, described.active) {
            (true, false) => {
                self.end_access(tx, who, member.id, action::MEMBER_DEACTIVATE).await?;
                entries.set_deactivated(&writing, member.id, Some(now)).await?;
            }
            (false, true) => {
                entries.set_deactivated(&writing, member.id, None).await?;
                let (what, id) = (action::MEMBER_ACTIVATE, &member.id);
                self.audit_provisioning(tx, who, what, id, json!({})).await?;
            }
            (true, true) | (false, false) => {
                let (what, id) = (action::MEMBER_DESCRIBE, &member.id);
                self.audit_provisioning(tx, who, what, id, json!({})).await?;
            }
        }
        Ok(())
    }

    /// The membership that a new description is of.
    async fn joined(
        &self,
        tx: &Tx,
        who: &Provisioner,
        described: &Described,
    ) -> Result<Membership, ScimError> {
        let (reading, writing) = (who.granted::<MemberRead>(), who.granted::<MemberWrite>());
        let known = match address(&described.document) {
            Some(address) => tx.directory().find_user_by_email(&address).await?,
            None => None,
        };
        if let Some(user) = &known
            && let Some(member) = tx.members().find(&reading, user.id).await?
        {
            let member = tx.directory_entries().lookup(&reading, member.id).await?;
            if member.entry.is_some() {
                let detail = "a user with this e-mail address is there already".to_owned();
                return Err(ScimError::Uniqueness { detail });
            }
            return Ok(member.membership);
        }
        let user = match known.filter(|_| described.owned_address.is_some()) {
            Some(user) => user.id,
            None => self.new_person(tx, described).await?,
        };
        let rules = self.role_rules(tx, who).await?;
        let role = Self::first_role(rules.as_ref());
        let new = NewMember {
            id: MembershipId::generate(),
            user,
            role,
            clearance: role.usual_clearance(),
            created_at: self.now(),
        };
        let member = tx.members().create(&writing, new).await?;
        let (what, detail) = (action::MEMBER_PROVISION, json!({ "role": role.as_str() }));
        self.audit_provisioning(tx, who, what, &member.id, detail).await?;
        Ok(member)
    }

    /// An account. Without an address in a proven domain it gets one that nobody can have (RFC 2606), so that no organisation can take
    /// the address of somebody else.
    async fn new_person(&self, tx: &Tx, described: &Described) -> Result<UserId, ScimError> {
        let id = UserId::generate();
        let nobody = || format!("{}@provisioned.invalid", id.uuid().simple());
        let new = NewUser {
            id,
            email: described.owned_address.clone().unwrap_or_else(nobody),
            display_name: described.display_name.clone(),
            created_at: self.now(),
        };
        Ok(tx.directory().create_user(new).await?.id)
    }

    async fn described(
        &self,
        tx: &Tx,
        who: &Provisioner,
        document: Document,
    ) -> Result<Described, ScimError> {
        let invalid = |why: &str| ScimError::bad(ScimType::InvalidValue, why);
        let user_name = text(&document, "userName").ok_or(invalid("`userName` is needed"))?;
        if user_name.chars().count() > 254 || user_name.chars().any(char::is_control) {
            return Err(invalid("`userName` is one line of at most 254 characters"));
        }
        if Value::Object(document.clone()).to_string().len() > DOCUMENT_MAX_BYTES {
            return Err(invalid("this is more than is kept of a user"));
        }
        let reading: Granted<IdentityRead> = who.granted();
        let address = address(&document);
        let host = address.as_deref().and_then(|it| it.rsplit_once('@')).map(|(_, host)| host);
        let owned = tx.domains().owns(&reading, host.unwrap_or_default()).await?;
        Ok(Described {
            user_name: user_name.to_owned(),
            external_id: text(&document, "externalId").map(str::to_owned),
            display_name: shown_name(&document),
            owned_address: address.filter(|_| owned),
            active: document.get("active").is_none_or(|active| *active == true),
            document,
        })
    }

    /// Also the address of a member whom the directory has not written is a user name.
    async fn refuse_taken(
        &self,
        tx: &Tx,
        who: &Provisioner,
        user_name: &str,
        by: Option<MembershipId>,
    ) -> Result<(), ScimError> {
        let reading: Granted<MemberRead> = who.granted();
        let wanted =
            MemberMatch { user_name: Some(user_name.to_owned()), ..MemberMatch::default() };
        let (found, _) = tx.directory_entries().find_matching(&reading, &wanted, (0, 2)).await?;
        let another = |it: &DirectoryMember| it.entry.is_some() && Some(it.membership.id) != by;
        if found.iter().any(another) {
            let detail = "this userName is taken".to_owned();
            return Err(ScimError::Uniqueness { detail });
        }
        Ok(())
    }

    async fn user_resource(
        &self,
        tx: &Tx,
        who: &Provisioner,
        id: MembershipId,
    ) -> Result<Resource, ScimError> {
        let reading: Granted<MemberRead> = who.granted();
        let member = tx.directory_entries().lookup(&reading, id).await?;
        let groups = tx.groups().of_members(&reading, &[id]).await?.remove(&id);
        Ok(rendered(who, &member, &groups.unwrap_or_default()))
    }
}

/// The id at this door is the bare UUID.
pub(super) fn member_id(id: &str) -> Result<MembershipId, ScimError> {
    format!("membership:{id}").parse().map_err(|_| ScimError::NotFound)
}

pub(super) fn check_version(version: i64, expected: Option<i64>) -> Result<(), ScimError> {
    if expected.is_none_or(|it| it == version) { Ok(()) } else { Err(ScimError::Stale) }
}

fn version_of(member: &DirectoryMember) -> i64 {
    member.entry.as_ref().map_or(0, |entry| entry.version)
}

/// What the directory said, or what would be said of a member whom it has never written.
fn document_of(member: &DirectoryMember) -> Document {
    let written = member.entry.as_ref().and_then(|entry| entry.document.as_object().cloned());
    written.unwrap_or_else(|| {
        let user = &member.user;
        let email = json!([{ "value": user.email, "type": "work", "primary": true }]);
        Document::from_iter([
            ("userName".to_owned(), json!(user.email)),
            ("displayName".to_owned(), json!(user.display_name)),
            ("emails".to_owned(), email),
            ("active".to_owned(), json!(member.membership.deactivated_at.is_none())),
        ])
    })
}

fn rendered(who: &Provisioner, member: &DirectoryMember, groups: &[Group]) -> Resource {
    let id = member.membership.id.uuid().to_string();
    let version = version_of(member);
    let mut json = document_of(member);
    let mut schemas = vec![USER];
    schemas.extend(json.contains_key(ENTERPRISE).then_some(ENTERPRISE));
    let updated = member.entry.as_ref().map_or(member.membership.created_at, |it| it.updated_at);
    let groups: Vec<_> = groups
        .iter()
        .map(|group| {
            let id = group.id.uuid();
            json!({ "value": id, "display": group.name, "$ref": format!("{}/Groups/{id}", who.base) })
        })
        .collect();
    document::put(&mut json, "groups", json!(groups));
    json.insert("schemas".to_owned(), json!(schemas));
    json.insert("id".to_owned(), json!(id));
    let meta = json!({
        "resourceType": "User",
        "created": member.membership.created_at,
        "lastModified": updated,
        "location": format!("{}/Users/{id}", who.base),
        "version": format!("W/\"{version}\""),
    });
    json.insert("meta".to_owned(), meta);
    Resource { json: Value::Object(json), version }
}
