//! Calls that wait for a person. What changes one asks for the state that it must have: of two who change it, one wins.

use chrono::{DateTime, Utc};
use domain::{
    Approval, ApprovalId, ApprovalState, Granted, InstallId, Page, PageArgs, TenantId,
    authz::permission::{ApprovalDecide, McpUse},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::Expr,
};

use crate::{Error, Tx, entity::approval, page, scoped::TenantOwned, text, time::kept};

/// Calls of the transaction's tenant that wait for a person.
pub struct Approvals<'t> {
    tx: &'t Tx,
}

/// A call that waits.
#[derive(Debug, Clone)]
pub struct NewApproval {
    pub id: ApprovalId,
    pub call: ApprovedCall,
    pub arguments: String,
    pub reason: String,
    pub requested_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// What an approval is for: all of it must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedCall {
    pub principal: String,
    pub install: InstallId,
    pub tool: String,
    pub digest: String,
}

// === impl Approvals ===

impl<'t> Approvals<'t> {
    pub(crate) const fn new(tx: &'t Tx) -> Self {
        Self { tx }
    }

    /// The newest of a call that has not expired and was not used.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn find(
        &self,
        granted: &Granted<McpUse>,
        call: &ApprovedCall,
        now: DateTime<Utc>,
    ) -> Result<Option<Approval>, Error> {
        let connection = self.tx.reading(granted)?;
        let query = approval::Entity::scoped(granted)
            .filter(approval::Column::Principal.eq(call.principal.as_str()))
            .filter(approval::Column::InstallId.eq(call.install.uuid()))
            .filter(approval::Column::Tool.eq(call.tool.as_str()))
            .filter(approval::Column::Digest.eq(call.digest.as_str()))
            .filter(approval::Column::State.ne(ApprovalState::Used.as_str()))
            .filter(approval::Column::ExpiresAt.gt(kept(now)))
            .order_by_desc(approval::Column::Id);
        query.one(connection).await?.map(Approval::try_from).transpose()
    }

    /// How many calls of somebody wait for a decision.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn count_pending(
        &self,
        granted: &Granted<McpUse>,
        principal: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, Error> {
        let connection = self.tx.reading(granted)?;
        let query = approval::Entity::scoped(granted)
            .filter(approval::Column::Principal.eq(principal))
            .filter(approval::Column::State.eq(ApprovalState::Pending.as_str()))
            .filter(approval::Column::ExpiresAt.gt(kept(now)));
        Ok(query.count(connection).await?)
    }

    /// Keeps a call that waits.
    ///
    /// # Errors
    /// [`Error::NotFound`] when its install is gone.
    pub async fn create(
        &self,
        granted: &Granted<McpUse>,
        new: NewApproval,
    ) -> Result<Approval, Error> {
        let connection = self.tx.writing(granted)?;
        let row = approval::ActiveModel {
            id: Set(new.id.uuid()),
            tenant_id: Set(granted.tenant().uuid()),
            principal: Set(new.call.principal),
            install_id: Set(new.call.install.uuid()),
            tool: Set(text::storable(new.call.tool)),
            arguments: Set(Some(text::storable(new.arguments))),
            digest: Set(new.call.digest),
            reason: Set(text::storable(new.reason)),
            state: Set(ApprovalState::Pending.as_str().to_owned()),
            requested_at: Set(kept(new.requested_at)),
            expires_at: Set(kept(new.expires_at)),
            decided_by: Set(None),
            decided_at: Set(None),
            used_at: Set(None),
        };
        let row = approval::Entity::insert(row)
            .exec_with_returning(connection)
            .await
            .map_err(Error::of_write("id"))?;
        row.try_into()
    }

    /// Uses an approval up. `false` when it is not (any more) an approved one: then the call may not be made.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn finish(
        &self,
        granted: &Granted<McpUse>,
        id: ApprovalId,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let connection = self.tx.writing(granted)?;
        let used = approval::Entity::scoped_update(granted)
            .filter(approval::Column::Id.eq(id.uuid()))
            .filter(approval::Column::State.eq(ApprovalState::Approved.as_str()))
            .filter(approval::Column::ExpiresAt.gt(kept(now)))
            .col_expr(approval::Column::State, Expr::value(ApprovalState::Used.as_str()))
            .col_expr(approval::Column::Arguments, Expr::value(None::<String>))
            .col_expr(approval::Column::UsedAt, Expr::value(kept(now)))
            .exec(connection)
            .await?;
        Ok(used.rows_affected == 1)
    }

    /// A person's decision about a call that waits.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`] when it is decided or has expired.
    pub async fn update(
        &self,
        granted: &Granted<ApprovalDecide>,
        id: ApprovalId,
        approve: bool,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<Approval, Error> {
        let connection = self.tx.writing(granted)?;
        let state = if approve { ApprovalState::Approved } else { ApprovalState::Refused };
        let mut update = approval::Entity::scoped_update(granted)
            .filter(approval::Column::Id.eq(id.uuid()))
            .filter(approval::Column::State.eq(ApprovalState::Pending.as_str()))
            .filter(approval::Column::ExpiresAt.gt(kept(now)))
            .col_expr(approval::Column::State, Expr::value(state.as_str()))
            .col_expr(approval::Column::DecidedBy, Expr::value(granted.principal().to_string()))
            .col_expr(approval::Column::DecidedAt, Expr::value(kept(now)))
            .col_expr(approval::Column::ExpiresAt, Expr::value(kept(expires_at)));
        if !approve {
            update = update.col_expr(approval::Column::Arguments, Expr::value(None::<String>));
        }
        let changed = update.exec(connection).await?.rows_affected;
        let approval = self.lookup(granted, id).await?;
        if changed == 0 { Err(Error::Stale) } else { Ok(approval) }
    }

    /// Forgets the arguments of calls that were not made in time.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn forget_expired(
        &self,
        granted: &Granted<McpUse>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let connection = self.tx.writing(granted)?;
        approval::Entity::scoped_update(granted)
            .filter(approval::Column::Arguments.is_not_null())
            .filter(approval::Column::ExpiresAt.lte(kept(now)))
            .col_expr(approval::Column::Arguments, Expr::value(None::<String>))
            .exec(connection)
            .await?;
        Ok(())
    }

    /// One by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lookup(
        &self,
        granted: &Granted<ApprovalDecide>,
        id: ApprovalId,
    ) -> Result<Approval, Error> {
        let connection = self.tx.reading(granted)?;
        let query = approval::Entity::scoped(granted).filter(approval::Column::Id.eq(id.uuid()));
        query.one(connection).await?.ok_or(Error::NotFound)?.try_into()
    }

    /// Calls, newest first, of one state or of all.
    ///
    /// # Errors
    /// [`Error::InvalidCursor`].
    pub async fn list(
        &self,
        granted: &Granted<ApprovalDecide>,
        state: Option<ApprovalState>,
        args: &PageArgs,
    ) -> Result<Page<Approval>, Error> {
        let connection = self.tx.reading(granted)?;
        let mut query = approval::Entity::scoped(granted);
        if let Some(state) = state {
            query = query.filter(approval::Column::State.eq(state.as_str()));
        }
        let rows = page::read(query, approval::Column::Id, Order::Desc, args, connection).await?;
        page::convert(rows, Approval::try_from)
    }
}

impl TryFrom<approval::Model> for Approval {
    type Error = Error;

    fn try_from(row: approval::Model) -> Result<Self, Error> {
        let state = ApprovalState::parse(&row.state)
            .ok_or(Error::Unreadable { table: "approvals", column: "state" })?;
        Ok(Self {
            id: ApprovalId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            principal: row.principal,
            install: InstallId::from_uuid(row.install_id),
            tool: row.tool,
            arguments: row.arguments,
            digest: row.digest,
            reason: row.reason,
            state,
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            used_at: row.used_at,
        })
    }
}
