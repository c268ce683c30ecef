//! Who somebody is here: by issuer and subject, never by an e-mail address that anybody could claim.

use domain::{
    Identity, IdentityId, Membership, MembershipId, Role, SsoConnection, UserId,
    authz::permission::{AuditWrite, IdentityRead, MemberRead, MemberWrite},
    event::Event,
    identity::{ConnectionRules, RequiredClaim},
};
use serde_json::{Value, json};
use store::{NewAudit, NewMember, NewUser, Tx};

use super::{
    attempt::domain_of,
    finish::{Proven, refused},
    granted,
    tokens::Claims,
};
use crate::{
    Control, Error,
    audit::{Deed, action},
};

/// What the provider's groups make of somebody: a role, or no change of the one they have.
type GivenRole = Option<Role>;

// === impl Control ===

impl Control {
    /// Finds the account behind a proof, or makes it, and brings their role up to date.
    ///
    /// # Errors
    /// [`Error::Invalid`] when they are not let in.
    pub(super) async fn admit(
        &self,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
    ) -> Result<UserId, Error> {
        let rules = &connection.settings.rules;
        if let Some(problem) = missing_claims(&rules.required_claims, &proven.signed).pop() {
            return Err(refused("required_claim", problem));
        }
        let role = role(rules, proven)?;
        let tenant = connection.tenant;
        let members = granted::<MemberWrite>(tenant, request_id);
        let reading = granted::<MemberRead>(tenant, request_id);
        let tx = self.store().begin(&members).await?;
        let known = tx.directory().find_identity(&proven.issuer, &proven.subject).await?;
        let user = match known {
            Some(identity) => identity.user,
            None => self.first_sign_in(&tx, connection, proven, request_id).await?,
        };
        match tx.members().find(&reading, user).await? {
            Some(member) => self.refresh_role(&tx, &member, rules, role, request_id).await?,
            None => self.provision(&tx, connection, proven, user, role).await?,
        }
        tx.commit().await?;
        Ok(user)
    }

    /// Ties an unknown identity to a person. The address counts only where the organisation has proven its domain: any other provider
    /// could say any address (the "nOAuth" mistake).
    async fn first_sign_in(
        &self,
        tx: &Tx,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
    ) -> Result<UserId, Error> {
        let email = self.owned_address(tx, connection, proven, request_id).await?;
        let user = match tx.directory().find_user_by_email(&email).await? {
            Some(user) => user.id,
            None if connection.settings.rules.provisions => {
                self.create_person(tx, &email, proven).await?
            }
            None => return Err(no_account()),
        };
        self.tie(tx, user, proven).await?;
        Ok(user)
    }

    /// The person behind a proof of an invited address, and that address. Whom the connection would not provision is made all the same:
    /// they were invited.
    pub(super) async fn invited_person(
        &self,
        tx: &Tx,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
    ) -> Result<(UserId, String), Error> {
        let rules = &connection.settings.rules;
        if let Some(problem) = missing_claims(&rules.required_claims, &proven.signed).pop() {
            return Err(refused("required_claim", problem));
        }
        let email = self.owned_address(tx, connection, proven, request_id).await?;
        let directory = tx.directory();
        if let Some(known) = directory.find_identity(&proven.issuer, &proven.subject).await? {
            return Ok((known.user, email));
        }
        let user = match directory.find_user_by_email(&email).await? {
            Some(user) => user.id,
            None => self.create_person(tx, &email, proven).await?,
        };
        self.tie(tx, user, proven).await?;
        Ok((user, email))
    }

    /// The address of somebody, in a domain that the organisation has proven.
    async fn owned_address(
        &self,
        tx: &Tx,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
    ) -> Result<String, Error> {
        let email = address(proven)?;
        let domain = domain_of(&email).unwrap_or_default();
        let reading = granted::<IdentityRead>(connection.tenant, request_id);
        if tx.domains().owns(&reading, domain).await? {
            return Ok(email);
        }
        let message = format!(
            "the domain of your e-mail address ({domain}) is not one that your organisation has verified: ask an admin to verify it"
        );
        Err(refused("foreign_domain", message))
    }

    pub(super) async fn create_person(
        &self,
        tx: &Tx,
        email: &str,
        proven: &Proven,
    ) -> Result<UserId, Error> {
        let shown = proven.text("name").or_else(|| proven.text("preferred_username"));
        let shown: String =
            shown.unwrap_or(email).chars().filter(|it| !it.is_control()).take(100).collect();
        let new = NewUser {
            id: UserId::generate(),
            email: email.to_owned(),
            display_name: if shown.trim().is_empty() { email.to_owned() } else { shown },
            created_at: self.now(),
        };
        Ok(tx.directory().create_user(new).await?.id)
    }

    pub(super) async fn tie(&self, tx: &Tx, user: UserId, proven: &Proven) -> Result<(), Error> {
        let identity = Identity {
            id: IdentityId::generate(),
            issuer: proven.issuer.clone(),
            subject: proven.subject.clone(),
            user,
            created_at: self.now(),
        };
        tx.directory().create_identity(identity).await?;
        Ok(())
    }

    /// Makes a member of somebody who signs in for the first time.
    async fn provision(
        &self,
        tx: &Tx,
        connection: &SsoConnection,
        proven: &Proven,
        user: UserId,
        role: GivenRole,
    ) -> Result<(), Error> {
        let rules = &connection.settings.rules;
        let request_id = "sign-in";
        if !rules.provisions {
            return Err(no_account());
        }
        // The issuer may serve others too: who is known from elsewhere is no member here yet.
        self.owned_address(tx, connection, proven, request_id).await?;
        let role = role.or(rules.default_role).ok_or_else(no_role)?;
        let members = granted::<MemberWrite>(connection.tenant, request_id);
        let member = NewMember {
            id: MembershipId::generate(),
            user,
            role,
            clearance: role.usual_clearance(),
            created_at: self.now(),
        };
        let member = tx.members().create(&members, member).await?;
        let detail = json!({ "role": role.as_str(), "connection": connection.id });
        self.audit_member(tx, &member, action::MEMBER_PROVISION, detail).await
    }

    /// Gives a member the role that their groups say today. Owners stay owners: ownership is given and taken by people.
    async fn refresh_role(
        &self,
        tx: &Tx,
        member: &Membership,
        rules: &ConnectionRules,
        role: GivenRole,
        request_id: &str,
    ) -> Result<(), Error> {
        let follows = rules.group_claim.is_some() && member.role != Role::Owner;
        if !follows {
            return Ok(());
        }
        let role = role.ok_or_else(no_role)?;
        if role == member.role {
            return Ok(());
        }
        let members = granted::<MemberWrite>(member.tenant, request_id);
        tx.members().update(&members, member.id, role).await?;
        let detail = json!({ "from": member.role.as_str(), "to": role.as_str() });
        self.audit_member(tx, member, action::MEMBER_ROLE_BY_GROUP, detail).await?;
        // Keys of the member hold no more than the member: gateways must hear of it. A signal before the commit costs seconds at most.
        self.signal(Event::RouteChanged { tenant: member.tenant }).await;
        Ok(())
    }

    async fn audit_member(
        &self,
        tx: &Tx,
        member: &Membership,
        what: crate::audit::Action,
        detail: Value,
    ) -> Result<(), Error> {
        let auditing = granted::<AuditWrite>(member.tenant, "sign-in");
        let deed = Deed::on(what, &member.id);
        let actor = domain::Principal::User(member.user);
        let entry = self.audit_by(&actor, "sign-in", &deed).succeeded();
        tx.audit().append(&auditing, NewAudit { detail, ..entry }).await?;
        Ok(())
    }

    /// Everything that would keep somebody with this proof out, for the admin who tests a connection.
    pub(super) async fn problems(
        &self,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
    ) -> Result<Vec<String>, Error> {
        let rules = &connection.settings.rules;
        let mut problems = missing_claims(&rules.required_claims, &proven.signed);
        if let Err(error) = role(rules, proven) {
            problems.push(error.to_string());
        }
        let reading = granted::<IdentityRead>(connection.tenant, request_id);
        let tx = self.store().read(&reading).await?;
        match self.owned_address(&tx, connection, proven, request_id).await {
            Ok(_) => {}
            Err(error @ Error::Invalid { .. }) => problems.push(error.to_string()),
            Err(error) => return Err(error),
        }
        Ok(problems)
    }
}

/// The address that a provider says, unless it says that it has not looked whether it is theirs.
fn address(proven: &Proven) -> Result<String, Error> {
    let email = proven.text("email").map(|email| email.trim().to_lowercase());
    let email = email.filter(|email| domain_of(email).is_some()).ok_or_else(|| {
        refused(
            "no_address",
            "your provider did not send your e-mail address: the scope `email` may be missing",
        )
    })?;
    if proven.all.get("email_verified").is_some_and(|verified| !is_true(verified)) {
        let message = "your provider says that your e-mail address is not verified";
        return Err(refused("unverified_address", message));
    }
    Ok(email)
}

/// An address that the provider itself vouches for, for signing up: nobody has proven its domain.
pub(super) fn vouched_address(proven: &Proven) -> Result<String, Error> {
    if !proven.all.get("email_verified").is_some_and(is_true) {
        let message = "your provider does not say that your e-mail address is verified";
        return Err(refused("unverified_address", message));
    }
    address(proven)
}

/// Some providers write booleans as text.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(value == "true")
}

/// The role that the claims give; `None` when the connection leaves roles alone.
pub(super) fn role(rules: &ConnectionRules, proven: &Proven) -> Result<GivenRole, Error> {
    let Some(claim) = &rules.group_claim else { return Ok(None) };
    // Entra ID leaves the groups out of a token when there are many and says so: that is not "no groups".
    if !proven.all.contains_key(claim)
        && proven.all.get("_claim_names").is_some_and(|names| names.get(claim).is_some())
    {
        let message =
            format!("your provider left out `{claim}`: you are in too many groups for its tokens");
        return Err(refused("groups_left_out", message));
    }
    let groups = texts(proven.all.get(claim));
    rules.role_of(&groups).map(Some).ok_or_else(no_role)
}

/// What is missing of the required claims.
fn missing_claims(required: &[RequiredClaim], claims: &Claims) -> Vec<String> {
    let missing = required.iter().filter(|required| {
        let found = texts(claims.get(&required.claim));
        !required.any_of.iter().any(|wanted| found.contains(wanted))
    });
    missing.map(|it| format!("`{}` must be {}", it.claim, it.any_of.join(" or "))).collect()
}

/// A claim as texts: one or several.
fn texts(claim: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match claim {
        Some(Value::Array(several)) => several.iter().filter_map(one).collect(),
        Some(single) => one(single).into_iter().collect(),
        None => Vec::new(),
    }
}

fn no_role() -> Error {
    refused(
        "no_role",
        "none of your groups gives you a role here: ask an admin of your organisation",
    )
}

fn no_account() -> Error {
    refused("no_account", "you do not belong to this organisation yet: ask an admin to invite you")
}
