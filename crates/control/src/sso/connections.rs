//! Connections of an organisation: what an admin sets, tests and enforces.

use domain::{
    CredentialId, Granted, OpCtx, Page, PageArgs, Role, SecretString, SsoConnection,
    SsoConnectionId, SystemReason, TenantId,
    authz::permission::{CredentialWrite, IdentityRead, IdentityWrite, MemberRead},
    identity::{ConnectionRules, ConnectionSettings, ConnectionState},
    secret::ExposeSecret,
};
use serde_json::json;
use store::{ConnectionChange, NewConnection, SealedSecret, Tx};
use url::Url;
use vault::SealContext;

use super::{granted, provider::Client};
use crate::{
    Control, Error,
    audit::{Deed, action},
    credentials::Purpose,
    error::Fault,
    tenants::check_name,
};

/// Most scopes, claims or groups that one connection may name.
const MAX_ENTRIES: usize = 200;
/// Longest scope, claim, group or client id.
const MAX_LENGTH: usize = 500;

/// A new connection. It is a draft until its test sign-in has passed.
#[derive(Debug)]
pub struct CreateSsoConnection {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    /// `None` for a public client.
    pub client_secret: Option<SecretString>,
    pub rules: ConnectionRules,
}

/// Changes of a connection; `None` leaves what is there.
#[derive(Debug)]
pub struct UpdateSsoConnection {
    pub id: SsoConnectionId,
    pub expected_version: Option<i64>,
    pub name: Option<String>,
    pub issuer: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub rules: Option<ConnectionRules>,
    pub state: Option<ConnectionState>,
}

// === impl Control ===

impl Control {
    /// The organisation's connections.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor.
    pub async fn list_sso_connections(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<SsoConnection>, Error> {
        let granted = self.require(ctx, &Deed::new(action::SSO_READ)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.sso_connections().list(&granted, &page).await?)
    }

    /// A connection by its id.
    ///
    /// # Errors
    /// [`Error::Denied`] below auditor, [`Error::NotFound`].
    pub async fn lookup_sso_connection(
        &self,
        ctx: &OpCtx,
        id: SsoConnectionId,
    ) -> Result<SsoConnection, Error> {
        let granted = self.require(ctx, &Deed::on(action::SSO_READ, &id)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.sso_connections().lookup(&granted, id).await?)
    }

    /// Adds a connection as a draft. Nothing is asked of the provider yet.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Reauthenticate`], [`Error::Invalid`].
    pub async fn create_sso_connection(
        &self,
        ctx: &OpCtx,
        command: CreateSsoConnection,
    ) -> Result<SsoConnection, Error> {
        let id = SsoConnectionId::generate();
        let deed = Deed::on(action::SSO_CREATE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let settings = ConnectionSettings {
            name: command.name.trim().to_owned(),
            issuer: command.issuer.trim().to_owned(),
            client_id: command.client_id.trim().to_owned(),
            rules: command.rules,
            state: ConnectionState::Draft,
        };
        self.validate(&settings)?;
        let tx = self.store().begin(&granted).await?;
        let secret = match command.client_secret {
            Some(secret) => Some(self.seal_secret(&tx, &granted, id, 1, &secret).await?),
            None => None,
        };
        let new = NewConnection { id, settings, secret, created_at: self.now() };
        let connection = tx.sso_connections().create(&granted, new).await?;
        let detail = json!({ "issuer": connection.settings.issuer });
        self.audit(&tx, ctx, &deed, detail).await?;
        tx.commit().await?;
        Ok(connection)
    }

    /// Changes a connection, takes it into use or enforces it.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Reauthenticate`], [`Error::Invalid`], [`Error::NotFound`]; [`Error::Conflict`] when
    /// it is taken into use without a test sign-in that passed, or was changed in the meantime.
    pub async fn update_sso_connection(
        &self,
        ctx: &OpCtx,
        command: UpdateSsoConnection,
    ) -> Result<SsoConnection, Error> {
        let id = command.id;
        let deed = Deed::on(action::SSO_UPDATE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let reading = super::granted::<IdentityRead>(ctx.tenant(), ctx.request_id());
        let tx = self.store().begin(&granted).await?;
        let before = tx.sso_connections().lookup(&reading, id).await?;
        let settings = changed(&before, &command);
        self.validate(&settings)?;
        let keeps_test = settings.issuer == before.settings.issuer
            && settings.client_id == before.settings.client_id
            && settings.rules == before.settings.rules
            && command.client_secret.is_none();
        let passed = keeps_test && before.tested.as_ref().is_some_and(|test| test.passed);
        if settings.state != ConnectionState::Draft && !passed {
            let message = "the test sign-in must pass before people sign in by this connection: set it back to draft, test, then enable it";
            return Err(Error::conflict("state", message));
        }
        let secret = match &command.client_secret {
            Some(secret) => {
                Some(self.seal_secret(&tx, &granted, id, before.version + 1, secret).await?)
            }
            None => None,
        };
        let state = settings.state;
        let expected_version = command.expected_version.unwrap_or(before.version);
        let updated_at = self.now();
        let change =
            ConnectionChange { settings, secret, keeps_test, expected_version, updated_at };
        let connection = tx.sso_connections().update(&granted, id, change).await?;
        let enforced = state == ConnectionState::Enforced
            && before.settings.state != ConnectionState::Enforced;
        if enforced {
            self.end_other_sessions(&tx, ctx, id).await?;
        }
        self.audit(&tx, ctx, &deed, json!({ "state": state.as_str() })).await?;
        tx.commit().await?;
        Ok(connection)
    }

    /// Removes a connection. Sessions that it began go on until they end; nobody signs in by it any more.
    ///
    /// # Errors
    /// [`Error::Denied`] below admin, [`Error::Reauthenticate`], [`Error::NotFound`].
    pub async fn remove_sso_connection(
        &self,
        ctx: &OpCtx,
        id: SsoConnectionId,
    ) -> Result<(), Error> {
        let deed = Deed::on(action::SSO_REMOVE, &id);
        let granted: Granted<IdentityWrite> = self.require_whole(ctx, &deed).await?;
        self.require_recent(ctx).await?;
        let tx = self.store().begin(&granted).await?;
        tx.sso_connections().remove(&granted, id).await?;
        self.audit(&tx, ctx, &deed, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// A connection with the client that it is at its provider, secret opened.
    pub(super) async fn connection_client(
        &self,
        tenant: TenantId,
        id: SsoConnectionId,
        request_id: &str,
    ) -> Result<(SsoConnection, Client), Error> {
        let reading = granted::<IdentityRead>(tenant, request_id);
        let opening = granted(tenant, request_id);
        let tx = self.store().read(&reading).await?;
        let connection = tx.sso_connections().lookup(&reading, id).await?;
        let secret = match tx.sso_connections().open(&opening, id).await? {
            None => None,
            Some(sealed) => {
                let place = place(tenant, id, sealed.version);
                let purpose = Purpose::SignIn;
                let opened = self.open_at(&tx, &opening, &place, &sealed.sealed, purpose).await?;
                let text = std::str::from_utf8(opened.expose())
                    .map_err(|_| Error::internal(Fault::CredentialShape))?;
                Some(SecretString::from(text))
            }
        };
        let client = Client {
            id: connection.settings.client_id.clone(),
            secret,
            name: connection.settings.name.clone(),
            issuer: connection.settings.issuer.clone(),
        };
        Ok((connection, client))
    }

    async fn seal_secret(
        &self,
        tx: &Tx,
        granted: &Granted<IdentityWrite>,
        id: SsoConnectionId,
        version: i64,
        secret: &SecretString,
    ) -> Result<SealedSecret, Error> {
        let tenant = granted.tenant();
        let sealing: Granted<CredentialWrite> =
            Granted::system(SystemReason::SealCredential, tenant, granted.request_id());
        let data_key = self.data_key(tx, &sealing).await?;
        let bytes = secret.expose_secret().as_bytes();
        let sealed = self.0.parts.vault.seal(&data_key, &place(tenant, id, version), bytes)?;
        Ok(SealedSecret { version, sealed })
    }

    /// From now on everybody signs in by the connection: sessions that came otherwise end, but those of owners and of whoever decided it.
    async fn end_other_sessions(
        &self,
        tx: &Tx,
        ctx: &OpCtx,
        id: SsoConnectionId,
    ) -> Result<(), Error> {
        let reading = granted::<MemberRead>(ctx.tenant(), ctx.request_id());
        let mut spared = Vec::new();
        if let domain::Principal::User(user) = ctx.principal() {
            spared.push(*user);
        }
        let mut args = PageArgs::all();
        loop {
            let page = tx.members().list(&reading, &args).await?;
            let owners = page
                .items
                .iter()
                .filter(|(_, (member, _))| member.role == Role::Owner && member.is_active());
            spared.extend(owners.map(|(_, (member, _))| member.user));
            match page.items.last() {
                Some((cursor, _)) if page.has_next => args.after = Some(cursor.clone()),
                _ => break,
            }
        }
        tx.directory().revoke_not_vouched(ctx.tenant(), id, &spared, self.now()).await?;
        Ok(())
    }

    fn validate(&self, settings: &ConnectionSettings) -> Result<(), Error> {
        check_name("name", &settings.name)?;
        self.check_issuer(&settings.issuer)?;
        let client = &settings.client_id;
        if client.is_empty() || client.len() > MAX_LENGTH || client.chars().any(char::is_control) {
            return Err(Error::invalid("clientId", "length", "a client id is one line of text"));
        }
        check_rules(&settings.rules)
    }

    /// An issuer is an `https` URL without query and fragment (OpenID Connect Discovery, section 3). Plain HTTP is for networks of the
    /// operator's own.
    fn check_issuer(&self, issuer: &str) -> Result<(), Error> {
        let refused = |message: &str| Err(Error::invalid("issuer", "issuer", message));
        let Ok(url) = Url::parse(issuer) else {
            return refused("an issuer is a URL such as https://id.example.com");
        };
        let plain = url.scheme() == "http" && self.0.parts.egress.allows_private_networks();
        if url.scheme() != "https" && !plain {
            return refused("an issuer begins with https://");
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return refused("an issuer has no user name, query or fragment");
        }
        Ok(())
    }
}

/// The place of a client secret: the id of the connection stands for that of a credential.
fn place(tenant: TenantId, id: SsoConnectionId, version: i64) -> SealContext {
    SealContext { tenant, credential: CredentialId::from_uuid(id.uuid()), version }
}

fn changed(before: &SsoConnection, command: &UpdateSsoConnection) -> ConnectionSettings {
    let text = |new: &Option<String>, old: &str| match new {
        Some(new) => new.trim().to_owned(),
        None => old.to_owned(),
    };
    let settings = &before.settings;
    ConnectionSettings {
        name: text(&command.name, &settings.name),
        issuer: text(&command.issuer, &settings.issuer),
        client_id: text(&command.client_id, &settings.client_id),
        rules: command.rules.clone().unwrap_or_else(|| settings.rules.clone()),
        state: command.state.unwrap_or(settings.state),
    }
}

fn check_rules(rules: &ConnectionRules) -> Result<(), Error> {
    let invalid = |field: &str, message: &str| Err(Error::invalid(field, "rules", message));
    let named = |text: &String| !text.is_empty() && text.len() <= MAX_LENGTH;
    if rules.scopes.len() > MAX_ENTRIES
        || !rules.scopes.iter().all(|scope| named(scope) && !scope.contains(char::is_whitespace))
    {
        return invalid("scopes", "a scope is one word");
    }
    let claims_fit = rules
        .required_claims
        .iter()
        .all(|it| named(&it.claim) && !it.any_of.is_empty() && it.any_of.len() <= MAX_ENTRIES);
    if !claims_fit || rules.required_claims.len() > MAX_ENTRIES {
        return invalid("requiredClaims", "a required claim names at least one value");
    }
    if rules.group_claim.as_ref().is_some_and(|claim| !named(claim)) {
        return invalid("groupClaim", "this is not the name of a claim");
    }
    if rules.group_claim.is_none() && !rules.group_roles.is_empty() {
        return invalid("groupClaim", "name the claim that holds the groups");
    }
    if rules.group_roles.len() > MAX_ENTRIES || !rules.group_roles.iter().all(|it| named(&it.group))
    {
        return invalid("groupRoles", "a group has a name, and there are at most 200 of them");
    }
    let given = rules.group_roles.iter().map(|it| it.role).chain(rules.default_role);
    if given.into_iter().any(|role| role == Role::Owner) {
        return invalid("groupRoles", "ownership is given by an owner, not by a provider");
    }
    if rules.provisions && rules.default_role.is_none() && rules.group_roles.is_empty() {
        return invalid("defaultRole", "new members need a role: name a default or map groups");
    }
    let session = &rules.session;
    if !(1..=720).contains(&session.absolute_hours) {
        return invalid("sessionHours", "a session lasts between 1 and 720 hours");
    }
    if session.idle_minutes.is_some_and(|minutes| !(5..=43_200).contains(&minutes)) {
        return invalid("idleMinutes", "between 5 minutes and 30 days");
    }
    Ok(())
}
