//! Groups of members.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};

use super::member::Member;
use crate::graphql::{
    caller::Caller,
    page::{Connection, connect, page_args},
};

/// Who keeps a group up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::GroupSource")]
pub(crate) enum GroupSource {
    /// People, here.
    Local,
    /// The organisation's directory, by SCIM.
    Scim,
    /// The groups that an identity provider names at sign-in.
    Sso,
}

pub(crate) struct Group(pub(crate) domain::Group);

/// Members who are given access together.
#[Object]
impl Group {
    pub(crate) async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// Unique in the organisation; upper and lower case are the same.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The directory's own name of it.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    async fn source(&self) -> GroupSource {
        self.0.source.into()
    }

    /// Who is in it.
    async fn members(
        &self,
        ctx: &Context<'_>,
        first: i32,
        after: Option<String>,
    ) -> Result<Connection<Member>> {
        let caller = Caller::of(ctx);
        let page = page_args(first, after)?;
        let continued = page.after.is_some();
        let members = caller.control.list_group_members(&caller.ctx, self.0.id, page).await?;
        Ok(connect(members, continued, Member::of))
    }

    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}
