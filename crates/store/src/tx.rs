//! A transaction bound to the tenant of a grant: the only way to a tenant's rows.

use std::sync::{Mutex, PoisonError};

use domain::{AuditEvent, Granted, TenantId, authz::Permission};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::task::JoinError;

use crate::{
    ApiKeys, Approvals, Audit, Credentials, CustomRoles, DataKeys, Directory, Domains, Endpoints,
    Error, Installs, Invitations, Members, Policies, Records, Runs, Sealed, SsoConnections, Store,
    TenantRow, TxJobs, store::Turn,
};

/// A transaction of one tenant. Dropping it without [`Tx::commit`] takes everything back.
///
/// Repositories borrow it and take the grant again: what a transaction may do is what its grants allow. A grant of
/// another tenant is refused, on both backends.
#[must_use = "a transaction that is not committed is taken back"]
pub struct Tx {
    // Before `access`, which holds the turn: the next writer may start only when this transaction has ended.
    transaction: DatabaseTransaction,
    tenant: TenantId,
    /// Entries of the audit log, written by the commit.
    audit: Mutex<Vec<AuditEvent>>,
    access: Access,
}

enum Access {
    Read,
    /// SQLite: with the turn to write.
    Write(#[expect(dead_code, reason = "held until the transaction ends")] Option<Turn>),
}

const BIND_WRITE: &str = "select set_config('app.tenant', $1, true)";
const BIND_READ: &str =
    "select set_config('app.tenant', $1, true), set_config('transaction_read_only', 'on', true)";

// === impl Store ===

impl Store {
    /// Begins a transaction that may write. On SQLite it has the write lock from its start, so that what it reads
    /// stays true until it writes.
    ///
    /// # Errors
    /// [`Error::Busy`] when other writers do not come to an end, [`Error::Database`].
    pub async fn begin<P: Permission>(&self, granted: &Granted<P>) -> Result<Tx, Error> {
        let turn = self.take_turn().await?;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.bind(granted.tenant(), options, Access::Write(turn)).await
    }

    /// Begins a transaction that only reads: it waits for no writer and no writer waits for it.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn read<P: Permission>(&self, granted: &Granted<P>) -> Result<Tx, Error> {
        self.bind(granted.tenant(), TransactionOptions::default(), Access::Read).await
    }

    async fn bind(
        &self,
        tenant: TenantId,
        options: TransactionOptions,
        access: Access,
    ) -> Result<Tx, Error> {
        let (transaction, access) = self.open(options, access).await?;
        if self.backend() == DbBackend::Postgres {
            // Local to the transaction (the `true`s): a pooled connection never carries a tenant over to the next one.
            let sql = match access {
                Access::Read => BIND_READ,
                Access::Write(_) => BIND_WRITE,
            };
            let values = [tenant.uuid().to_string().into()];
            let bind = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            transaction.query_one_raw(bind).await?;
        }
        Ok(Tx { transaction, tenant, audit: Mutex::default(), access })
    }

    /// Opens a transaction in a task of its own. The driver takes a transaction back only once it has begun: a caller that stops
    /// waiting while it begins would hand the next one a connection with an open transaction, in which all that is written is lost.
    async fn open(
        &self,
        options: TransactionOptions,
        access: Access,
    ) -> Result<(DatabaseTransaction, Access), Error> {
        let connection = self.connection().clone();
        let opening = self.opening().spawn(async move {
            // With `access`, so that the next writer's turn comes when this transaction has begun and ended.
            let transaction = connection.begin_with_options(options).await?;
            Ok::<_, DbErr>((transaction, access))
        });
        let stopped = |error: JoinError| DbErr::Conn(RuntimeErr::Internal(error.to_string()));
        Ok(opening.await.map_err(stopped)??)
    }
}

// === impl Tx ===

impl Tx {
    /// Makes everything done in it last, the entries of the audit log with it.
    ///
    /// # Errors
    /// [`Error::Database`]: then nothing of it lasts.
    pub async fn commit(self) -> Result<(), Error> {
        self.write_audit().await?;
        Ok(self.transaction.commit().await?)
    }

    /// Takes everything back, and waits until it is.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }

    /// Whose transaction this is.
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// The organisation's own row.
    pub const fn tenant(&self) -> TenantRow<'_> {
        TenantRow::new(self)
    }

    /// Roles of the organisation's own.
    pub const fn custom_roles(&self) -> CustomRoles<'_> {
        CustomRoles::new(self)
    }

    /// Places that wait for somebody.
    pub const fn invitations(&self) -> Invitations<'_> {
        Invitations::new(self)
    }

    /// Installed connectors.
    pub const fn installs(&self) -> Installs<'_> {
        Installs::new(self)
    }

    /// Sealed secrets.
    pub const fn credentials(&self) -> Credentials<'_> {
        Credentials::new(self)
    }

    /// The key under which they are sealed, wrapped.
    pub const fn data_keys(&self) -> DataKeys<'_> {
        DataKeys::new(self)
    }

    /// Versions of the policies over tools and records.
    pub const fn policies(&self) -> Policies<'_> {
        Policies::new(self)
    }

    /// Calls that wait for a person.
    pub const fn approvals(&self) -> Approvals<'_> {
        Approvals::new(self)
    }

    /// Everything that is sealed under it, wherever it stands.
    pub const fn sealed(&self) -> Sealed<'_> {
        Sealed::new(self)
    }

    /// Sync runs.
    pub const fn runs(&self) -> Runs<'_> {
        Runs::new(self)
    }

    /// Synced documents.
    pub const fn records(&self) -> Records<'_> {
        Records::new(self)
    }

    /// MCP endpoints.
    pub const fn endpoints(&self) -> Endpoints<'_> {
        Endpoints::new(self)
    }

    /// Keys for AI clients and scripts.
    pub const fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys::new(self)
    }

    /// Who belongs to the organisation.
    pub const fn members(&self) -> Members<'_> {
        Members::new(self)
    }

    /// Members who are given access together.
    pub const fn groups(&self) -> crate::Groups<'_> {
        crate::Groups::new(self)
    }

    /// Members as the organisation's directory describes them.
    pub const fn directory_entries(&self) -> crate::DirectoryEntries<'_> {
        crate::DirectoryEntries::new(self)
    }

    /// Tokens by which that directory provisions.
    pub const fn scim_tokens(&self) -> crate::ScimTokens<'_> {
        crate::ScimTokens::new(self)
    }

    /// AI clients that registered themselves.
    pub const fn oauth_clients(&self) -> crate::OauthClients<'_> {
        crate::OauthClients::new(self)
    }

    /// What people have granted to AI clients.
    pub const fn client_grants(&self) -> crate::ClientGrants<'_> {
        crate::ClientGrants::new(self)
    }

    /// Ways to sign in by the organisation's own provider.
    pub const fn sso_connections(&self) -> SsoConnections<'_> {
        SsoConnections::new(self)
    }

    /// Domains, claimed or proven.
    pub const fn domains(&self) -> Domains<'_> {
        Domains::new(self)
    }

    /// Addresses that are told of events.
    pub const fn webhooks(&self) -> crate::Webhooks<'_> {
        crate::Webhooks::new(self)
    }

    /// Events on their way to them.
    pub const fn webhook_deliveries(&self) -> crate::WebhookDeliveries<'_> {
        crate::WebhookDeliveries::new(self)
    }

    /// The audit log.
    pub const fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }

    /// Jobs, enqueued together with their cause.
    pub const fn jobs(&self) -> TxJobs<'_> {
        TxJobs::new(self)
    }

    /// The global tables, within this transaction: for setting up an organisation in one step.
    pub const fn directory(&self) -> Directory<'_> {
        Directory::within(&self.transaction)
    }

    /// Takes entries of the audit log for the commit.
    pub(crate) fn note_audit(&self, entries: impl Iterator<Item = AuditEvent>) {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
    }

    pub(crate) fn take_audit(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.audit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For what the transaction does of itself, for its own tenant.
    pub(crate) const fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// The connection for reads under a grant.
    pub(crate) fn reading<P: Permission>(
        &self,
        granted: &Granted<P>,
    ) -> Result<&DatabaseTransaction, Error> {
        if granted.tenant() == self.tenant {
            Ok(&self.transaction)
        } else {
            Err(Error::WrongTenant)
        }
    }

    /// The connection for writes under a grant.
    pub(crate) fn writing<P: Permission>(
        &self,
        granted: &Granted<P>,
    ) -> Result<&DatabaseTransaction, Error> {
        match self.access {
            Access::Read => Err(Error::ReadOnly),
            Access::Write(_) => self.reading(granted),
        }
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
