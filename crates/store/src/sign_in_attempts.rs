//! Sign-ins that were begun: by the hash of their state, each good for one end.

use chrono::{DateTime, Utc};
use domain::{
    SessionId, SignInAttemptId, SsoConnectionId, TenantId, TokenHash,
    identity::{AttemptPurpose, Voucher},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::Value;

use crate::{Directory, Error, entity::sign_in_attempt, scoped::Global, text, time::kept};

/// A sign-in to be kept until its answer comes.
#[derive(Debug, Clone)]
pub struct NewSignInAttempt {
    pub attempt: SignInAttempt,
    /// Of the state that goes to the provider.
    pub state: TokenHash,
    /// Of the token in the browser's cookie.
    pub browser: TokenHash,
    pub expires_at: DateTime<Utc>,
}

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct SignInAttempt {
    pub id: SignInAttemptId,
    pub purpose: AttemptPurpose,
    /// Who is asked; `None` while that is to be found out.
    pub voucher: Option<Voucher>,
    /// The session that it began in, if any.
    pub session: Option<SessionId>,
    /// Further facts that its end needs.
    pub detail: Value,
    pub created_at: DateTime<Utc>,
}

// === impl Directory ===

impl Directory<'_> {
    /// Keeps an attempt.
    ///
    /// # Errors
    /// [`Error::NotFound`] when its organisation or session is gone.
    pub async fn create_sign_in_attempt(&self, new: NewSignInAttempt) -> Result<(), Error> {
        let _turn = self.turn().await?;
        let NewSignInAttempt { attempt, state, browser, expires_at } = new;
        let (tenant, connection, provider) = match attempt.voucher {
            Some(Voucher::Connection(tenant, id)) => (Some(tenant.uuid()), Some(id.uuid()), None),
            Some(Voucher::Provider(name)) => (None, None, Some(name)),
            None => (None, None, None),
        };
        let row = sign_in_attempt::ActiveModel {
            id: Set(attempt.id.uuid()),
            hash: Set(state.to_hex()),
            browser: Set(browser.to_hex()),
            purpose: Set(attempt.purpose.as_str().to_owned()),
            tenant_id: Set(tenant),
            connection_id: Set(connection),
            provider: Set(provider),
            session_id: Set(attempt.session.map(domain::Id::uuid)),
            detail: Set(text::storable_json(attempt.detail)),
            created_at: Set(kept(attempt.created_at)),
            expires_at: Set(kept(expires_at)),
            used_at: Set(None),
        };
        sign_in_attempt::Entity::insert(row)
            .exec_without_returning(&self.connection())
            .await
            .map_err(Error::of_write("state"))?;
        Ok(())
    }

    /// Uses an attempt up: one statement, so that of any number of answers one is taken. `None` when there is none of this
    /// state and browser, or it is used or too old.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn use_sign_in_attempt(
        &self,
        state: TokenHash,
        browser: TokenHash,
        now: DateTime<Utc>,
    ) -> Result<Option<SignInAttempt>, Error> {
        let _turn = self.turn().await?;
        let now = kept(now);
        let rows = sign_in_attempt::Entity::all_update()
            .col_expr(sign_in_attempt::Column::UsedAt, Expr::value(now))
            .filter(sign_in_attempt::Column::Hash.eq(state.to_hex()))
            .filter(sign_in_attempt::Column::Browser.eq(browser.to_hex()))
            .filter(sign_in_attempt::Column::UsedAt.is_null())
            .filter(sign_in_attempt::Column::ExpiresAt.gt(now))
            .exec_with_returning(&self.connection())
            .await?;
        rows.into_iter().next().map(SignInAttempt::try_from).transpose()
    }
}

impl TryFrom<sign_in_attempt::Model> for SignInAttempt {
    type Error = Error;

    fn try_from(row: sign_in_attempt::Model) -> Result<Self, Error> {
        let unreadable = |column| Error::Unreadable { table: "sign_in_attempts", column };
        let voucher = match (row.tenant_id, row.connection_id, row.provider) {
            (Some(tenant), Some(id), _) => Some(Voucher::Connection(
                TenantId::from_uuid(tenant),
                SsoConnectionId::from_uuid(id),
            )),
            (_, _, provider) => provider.map(Voucher::Provider),
        };
        Ok(Self {
            id: SignInAttemptId::from_uuid(row.id),
            purpose: AttemptPurpose::parse(&row.purpose).ok_or(unreadable("purpose"))?,
            voucher,
            session: row.session_id.map(SessionId::from_uuid),
            detail: row.detail,
            created_at: row.created_at,
        })
    }
}
