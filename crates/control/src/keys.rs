//! The organisation's keys: a new data key for what is written, everything else sealed anew under it by a job, and wrapping the data
//! keys again under another key-encryption key. Nothing waits for either, and both can be cut off anywhere.

use domain::{
    CredentialId, DataKeyVersion, Granted, JobId, KeyRotation, KeyRotationId, OpCtx, Page,
    PageArgs, Principal, SystemReason, Tenant, TenantId,
    authz::{Permission, permission::KeyRotate},
    job::{Job, JobPayload, Lane, Settle},
};
use serde_json::json;
use store::{NewAudit, NewDataKey, NewJob, SealedRow, SealedTable, Tx, WrappedVersion};
use telemetry::propagate::current_traceparent;
use tokio_util::sync::CancellationToken;
use vault::{DataKey, SealContext, WrappedDataKey, key_version};

use crate::{
    Control, Error,
    access::audit_grant,
    audit::{Deed, action},
    error::Fault,
};

/// Secrets that one transaction seals anew: short, so that nobody who writes waits for long.
const SLICE: u64 = 100;
const REQUEST_ID: &str = "keys";

/// The keys of an organisation, without the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    /// Oldest first.
    pub versions: Vec<DataKeyVersion>,
    /// The key that wraps what is made or wrapped again now.
    pub wrapping_key: String,
}

/// What one organisation's wrapping again did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Data keys that are wrapped anew.
    pub keys: usize,
}

/// Who turns keys over: a caller who may, or the operator's own shell.
enum Actor<'c> {
    Caller(&'c OpCtx),
    Operator(TenantId),
}

// === impl Control ===

impl Control {
    /// The keys of the organisation, as far as anybody may know of them.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin.
    pub async fn key_ring(&self, ctx: &OpCtx) -> Result<KeyRing, Error> {
        let granted = self.require_whole::<KeyRotate>(ctx, &Deed::new(action::KEY_READ)).await?;
        self.key_ring_of(&granted).await
    }

    /// As [`Control::key_ring`], for the operator's own shell.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn operator_key_ring(&self, tenant: TenantId) -> Result<KeyRing, Error> {
        self.key_ring_of(&granted(tenant)).await
    }

    /// Rotations, newest first.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin.
    pub async fn list_key_rotations(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<KeyRotation>, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::KEY_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.data_keys().list_rotations(&granted, &page).await?)
    }

    /// A rotation by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn lookup_key_rotation(
        &self,
        ctx: &OpCtx,
        id: KeyRotationId,
    ) -> Result<KeyRotation, Error> {
        let granted = self.require_whole(ctx, &Deed::on(action::KEY_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.data_keys().lookup_rotation(&granted, id).await?)
    }

    /// Begins to seal everything under a new data key. What is written from now on is under it at once; the rest follows in the
    /// background, and the key before is destroyed when nothing is left under it.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::Conflict`] while a rotation is under way.
    pub async fn rotate_data_key(&self, ctx: &OpCtx) -> Result<KeyRotation, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::KEY_ROTATE)).await?;
        self.begin_rotation(&granted, &Actor::Caller(ctx)).await
    }

    /// As [`Control::rotate_data_key`], for the operator's own shell.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a rotation is under way.
    pub async fn operator_rotate_data_key(&self, tenant: TenantId) -> Result<KeyRotation, Error> {
        self.begin_rotation(&granted(tenant), &Actor::Operator(tenant)).await
    }

    /// Wraps the organisation's data keys under the key that wraps now. What is sealed under them is not touched.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin; [`Error::Internal`] when an earlier key is missing or a key service does not answer: then
    /// nothing has changed.
    pub async fn rewrap_data_keys(&self, ctx: &OpCtx) -> Result<Rewrapped, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::KEY_REWRAP)).await?;
        self.rewrap(&granted, &Actor::Caller(ctx)).await
    }

    /// As [`Control::rewrap_data_keys`], for the operator's own shell.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn operator_rewrap_data_keys(&self, tenant: TenantId) -> Result<Rewrapped, Error> {
        self.rewrap(&granted(tenant), &Actor::Operator(tenant)).await
    }

    /// Every organisation, or the one with a slug, for the operator's own shell.
    ///
    /// # Errors
    /// [`Error::Internal`] alone.
    pub async fn operator_tenants(&self, slug: Option<&str>) -> Result<Vec<Tenant>, Error> {
        let directory = self.store().directory();
        Ok(match slug {
            Some(slug) => directory.find_tenant(slug).await?.into_iter().collect(),
            None => directory.list_tenants().await?,
        })
    }

    async fn key_ring_of(&self, granted: &Granted<KeyRotate>) -> Result<KeyRing, Error> {
        let tx = self.store().read(granted).await?;
        let versions = tx.data_keys().list(granted).await?;
        Ok(KeyRing { versions, wrapping_key: self.0.parts.vault.wrapping_key() })
    }

    async fn begin_rotation(
        &self,
        granted: &Granted<KeyRotate>,
        actor: &Actor<'_>,
    ) -> Result<KeyRotation, Error> {
        let tx = self.store().begin(granted).await?;
        let newest = tx.data_keys().list(granted).await?.last().map_or(0, |key| key.version);
        let version = newest + 1;
        let (wrapped, _) = self.0.parts.vault.new_data_key(granted.tenant(), version).await?;
        let now = self.now();
        let new = NewDataKey {
            version,
            wrapped: wrapped.0,
            wrapped_by: self.0.parts.vault.wrapping_key(),
            created_at: now,
        };
        tx.data_keys().succeed(granted, new).await.map_err(under_way)?;
        let rotation = KeyRotation {
            id: KeyRotationId::generate(),
            tenant: granted.tenant(),
            to_version: version,
            total: tx.sealed().count_others(granted, &header(version)).await?,
            done: 0,
            started_at: now,
            finished_at: None,
        };
        tx.data_keys().begin_rotation(granted, &rotation).await.map_err(under_way)?;
        let job = NewJob {
            id: JobId::generate(),
            payload: JobPayload::RotateDataKey { rotation: rotation.id },
            lane: Lane::Bulk,
            run_at: now,
            dedup_key: None,
            traceparent: current_traceparent(),
        };
        let job = tx.jobs().enqueue(granted, job).await?;
        let detail = json!({ "rotation": rotation.id, "to_version": version });
        self.note(&tx, actor, &Deed::new(action::KEY_ROTATE), detail).await?;
        tx.commit().await?;
        self.ring(Lane::Bulk, job, current_traceparent().as_deref()).await;
        Ok(rotation)
    }

    async fn rewrap(
        &self,
        granted: &Granted<KeyRotate>,
        actor: &Actor<'_>,
    ) -> Result<Rewrapped, Error> {
        let vault = &self.0.parts.vault;
        let tx = self.store().read(granted).await?;
        let live = tx.data_keys().list_live(granted).await?;
        drop(tx);
        // The key service is asked outside of any transaction: nobody waits for it with a lock in hand.
        let mut rewrapped = Vec::with_capacity(live.len());
        for was in live {
            let wrapped = WrappedDataKey(was.wrapped.clone());
            rewrapped.push((vault.rewrap(granted.tenant(), &wrapped).await?, was));
        }
        let by = vault.wrapping_key();
        let tx = self.store().begin(granted).await?;
        let mut keys = 0;
        for (now, was) in rewrapped {
            // One that somebody else wrapped or retired meanwhile stays as they left it.
            keys += usize::from(tx.data_keys().rewrap(granted, &was, now.0, &by).await?);
        }
        let detail = json!({ "keys": keys, "wrapped_by": by });
        self.note(&tx, actor, &Deed::new(action::KEY_REWRAP), detail).await?;
        tx.commit().await?;
        Ok(Rewrapped { keys })
    }

    /// Carries a rotation on, slice by slice, to its end or until it is asked to stop.
    pub(crate) async fn carry_out_rotation(
        &self,
        job: &Job,
        id: KeyRotationId,
        cancel: CancellationToken,
    ) -> Settle {
        let granted: Granted<KeyRotate> =
            Granted::system(SystemReason::RotateKeys, job.tenant, &job.id.to_string());
        loop {
            match self.rotate_slice(&granted, id).await {
                Ok(true) | Err(Error::NotFound) => return Settle::Done,
                Ok(false) if cancel.is_cancelled() => return Settle::RetryAt(self.now()),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        rotation.id = %id,
                        "A rotation of a data key stopped and will go on"
                    );
                    return Settle::RetryAt(self.now() + self.backoff(job.attempt));
                }
            }
        }
    }

    /// Seals one slice anew, in one transaction. `true` when the rotation is finished.
    async fn rotate_slice(
        &self,
        granted: &Granted<KeyRotate>,
        id: KeyRotationId,
    ) -> Result<bool, Error> {
        let tx = self.store().begin(granted).await?;
        let rotation = tx.data_keys().lookup_rotation(granted, id).await?;
        if rotation.finished_at.is_some() {
            return Ok(true);
        }
        let mut slice = Vec::new();
        for table in SealedTable::ALL {
            let head = header(rotation.to_version);
            slice.extend(tx.sealed().list_others(granted, *table, &head, SLICE).await?);
        }
        if slice.is_empty() {
            return self.end_rotation(tx, granted, &rotation).await.map(|()| true);
        }
        let keys = tx.data_keys().list_live(granted).await?;
        let mut opened = Vec::with_capacity(keys.len());
        for key in &keys {
            opened.push(self.unwrapped(granted.tenant(), key).await?);
        }
        let mut done = 0;
        for row in &slice {
            let sealed = self.sealed_anew(granted.tenant(), &opened, rotation.to_version, row)?;
            done += i64::from(tx.sealed().replace(granted, row, sealed).await?);
        }
        tx.data_keys().advance_rotation(granted, id, done).await?;
        tx.commit().await?;
        Ok(false)
    }

    /// Nothing is left under the earlier keys, and nobody writes under them: they are destroyed.
    async fn end_rotation(
        &self,
        tx: Tx,
        granted: &Granted<KeyRotate>,
        rotation: &KeyRotation,
    ) -> Result<(), Error> {
        let now = self.now();
        tx.data_keys().retire(granted, now).await?;
        tx.data_keys().finish_rotation(granted, rotation.id, now).await?;
        let detail = json!({
            "purpose": "rotation",
            "rotation": rotation.id,
            "to_version": rotation.to_version,
            "opened": rotation.done,
        });
        let actor = Actor::Operator(granted.tenant());
        self.note(&tx, &actor, &Deed::new(action::KEY_RETIRE), detail).await?;
        Ok(tx.commit().await?)
    }

    async fn unwrapped(&self, tenant: TenantId, key: &WrappedVersion) -> Result<DataKey, Error> {
        let wrapped = WrappedDataKey(key.wrapped.clone());
        Ok(self.0.parts.vault.unwrap(tenant, key.version, &wrapped).await?)
    }

    fn sealed_anew(
        &self,
        tenant: TenantId,
        keys: &[DataKey],
        to_version: u32,
        row: &SealedRow,
    ) -> Result<Vec<u8>, Error> {
        let of = |version| {
            let key = keys.iter().find(|key| key.version() == version);
            key.ok_or_else(|| Error::internal(Fault::NoDataKey))
        };
        // Every table binds its secrets to the row's id, under the kind of a credential.
        let credential = CredentialId::from_uuid(row.id);
        let place = SealContext { tenant, credential, version: row.version };
        let vault = &self.0.parts.vault;
        let opened = vault.open(of(key_version(&row.sealed)?)?, &place, &row.sealed)?;
        Ok(vault.seal(of(to_version)?, &place, opened.expose())?)
    }

    async fn note(
        &self,
        tx: &Tx,
        actor: &Actor<'_>,
        deed: &Deed,
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        match actor {
            Actor::Caller(ctx) => self.audit(tx, ctx, deed, detail).await,
            Actor::Operator(tenant) => {
                let operator = Principal::System(SystemReason::RotateKeys);
                let entry = self.audit_by(&operator, REQUEST_ID, deed).succeeded();
                let auditing = audit_grant(*tenant, REQUEST_ID);
                tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
                Ok(())
            }
        }
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::RotateKeys, tenant, REQUEST_ID)
}

/// How sealed bytes of a version begin.
fn header(version: u32) -> Vec<u8> {
    vault::header(version).to_vec()
}

fn under_way(error: store::Error) -> Error {
    match error {
        store::Error::Conflict { .. } => {
            Error::conflict("kind", "a rotation is under way: wait until it has ended")
        }
        other => other.into(),
    }
}
