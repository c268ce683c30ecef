//! Groups of the organisation's members. What a directory keeps up to date is changed there, not here.

use domain::{
    Granted, Group, GroupId, GroupSource, Membership, MembershipId, OpCtx, Page, PageArgs, User,
    authz::permission::{MemberRead, MemberWrite},
    event::Event,
};
use serde_json::json;
use store::{GroupChange, NewGroup, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    tenants::check_name,
};

/// Members that one request may put into a group or take out of it.
const AT_ONCE: usize = 1000;

// === impl Control ===

impl Control {
    /// The organisation's groups.
    ///
    /// # Errors
    /// [`Error::Denied`] to whoever may not see members.
    pub async fn list_groups(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<Group>, Error> {
        let granted = self.require(ctx, &Deed::new(action::GROUP_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.groups().list(&granted, &page).await?)
    }

    /// A group by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_group(&self, ctx: &OpCtx, id: GroupId) -> Result<Group, Error> {
        let granted = self.require(ctx, &Deed::on(action::GROUP_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.groups().lookup(&granted, id).await?)
    }

    /// Members of a group, with the people behind them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list_group_members(
        &self,
        ctx: &OpCtx,
        id: GroupId,
        page: PageArgs,
    ) -> Result<Page<(Membership, User)>, Error> {
        let granted = self.require(ctx, &Deed::on(action::GROUP_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        tx.groups().lookup(&granted, id).await?;
        let page = tx.groups().list_members(&granted, id, &page).await?;
        let ids: Vec<_> = page.items.iter().map(|(_, id)| *id).collect();
        // Both lists are in the order of the ids.
        let members = tx.directory_entries().lookup_many(&granted, &ids).await?;
        let cursors = page.items.into_iter().map(|(cursor, _)| cursor);
        let people = members.into_iter().map(|it| (it.membership, it.user));
        Ok(Page { items: cursors.zip(people).collect(), has_next: page.has_next })
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Invalid`] for a name that cannot be one, [`Error::Conflict`] for one that is taken.
    pub async fn create_group(&self, ctx: &OpCtx, name: &str) -> Result<Group, Error> {
        let id = GroupId::generate();
        let deed = Deed::on(action::GROUP_CREATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        check_name("name", name)?;
        let tx = self.store().begin(&granted).await?;
        let new = NewGroup {
            id,
            name: name.trim().to_owned(),
            external_id: None,
            source: GroupSource::Local,
            created_at: self.now(),
        };
        let group = tx.groups().create(&granted, new).await?;
        self.audit(&tx, ctx, &deed, json!({ "name": group.name })).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Gives a group another name.
    ///
    /// # Errors
    /// As [`Control::create_group`]; [`Error::NotFound`]; [`Error::Conflict`] for a group that a directory keeps.
    pub async fn rename_group(&self, ctx: &OpCtx, id: GroupId, name: &str) -> Result<Group, Error> {
        let deed = Deed::on(action::GROUP_UPDATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        check_name("name", name)?;
        let tx = self.store().begin(&granted).await?;
        let group = own(&tx, ctx, id).await?;
        let change = GroupChange { name: name.trim().to_owned(), ..self.touched(&group) };
        let group = tx.groups().update(&granted, id, change).await?;
        self.audit(&tx, ctx, &deed, json!({ "name": group.name })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(group)
    }

    /// Removes a group. Its members stay members of the organisation.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`], [`Error::Conflict`] for a group that a directory keeps.
    pub async fn remove_group(&self, ctx: &OpCtx, id: GroupId) -> Result<(), Error> {
        let deed = Deed::on(action::GROUP_REMOVE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        self.require_group(ctx, &deed, &[id]).await?;
        let tx = self.store().begin(&granted).await?;
        let group = own(&tx, ctx, id).await?;
        tx.groups().remove(&granted, id).await?;
        self.audit(&tx, ctx, &deed, json!({ "name": group.name })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(())
    }

    /// Puts members into a group (`add`) or takes them out. Who is in it already, or is not, is passed over.
    ///
    /// # Errors
    /// As [`Control::remove_group`]; [`Error::Invalid`] for a member who is not there and for too many at once.
    pub async fn change_group_members(
        &self,
        ctx: &OpCtx,
        id: GroupId,
        members: &[MembershipId],
        add: bool,
    ) -> Result<Group, Error> {
        let deed = Deed::on(action::GROUP_UPDATE, &id);
        let granted: Granted<MemberWrite> = self.require_whole(ctx, &deed).await?;
        if members.is_empty() || members.len() > AT_ONCE {
            let message = format!("name 1 to {AT_ONCE} members");
            return Err(Error::invalid("memberIds", "out_of_range", message));
        }
        self.require_group(ctx, &deed, &[id]).await?;
        let tx = self.store().begin(&granted).await?;
        let group = own(&tx, ctx, id).await?;
        let group = tx.groups().update(&granted, id, self.touched(&group)).await?;
        if add {
            let added = tx.groups().add_members(&granted, id, members).await;
            added.map_err(|error| match error {
                store::Error::NotFound => {
                    Error::invalid("memberIds", "not_found", "one of these members is not there")
                }
                other => other.into(),
            })?;
        } else {
            tx.groups().remove_members(&granted, id, members).await?;
        }
        let word = if add { "added" } else { "removed" };
        self.audit(&tx, ctx, &deed, json!({ word: members })).await?;
        tx.commit().await?;
        // Policies decide by groups, and gateways know the groups of a key's maker.
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(group)
    }

    /// Who is put into a group gets its roles: nobody gives or takes by it what they do not hold.
    pub(crate) async fn require_group(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        groups: &[GroupId],
    ) -> Result<(), Error> {
        let reading: Granted<MemberRead> = self.require(ctx, deed).await?;
        let tx = self.store().read(&reading).await?;
        let given = tx.custom_roles().permissions_of(&reading, None, groups).await?;
        drop(tx);
        self.require_holding(ctx, deed, given).await
    }

    /// A change of nothing but the version.
    pub(crate) fn touched(&self, group: &Group) -> GroupChange {
        GroupChange {
            name: group.name.clone(),
            external_id: group.external_id.clone(),
            source: group.source,
            expected: None,
            at: self.now(),
        }
    }
}

/// A group that people may change here.
async fn own(tx: &Tx, ctx: &OpCtx, id: GroupId) -> Result<Group, Error> {
    let reading: Granted<MemberRead> = ctx.require()?;
    let group = tx.groups().lookup(&reading, id).await?;
    if group.source != GroupSource::Local {
        let message = "your organisation's directory keeps this group: change it there";
        return Err(Error::conflict("id", message));
    }
    Ok(group)
}
