//! Keys for AI clients and scripts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ApiKey, ApiKeyId, Granted, InstallId, OpCtx, Page, PageArgs, Principal, Role, SecretString,
    TokenHash, authz::permission::ApiKeyRead, event::Event, key, secret::ExposeSecret,
};
use serde_json::json;
use store::{NewApiKey, Tx};

use crate::{
    Control, Error,
    audit::{Deed, action},
    error::Fault,
    tenants::check_name,
};

/// More random bytes than a key needs, because some are skipped.
const RANDOM_BYTES: usize = 64;
const EXPIRY_MAX_DAYS: u32 = 3650;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    pub name: String,
    /// At most the role of the person who makes it.
    pub role: Role,
    /// `Some` limits it to these installs.
    pub installs: Option<Vec<InstallId>>,
    /// `None` never expires.
    pub expires_in_days: Option<u32>,
}

/// A key that was made.
#[derive(Debug)]
pub struct CreatedApiKey {
    pub key: ApiKey,
    /// Its text: this is the only time that it can be read.
    pub secret: SecretString,
}

// === impl Control ===

impl Control {
    /// Makes a key.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin and for keys that are limited to some installs; [`Error::Invalid`] for a role above the maker's,
    /// an install that is not there, a name or an expiry that cannot be one.
    pub async fn create_api_key(
        &self,
        ctx: &OpCtx,
        command: CreateApiKey,
    ) -> Result<CreatedApiKey, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::API_KEY_CREATE)).await?;
        validate(ctx, &command)?;
        let (mut new, secret) = self.new_key(&command)?;
        let id = new.id;
        let tx = self.store().begin(&granted).await?;
        new.created_by = maker(&tx, ctx).await?;
        check_installs(&tx, ctx, command.installs.as_deref()).await?;
        let key = tx.api_keys().create(&granted, new).await?;
        let detail =
            json!({ "role": key.role, "installs": key.installs, "expires_at": key.expires_at });
        self.audit(&tx, ctx, &Deed::on(action::API_KEY_CREATE, &id), detail).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(CreatedApiKey { key, secret })
    }

    /// Ends a key for good. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::NotFound`].
    pub async fn revoke_api_key(&self, ctx: &OpCtx, id: ApiKeyId) -> Result<ApiKey, Error> {
        let deed = Deed::on(action::API_KEY_REVOKE, &id);
        let granted = self.require_whole(ctx, &deed).await?;
        let tx = self.store().begin(&granted).await?;
        let key = tx.api_keys().revoke(&granted, id, self.now()).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        tx.commit().await?;
        self.signal(Event::RouteChanged { tenant: ctx.tenant() }).await;
        Ok(key)
    }

    /// The organisation's keys, never their text.
    ///
    /// # Errors
    /// [`Error::Denied`] below member.
    pub async fn list_api_keys(&self, ctx: &OpCtx, page: PageArgs) -> Result<Page<ApiKey>, Error> {
        let granted = self.require_whole(ctx, &Deed::new(action::API_KEY_LIST)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.api_keys().list(&granted, &page).await?)
    }

    fn new_key(&self, command: &CreateApiKey) -> Result<(NewApiKey, SecretString), Error> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|error| Error::internal(Fault::Random(error)))?;
        let secret = key::format_key(&random).ok_or_else(|| Error::internal(Fault::KeyBytes))?;
        let (prefix, last_four) = key::display_parts(&secret);
        let now = self.now();
        let new = NewApiKey {
            id: ApiKeyId::generate(),
            name: command.name.trim().to_owned(),
            prefix,
            last_four,
            hash: TokenHash::of(secret.expose_secret()),
            role: command.role,
            installs: command.installs.clone(),
            created_by: None,
            created_at: now,
            expires_at: command.expires_in_days.map(|days| expiry(now, days)),
        };
        Ok((new, secret))
    }
}

/// The person behind a new key: it never outlives them, also when it was made by a key of theirs.
async fn maker(tx: &Tx, ctx: &OpCtx) -> Result<Option<domain::UserId>, Error> {
    match ctx.principal() {
        Principal::User(user) => Ok(Some(*user)),
        Principal::ApiKey(id) => {
            let reading: Granted<ApiKeyRead> = ctx.require()?;
            Ok(tx.api_keys().lookup(&reading, *id).await?.created_by)
        }
        Principal::System(_) => Ok(None),
    }
}

fn expiry(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    now + TimeDelta::days(days.into())
}

fn validate(ctx: &OpCtx, command: &CreateApiKey) -> Result<(), Error> {
    check_name("name", &command.name)?;
    let access = ctx.access();
    if !command.role.permissions().is_within(access.permissions) {
        let message = format!(
            "a key cannot have a role that may more than you ({}) may",
            access.role.as_str()
        );
        return Err(Error::invalid("role", "role", message));
    }
    if command.expires_in_days.is_some_and(|days| !(1..=EXPIRY_MAX_DAYS).contains(&days)) {
        let message = "a key expires after 1 to 3650 days";
        return Err(Error::invalid("expiresInDays", "out_of_range", message));
    }
    if command.installs.as_ref().is_some_and(Vec::is_empty) {
        let message = "a key that is limited to no install could do nothing";
        return Err(Error::invalid("installIds", "empty", message));
    }
    Ok(())
}

/// A key limited to an install that is not there would look limited and be useless.
async fn check_installs(tx: &Tx, ctx: &OpCtx, installs: Option<&[InstallId]>) -> Result<(), Error> {
    let Some(installs) = installs else { return Ok(()) };
    let reading: Granted<domain::authz::permission::InstallRead> = ctx.require()?;
    let found = tx.installs().lookup_many(&reading, installs).await?;
    if installs.iter().all(|id| found.iter().any(|install| install.id == *id)) {
        Ok(())
    } else {
        Err(Error::invalid("installIds", "not_found", "one of these installs is not there"))
    }
}
