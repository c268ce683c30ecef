//! What is signed about the audit log, who checks it, and what is removed from it when its time is over.

use chrono::TimeDelta;
use domain::{
    Granted, OpCtx, Principal, SystemReason, Tenant, TenantId,
    audit::{AuditSettings, Broken, Chain, Checkpoint, Link, PublicKey, Report, Signer, Statement},
    authz::{
        Permission,
        permission::{AuditRead, AuditWrite},
    },
};
use serde_json::json;
use store::{AuditFilter, AuditKey, NewAudit, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

const REQUEST_ID: &str = "audit";
/// Label under which the vault derives the key that signs checkpoints.
const SIGNING_KEY: &str = "audit-checkpoint";
/// Entries or checkpoints that are read at a time.
pub(crate) const PAGE: u32 = 500;
/// Entries that one round of retention removes from one organisation, so that no transaction takes long.
const REMOVED_AT_ONCE: i64 = 20_000;

/// What a round over all organisations did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditRound {
    /// Checkpoints that were signed.
    pub signed: usize,
    /// Entries that were removed because their time was over.
    pub removed: u64,
}

/// How the audit log of an organisation was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    InOrder(Report),
    Broken(Broken),
    /// Nothing was ever written.
    Empty,
}

// === impl Control ===

impl Control {
    /// Signs what is new in every organisation's log when its last checkpoint is old enough, and removes what is older than the
    /// organisation keeps. Two at once do nothing twice.
    ///
    /// # Errors
    /// [`Error::Internal`] when the organisations cannot be listed; a fault at one of them is logged.
    pub async fn keep_audit(&self) -> Result<AuditRound, Error> {
        let mut round = AuditRound::default();
        for tenant in self.store().directory().list_tenants().await? {
            match self.keep_audit_of(&tenant).await {
                Ok(done) => {
                    round.signed += done.signed;
                    round.removed += done.removed;
                }
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    tenant.id = %tenant.id,
                    "The audit log of an organisation could not be signed or cut"
                ),
            }
        }
        Ok(round)
    }

    /// Signs the end of the log now. Gives the checkpoint that is there when nothing is new.
    ///
    /// # Errors
    /// [`Error::Denied`] without `audit.read`; [`Error::NotFound`] when nothing was ever written.
    pub async fn create_checkpoint(&self, ctx: &OpCtx) -> Result<Checkpoint, Error> {
        self.require::<AuditRead>(ctx, &Deed::new(action::AUDIT_CHECKPOINT)).await?;
        let checkpoint = self.sign_end(ctx.tenant()).await?.ok_or(Error::NotFound)?;
        let tx = self.store().begin(&granted::<AuditWrite>(ctx.tenant())).await?;
        let detail = json!({ "seq": checkpoint.seq });
        self.audit(&tx, ctx, &Deed::new(action::AUDIT_CHECKPOINT), detail).await?;
        tx.commit().await?;
        Ok(checkpoint)
    }

    /// The public keys with which checkpoints were signed, the oldest first; the last one signs now.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn audit_keys(&self) -> Result<Vec<AuditKey>, Error> {
        let current = self.audit_signer().public_key();
        let mut keys = self.store().audit_keys().list().await?;
        let earlier = keys.iter().position(|key| key.key == current);
        let first_used_at = earlier.map_or(self.now(), |place| keys.remove(place).first_used_at);
        keys.push(AuditKey { key: current, first_used_at });
        Ok(keys)
    }

    /// Follows an organisation's log from its first entry to its last: for the operator's own shell.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such organisation.
    pub async fn verify_audit(&self, slug: &str, keys: Vec<PublicKey>) -> Result<Verified, Error> {
        let found = self.store().directory().find_tenant(slug).await?;
        let tenant = found.ok_or(Error::NotFound)?.id;
        let mut chain = Chain::new(keys);
        match self.follow(tenant, &mut chain).await? {
            Err(broken) => Ok(Verified::Broken(broken)),
            Ok(Link { seq: 0, .. }) if chain.end().seq == 0 => Ok(match chain.finish() {
                Err(Broken::Missing { .. }) => Verified::Empty,
                Err(broken) => Verified::Broken(broken),
                Ok(report) => Verified::InOrder(report),
            }),
            Ok(end) if end.seq != chain.end().seq || end.hash != chain.end().hash => {
                Ok(Verified::Broken(Broken::Missing { seq: chain.end().seq + 1 }))
            }
            Ok(_) => Ok(chain.finish().map_or_else(Verified::Broken, Verified::InOrder)),
        }
    }

    /// Names of all organisations, for commands that look at each.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub async fn audited_organisations(&self) -> Result<Vec<String>, Error> {
        let tenants = self.store().directory().list_tenants().await?;
        Ok(tenants.into_iter().map(|tenant| tenant.slug).collect())
    }

    /// Gives the end that the log says to have.
    async fn follow(
        &self,
        tenant: TenantId,
        chain: &mut Chain,
    ) -> Result<Result<Link, Broken>, Error> {
        let reading: Granted<AuditRead> = granted(tenant);
        let tx = self.store().read(&reading).await?;
        let end = tx.audit().end(&reading).await?;
        for checkpoint in checkpoints(&tx, &reading).await? {
            if let Err(broken) = chain.checkpoint(checkpoint) {
                return Ok(Err(broken));
            }
        }
        drop(tx);
        loop {
            let tx = self.store().read(&reading).await?;
            let place = (chain.end().seq, i64::MAX);
            let page = tx.audit().follow(&reading, AuditFilter::default(), place, PAGE).await?;
            drop(tx);
            if page.is_empty() {
                return Ok(Ok(end));
            }
            // What is written while it is followed belongs to the next time.
            for event in page.iter().filter(|event| event.link.seq <= end.seq.max(1)) {
                if let Err(broken) = chain.entry(event) {
                    return Ok(Err(broken));
                }
            }
            if chain.end().seq >= end.seq {
                return Ok(Ok(end));
            }
        }
    }

    async fn keep_audit_of(&self, tenant: &Tenant) -> Result<AuditRound, Error> {
        let reading: Granted<AuditRead> = granted(tenant.id);
        let tx = self.store().read(&reading).await?;
        let last = tx.audit().last_checkpoint(&reading).await?;
        let settings = tx.audit().settings(&reading).await?;
        drop(tx);
        let wait = TimeDelta::seconds(self.config().audit_checkpoint_seconds.into());
        let mut round = AuditRound::default();
        if last.as_ref().is_none_or(|last| last.at + wait <= self.now()) {
            let signed = self.sign_end(tenant.id).await?;
            round.signed = usize::from(signed.is_some() && signed != last);
        }
        round.removed = self.remove_old(tenant.id, &settings).await?;
        Ok(round)
    }

    /// A checkpoint at the end of the log, made unless it is there. `None` when nothing was ever written.
    pub(crate) async fn sign_end(&self, tenant: TenantId) -> Result<Option<Checkpoint>, Error> {
        let reading: Granted<AuditRead> = granted(tenant);
        let tx = self.store().read(&reading).await?;
        let end = tx.audit().end(&reading).await?;
        let last = tx.audit().last_checkpoint(&reading).await?;
        drop(tx);
        let signer = self.audit_signer();
        match last {
            _ if end.seq == 0 => return Ok(None),
            Some(last) if last.seq == end.seq && last.is_signed_by(&signer.public_key()) => {
                return Ok(Some(last));
            }
            _ => {}
        }
        let checkpoint = self.sign(&signer, tenant, Statement::Head, end).await?;
        let writing: Granted<AuditWrite> = granted(tenant);
        let tx = self.store().begin(&writing).await?;
        tx.audit().keep_checkpoint(&writing, &checkpoint).await?;
        tx.commit().await?;
        Ok(Some(checkpoint))
    }

    async fn sign(
        &self,
        signer: &Signer,
        tenant: TenantId,
        statement: Statement,
        entry: Link,
    ) -> Result<Checkpoint, Error> {
        let now = self.now();
        self.store().audit_keys().note(signer.public_key(), now).await?;
        Ok(signer.sign(tenant, statement, entry, now))
    }

    /// Removes what is older than the organisation keeps, up to a signed cut, and says so in the log. The newest entry stays.
    async fn remove_old(&self, tenant: TenantId, settings: &AuditSettings) -> Result<u64, Error> {
        let Some(days) = settings.retention_days else { return Ok(0) };
        let reading: Granted<AuditRead> = granted(tenant);
        let limit = self.now() - TimeDelta::days(days.into());
        let tx = self.store().read(&reading).await?;
        let cut = tx.audit().last_before(&reading, limit, REMOVED_AT_ONCE).await?;
        drop(tx);
        let Some(cut) = cut else { return Ok(0) };
        let signed = self.sign(&self.audit_signer(), tenant, Statement::Cut, cut).await?;
        let writing: Granted<AuditWrite> = granted(tenant);
        let tx = self.store().begin(&writing).await?;
        tx.audit().keep_checkpoint(&writing, &signed).await?;
        let removed = tx.audit().remove_up_to(&writing, cut.seq).await?;
        let actor = Principal::System(SystemReason::KeepAudit);
        let deed = Deed::new(action::AUDIT_PURGE);
        let entry = self.audit_by(&actor, REQUEST_ID, &deed).succeeded();
        let detail = json!({ "up_to": cut.seq, "removed": removed, "older_than_days": days });
        tx.audit().append(&writing, NewAudit { detail, ..entry }).await?;
        tx.commit().await?;
        Ok(removed)
    }

    fn audit_signer(&self) -> Signer {
        Signer::from_seed(&self.0.parts.vault.derive(SIGNING_KEY))
    }
}

/// Every checkpoint of an organisation.
pub(crate) async fn checkpoints(
    tx: &Tx,
    reading: &Granted<AuditRead>,
) -> Result<Vec<Checkpoint>, Error> {
    let mut all: Vec<Checkpoint> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.seq);
        let page = tx.audit().checkpoints(reading, after, PAGE).await?;
        let whole = page.len() < PAGE as usize;
        all.extend(page);
        if whole {
            return Ok(all);
        }
        // A head and a cut can be about the same entry and fall on two pages: the next page starts with the entry again.
        let again = all.last().map_or(0, |last| last.seq);
        while all.len() > 2 && all.last().is_some_and(|last| last.seq == again) {
            all.pop();
        }
    }
}

fn granted<P: Permission>(tenant: TenantId) -> Granted<P> {
    Granted::system(SystemReason::KeepAudit, tenant, REQUEST_ID)
}
