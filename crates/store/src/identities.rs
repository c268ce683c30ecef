//! Who a person is at their providers, and which organisations they belong to: asked before an organisation is known.

use domain::{Identity, IdentityId, Tenant, TenantId, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    Directory, Error,
    entity::{affiliation, identity, tenant, verified_domain},
    scoped::Global,
    text,
    time::kept,
};

// === impl Directory ===

impl Directory<'_> {
    /// The account of an issuer and subject.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Identity>, Error> {
        if !text::is_storable(issuer) || !text::is_storable(subject) {
            return Ok(None);
        }
        let query = identity::Entity::all()
            .filter(identity::Column::Issuer.eq(issuer))
            .filter(identity::Column::Subject.eq(subject));
        Ok(query.one(&self.connection()).await?.map(Identity::from))
    }

    /// Ties a person to an issuer and subject, for good.
    ///
    /// # Errors
    /// [`Error::Conflict`] on `identity` when somebody has it already.
    pub async fn create_identity(&self, new: Identity) -> Result<Identity, Error> {
        let _turn = self.turn().await?;
        let row = identity::ActiveModel {
            id: Set(new.id.uuid()),
            issuer: Set(new.issuer),
            subject: Set(new.subject),
            user_id: Set(new.user.uuid()),
            created_at: Set(kept(new.created_at)),
        };
        let row = identity::Entity::insert(row)
            .exec_with_returning(&self.connection())
            .await
            .map_err(Error::of_write("identity"))?;
        Ok(row.into())
    }

    /// The organisations of a person, oldest first.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_organisations(&self, user: UserId) -> Result<Vec<Tenant>, Error> {
        let connection = self.connection();
        let rows = affiliation::Entity::all()
            .filter(affiliation::Column::UserId.eq(user.uuid()))
            .all(&connection)
            .await?;
        let ids = rows.into_iter().map(|row| row.tenant_id);
        let query = tenant::Entity::all()
            .filter(tenant::Column::Id.is_in(ids))
            .order_by_asc(tenant::Column::Id);
        Ok(query.all(&connection).await?.into_iter().map(Tenant::from).collect())
    }

    /// The organisation that has proven a domain.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_domain_owner(&self, name: &str) -> Result<Option<TenantId>, Error> {
        if !text::is_storable(name) {
            return Ok(None);
        }
        let query = verified_domain::Entity::all().filter(verified_domain::Column::Name.eq(name));
        let row = query.one(&self.connection()).await?;
        Ok(row.map(|row| TenantId::from_uuid(row.tenant_id)))
    }

    /// Organisations that have proven a domain, each once.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn list_domain_owners(&self) -> Result<Vec<TenantId>, Error> {
        let rows = verified_domain::Entity::all()
            .order_by_asc(verified_domain::Column::TenantId)
            .all(&self.connection())
            .await?;
        let mut owners: Vec<_> =
            rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect();
        owners.dedup();
        Ok(owners)
    }
}

impl From<identity::Model> for Identity {
    fn from(row: identity::Model) -> Self {
        Self {
            id: IdentityId::from_uuid(row.id),
            issuer: row.issuer,
            subject: row.subject,
            user: UserId::from_uuid(row.user_id),
            created_at: row.created_at,
        }
    }
}
