//! The organisation's policies over tools, records and prompts. Every change makes a new version; old ones stay readable.

use std::sync::Arc;

use domain::{
    Granted, OpCtx, Page, PageArgs, PolicySet, PolicySetId, TenantId,
    authz::{
        Permission,
        permission::{PolicyRead, PolicyWrite},
    },
    event::Event,
};
use policy::{Compiled, Faults, Rule, Source};
use serde_json::json;
use store::{NewPolicySet, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    error::Fault,
    tenants::check_name,
};

/// Policies ready to decide that are kept in memory, one set for each organisation.
const KEPT_MAX: u64 = 10_000;
const NOTE_MAX: usize = 200;

/// The sets of policies of this process.
pub(crate) struct Kept(moka::sync::Cache<TenantId, Arc<Compiled>>);

/// A version of the policies as people read it.
#[derive(Debug, Clone)]
pub struct PolicyVersion {
    /// `None` for what every organisation begins with.
    pub set: Option<PolicySet>,
    pub version: i64,
    pub sources: Vec<Source>,
}

/// A policy to be added or changed.
#[derive(Debug, Clone)]
pub struct SavePolicy {
    pub source: Source,
    /// The version that the change was made on: refused as a conflict when there is a newer one.
    pub expected_version: Option<i64>,
    /// For people who read the versions.
    pub note: Option<String>,
}

// === impl Kept ===

impl Kept {
    pub(crate) fn new() -> Self {
        Self(moka::sync::Cache::new(KEPT_MAX))
    }
}

// === impl Control ===

impl Control {
    /// The policies that count, or those of an older version.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NotFound`] for a version that never was.
    pub async fn policies(
        &self,
        ctx: &OpCtx,
        version: Option<i64>,
    ) -> Result<PolicyVersion, Error> {
        let granted = self.require::<PolicyRead>(ctx, &Deed::new(action::POLICY_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let version = match version {
            Some(version) => version,
            None => tx.policies().current_version(&granted).await?,
        };
        version_of(&tx, &granted, version).await
    }

    /// A version by its id.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`].
    pub async fn lookup_policies(
        &self,
        ctx: &OpCtx,
        id: PolicySetId,
    ) -> Result<PolicyVersion, Error> {
        let granted = self.require(ctx, &Deed::on(action::POLICY_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        readable(tx.policies().lookup(&granted, id).await?)
    }

    /// The versions, newest first. The one that every organisation begins with is not among them.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] for a cursor that is none.
    pub async fn list_policy_versions(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<PolicyVersion>, Error> {
        let granted = self.require(ctx, &Deed::new(action::POLICY_READ)).await?;
        let tx = self.store().read(&granted).await?;
        let page = tx.policies().list(&granted, &page).await?;
        let read = |(cursor, set)| Ok((cursor, readable(set)?));
        let items = page.items.into_iter().map(read).collect::<Result<_, Error>>()?;
        Ok(Page { items, has_next: page.has_next })
    }

    /// What a policy would be, without keeping it.
    ///
    /// # Errors
    /// [`Error::Denied`]. What is wrong with the policy is in the inner result.
    pub async fn validate_policy(
        &self,
        ctx: &OpCtx,
        source: &Source,
    ) -> Result<Result<Vec<Rule>, Faults>, Error> {
        self.require::<PolicyRead>(ctx, &Deed::new(action::POLICY_READ)).await?;
        Ok(policy::validate(source))
    }

    /// Adds a policy, or replaces the one of its name.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] names line and fix; [`Error::Conflict`] when the policies changed meanwhile.
    pub async fn save_policy(
        &self,
        ctx: &OpCtx,
        command: SavePolicy,
    ) -> Result<PolicyVersion, Error> {
        let deed = Deed::on(action::POLICY_SAVE, &command.source.name);
        check_source(&command.source)?;
        let note = command.note.unwrap_or_else(|| format!("Saved `{}`", command.source.name));
        let source = command.source;
        let expected = command.expected_version;
        self.change_policies(ctx, &deed, (expected, note), |mut sources| {
            match sources.iter_mut().find(|it| it.name == source.name) {
                Some(known) => *known = source,
                None => sources.push(source),
            }
            Ok(sources)
        })
        .await
    }

    /// Removes a policy.
    ///
    /// # Errors
    /// As [`Control::save_policy`]; [`Error::NotFound`].
    pub async fn remove_policy(
        &self,
        ctx: &OpCtx,
        name: &str,
        expected_version: Option<i64>,
    ) -> Result<PolicyVersion, Error> {
        let deed = Deed::on(action::POLICY_REMOVE, &name);
        let note = format!("Removed `{name}`");
        self.change_policies(ctx, &deed, (expected_version, note), |mut sources| {
            let before = sources.len();
            sources.retain(|source| source.name != name);
            if sources.len() == before { Err(Error::NotFound) } else { Ok(sources) }
        })
        .await
    }

    /// Makes an old version count again, as a new one. 0 is what every organisation begins with.
    ///
    /// # Errors
    /// As [`Control::save_policy`]; [`Error::NotFound`].
    pub async fn restore_policies(
        &self,
        ctx: &OpCtx,
        version: i64,
    ) -> Result<PolicyVersion, Error> {
        let deed = Deed::on(action::POLICY_RESTORE, &version);
        self.require_whole::<PolicyWrite>(ctx, &deed).await?;
        let old = self.policies(ctx, Some(version)).await?.sources;
        let note = format!("Restored version {version}");
        self.change_policies(ctx, &deed, (None, note), |_| Ok(old)).await
    }

    async fn change_policies(
        &self,
        ctx: &OpCtx,
        deed: &Deed,
        (expected, note): (Option<i64>, String),
        change: impl FnOnce(Vec<Source>) -> Result<Vec<Source>, Error> + Send,
    ) -> Result<PolicyVersion, Error> {
        let granted = self.require_whole::<PolicyWrite>(ctx, deed).await?;
        if note.len() > NOTE_MAX {
            return Err(Error::invalid("note", "length", "a note has at most 200 bytes"));
        }
        let tx = self.store().begin(&granted).await?;
        let newest = tx.policies().current_version(&granted).await?;
        if expected.is_some_and(|expected| expected != newest) {
            return Err(store::Error::Stale.into());
        }
        let sources = change(version_of(&tx, &granted, newest).await?.sources)?;
        let version = newest + 1;
        policy::compile(version, &sources).map_err(|faults| invalid(&faults))?;
        let new = NewPolicySet {
            id: PolicySetId::generate(),
            version,
            sources: json!(sources),
            author: ctx.principal().to_string(),
            note,
            created_at: self.now(),
        };
        let set = tx.policies().create(&granted, new).await?;
        self.audit(&tx, ctx, deed, json!({ "version": version })).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(PolicyVersion { set: Some(set), version, sources })
    }

    /// The policies that count for the organisation of a transaction, ready to decide. A set that this version of Patchbay cannot
    /// read permits nothing.
    pub(crate) async fn compiled<P: Permission>(
        &self,
        tx: &Tx,
        granted: &Granted<P>,
    ) -> Result<Arc<Compiled>, Error> {
        let tenant = granted.tenant();
        let version = tx.policies().current_version(granted).await?;
        let kept = &self.0.policies.0;
        if let Some(known) = kept.get(&tenant).filter(|known| known.version() == version) {
            return Ok(known);
        }
        let sources = version_of(tx, granted, version).await?.sources;
        let compiled = match policy::compile(version, &sources) {
            Ok(compiled) => compiled,
            Err(faults) => {
                tracing::error!(%tenant, policy.version = version, %faults, "Stored policies cannot be used: nothing is permitted");
                policy::compile(version, &[]).map_err(|faults| invalid(&faults))?
            }
        };
        kept.insert(tenant, Arc::clone(&compiled));
        Ok(compiled)
    }
}

async fn version_of<P: Permission>(
    tx: &Tx,
    granted: &Granted<P>,
    version: i64,
) -> Result<PolicyVersion, Error> {
    if version == 0 {
        return Ok(PolicyVersion { set: None, version, sources: Compiled::default_sources() });
    }
    readable(tx.policies().find(granted, version).await?.ok_or(Error::NotFound)?)
}

fn readable(set: PolicySet) -> Result<PolicyVersion, Error> {
    let sources: Vec<Source> = serde_json::from_value(set.sources.clone())
        .map_err(|_| Error::internal(Fault::PolicyShape))?;
    Ok(PolicyVersion { version: set.version, set: Some(set), sources })
}

/// What is wrong with policies, for whoever wrote them.
pub(crate) fn invalid(faults: &Faults) -> Error {
    Error::invalid("policy", "policy", faults.to_string())
}

fn check_source(source: &Source) -> Result<(), Error> {
    check_name("title", &source.title)?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = source.name.as_bytes();
    if name.is_empty() || name.len() > 40 || !name.iter().copied().all(fits) {
        let message = "the name of a policy has 1 to 40 characters of a-z, 0-9 and -";
        return Err(Error::invalid("name", "name", message));
    }
    Ok(())
}
