//! Sessions of browsers: found by the hash of their token, before anything is known of an organisation.

use chrono::{DateTime, Utc};
use domain::{
    Page, PageArgs, Session, SessionId, SsoConnectionId, TenantId, TokenHash, UserId,
    identity::{SessionProof, Voucher},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, UpdateMany,
    sea_query::Expr,
};

use crate::{
    Directory, Error, NewSession,
    entity::{logout_token, session},
    page,
    scoped::Global,
    time::kept,
};

// === impl Directory ===

impl Directory<'_> {
    /// Keeps a session.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the person or organisation is not there.
    pub async fn create_session(&self, new: NewSession) -> Result<Session, Error> {
        let _turn = self.turn().await?;
        let NewSession { session, hash } = new;
        let (connection, provider) = match session.proof.as_ref().map(|proof| &proof.voucher) {
            Some(Voucher::Connection(_, id)) => (Some(id.uuid()), None),
            Some(Voucher::Provider(name)) => (None, Some(name.clone())),
            None => (None, None),
        };
        let proof = session.proof.as_ref();
        let row = session::ActiveModel {
            id: Set(session.id.uuid()),
            hash: Set(hash.to_hex()),
            user_id: Set(session.user.uuid()),
            tenant_id: Set(session.tenant.uuid()),
            created_at: Set(kept(session.created_at)),
            expires_at: Set(kept(session.expires_at)),
            revoked_at: Set(session.revoked_at.map(kept)),
            last_seen_at: Set(Some(kept(session.last_seen_at))),
            authenticated_at: Set(Some(kept(session.authenticated_at))),
            idle_seconds: Set(session.idle_seconds),
            connection_id: Set(connection),
            provider: Set(provider),
            issuer: Set(proof.map(|proof| proof.issuer.clone())),
            subject: Set(proof.map(|proof| proof.subject.clone())),
            provider_session: Set(proof.and_then(|proof| proof.provider_session.clone())),
        };
        let row = session::Entity::insert(row)
            .exec_with_returning(&self.connection())
            .await
            .map_err(Error::of_write("session"))?;
        Ok(row.into())
    }

    /// The session of a token, also when it is over: whether it lives is the caller's to check.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find_session(&self, hash: TokenHash) -> Result<Option<Session>, Error> {
        let query = session::Entity::all().filter(session::Column::Hash.eq(hash.to_hex()));
        Ok(query.one(&self.connection()).await?.map(Session::from))
    }

    /// A session by its id, also when it is over.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup_session(&self, id: SessionId) -> Result<Session, Error> {
        let query = session::Entity::all().filter(session::Column::Id.eq(id.uuid()));
        query.one(&self.connection()).await?.map(Session::from).ok_or(Error::NotFound)
    }

    /// Sessions of a person in all of their organisations that neither expired nor were ended, newest first.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list_sessions(
        &self,
        user: UserId,
        now: DateTime<Utc>,
        args: &PageArgs,
    ) -> Result<Page<Session>, Error> {
        let query = session::Entity::all()
            .filter(session::Column::UserId.eq(user.uuid()))
            .filter(session::Column::RevokedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(kept(now)));
        let connection = self.connection();
        let rows = page::read(query, session::Column::Id, Order::Desc, args, &connection).await?;
        page::convert(rows, |row| Ok(row.into()))
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn touch_session(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), Error> {
        let _turn = self.turn().await?;
        session::Entity::all_update()
            .col_expr(session::Column::LastSeenAt, Expr::value(kept(at)))
            .filter(session::Column::Id.eq(id.uuid()))
            .exec(&self.connection())
            .await?;
        Ok(())
    }

    /// Notes that the person behind a session has proven again who they are.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn mark_authenticated(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), Error> {
        let _turn = self.turn().await?;
        session::Entity::all_update()
            .col_expr(session::Column::AuthenticatedAt, Expr::value(kept(at)))
            .filter(session::Column::Id.eq(id.uuid()))
            .exec(&self.connection())
            .await?;
        Ok(())
    }

    /// Ends a session. Ending it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_session(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), Error> {
        self.revoke_where(session::Column::Id.eq(id.uuid()).into(), at).await?;
        Ok(())
    }

    /// Ends a session of this person. `false` when they have no such session, or it is over.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_own_session(
        &self,
        user: UserId,
        id: SessionId,
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let own = Condition::all()
            .add(session::Column::Id.eq(id.uuid()))
            .add(session::Column::UserId.eq(user.uuid()));
        Ok(self.revoke_where(own, at).await? > 0)
    }

    /// Ends every session of a person, in one organisation or in all. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_sessions_of(
        &self,
        user: UserId,
        tenant: Option<TenantId>,
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let mut theirs = Condition::all().add(session::Column::UserId.eq(user.uuid()));
        if let Some(tenant) = tenant {
            theirs = theirs.add(session::Column::TenantId.eq(tenant.uuid()));
        }
        self.revoke_where(theirs, at).await
    }

    /// Ends the sessions that a connection vouched for: of a subject, of one session at the provider, or of both at once.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_vouched(
        &self,
        connection: SsoConnectionId,
        subject: Option<&str>,
        provider_session: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let mut vouched = Condition::all().add(session::Column::ConnectionId.eq(connection.uuid()));
        if let Some(subject) = subject {
            vouched = vouched.add(session::Column::Subject.eq(subject));
        }
        if let Some(sid) = provider_session {
            vouched = vouched.add(session::Column::ProviderSession.eq(sid));
        }
        if subject.is_none() && provider_session.is_none() {
            return Ok(0);
        }
        self.revoke_where(vouched, at).await
    }

    /// Ends the sessions of an organisation that this connection did not vouch for, but those of some people.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn revoke_not_vouched(
        &self,
        tenant: TenantId,
        connection: SsoConnectionId,
        spared: &[UserId],
        at: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let other = Condition::any()
            .add(session::Column::ConnectionId.is_null())
            .add(session::Column::ConnectionId.ne(connection.uuid()));
        let others = Condition::all()
            .add(session::Column::TenantId.eq(tenant.uuid()))
            .add(session::Column::UserId.is_not_in(spared.iter().map(|user| user.uuid())))
            .add(other);
        self.revoke_where(others, at).await
    }

    /// Takes a logout token, once. `false` when it was taken before.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn take_logout_token(
        &self,
        hash: TokenHash,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let _turn = self.turn().await?;
        let row = logout_token::ActiveModel {
            hash: Set(hash.to_hex()),
            expires_at: Set(kept(expires_at)),
        };
        let taken = logout_token::Entity::insert(row)
            .exec_without_returning(&self.connection())
            .await
            .map_err(Error::of_write("token"));
        match taken {
            Ok(_) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn revoke_where(&self, which: Condition, at: DateTime<Utc>) -> Result<u64, Error> {
        let _turn = self.turn().await?;
        let update: UpdateMany<session::Entity> = session::Entity::all_update()
            .col_expr(session::Column::RevokedAt, Expr::value(kept(at)))
            .filter(which)
            .filter(session::Column::RevokedAt.is_null());
        Ok(update.exec(&self.connection()).await?.rows_affected)
    }
}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        let tenant = TenantId::from_uuid(row.tenant_id);
        let voucher = match (row.connection_id, row.provider) {
            (Some(id), _) => Some(Voucher::Connection(tenant, SsoConnectionId::from_uuid(id))),
            (None, provider) => provider.map(Voucher::Provider),
        };
        let proof = voucher.map(|voucher| SessionProof {
            voucher,
            issuer: row.issuer.unwrap_or_default(),
            subject: row.subject.unwrap_or_default(),
            provider_session: row.provider_session,
        });
        Self {
            id: SessionId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            tenant,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_seen_at: row.last_seen_at.unwrap_or(row.created_at),
            authenticated_at: row.authenticated_at.unwrap_or(row.created_at),
            idle_seconds: row.idle_seconds,
            proof,
            revoked_at: row.revoked_at,
        }
    }
}
