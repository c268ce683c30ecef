//! The provider's answer: whether it belongs to what was begun, what it proves, and what becomes of it.

use std::fmt::Display;

use chrono::{Duration, TimeDelta};
use domain::{
    AuditOutcome, Session, SessionId, SsoConnection, SsoConnectionId, TenantId, UserId,
    authz::permission::{AuditWrite, IdentityWrite},
    identity::{AttemptPurpose, ConnectionTest, SessionPolicy, SessionProof, Voucher},
};
use serde_json::{Value, json};
use store::{NewAudit, NewSession, SignInAttempt};

use super::{
    attempt::{Detail, authenticated_since, detail_of, key_of},
    granted, people,
    provider::{Client, Provider, misbehaves, unavailable},
    redirect_uri,
    tokens::{self, Claims, Expected, Refusal},
};
use crate::{
    Control, Error, SignedIn,
    audit::{Deed, action},
    login::{hash_of, random_token},
};

/// What a provider sent a browser back with, and the browser itself.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Last part of the address that the browser came back to.
    pub key: &'a str,
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    /// `iss` of RFC 9207.
    pub issuer: Option<&'a str>,
    /// `error` of RFC 6749, section 4.1.2.1.
    pub error: Option<&'a str>,
    /// The token in the browser's cookie.
    pub browser: Option<&'a str>,
    /// Address under which users reach Patchbay.
    pub public_url: &'a str,
    pub request_id: &'a str,
}

/// What an answer led to.
#[derive(Debug)]
pub enum Finished {
    /// Somebody is signed in; go on to this path.
    SignedIn { signed_in: Box<SignedIn>, return_to: Option<String> },
    /// A test is over, and kept with its connection.
    Tested { connection: SsoConnectionId, test: Box<ConnectionTest> },
    /// The person of the session has proven again who they are.
    Reauthenticated { return_to: Option<String> },
}

/// What a provider has proven of somebody.
pub(super) struct Proven {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// Of the ID token alone: what decides whether somebody is let in at all.
    pub(super) signed: Claims,
    /// With the user info added: who somebody is.
    pub(super) all: Claims,
}

// === impl Proven ===

impl Proven {
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.all.get(claim).and_then(Value::as_str)
    }
}

// === impl Control ===

impl Control {
    /// Finishes what was begun with the state of an answer.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when nothing was begun with it in this browser, or it has been answered; [`Error::Invalid`] when the
    /// answer is not believed or the person is not let in; [`Error::Upstream`] when the provider fails.
    pub async fn finish_sign_in(&self, answer: Answer<'_>) -> Result<Finished, Error> {
        let state = answer.state.ok_or(Error::Unauthenticated)?;
        let browser = answer.browser.ok_or(Error::Unauthenticated)?;
        let attempt = self.use_attempt(state, browser).await?;
        let voucher = attempt.voucher.clone().ok_or(Error::Unauthenticated)?;
        let outcome = self.prove_and_act(&answer, &attempt, &voucher, state).await;
        if let (Err(error), Voucher::Connection(tenant, id)) = (&outcome, &voucher) {
            self.note_refusal(*tenant, *id, &answer, error).await?;
        }
        outcome
    }

    async fn prove_and_act(
        &self,
        answer: &Answer<'_>,
        attempt: &SignInAttempt,
        voucher: &Voucher,
        state: &str,
    ) -> Result<Finished, Error> {
        if key_of(voucher) != answer.key {
            return Err(refused("mixed_up", "the answer came to the address of another provider"));
        }
        let (client, _) = self.client_of(voucher, answer.request_id).await?;
        let provider = self.provider(&client).await?;
        check_sender(answer, &client, &provider)?;
        if let Some(error) = answer.error {
            return Err(declined(&client, error));
        }
        let code = answer.code.ok_or_else(|| misbehaves(&client, "it sent no code"))?;
        let redirect = redirect_uri(answer.public_url, answer.key);
        let verifier = self.verifier_of(state);
        let tokens = self.redeem_code(&client, &provider, code, &verifier, &redirect).await?;
        let access = tokens.access_token.as_deref();
        let id_token = tokens.id_token.ok_or_else(|| misbehaves(&client, "it sent no ID token"))?;
        let nonce = self.nonce_of(state);
        let expected = Expected {
            client: &client,
            nonce: &nonce,
            access_token: access,
            authenticated_since: authenticated_since(attempt),
            now: self.now(),
        };
        let signed = self.believe(&provider, &id_token, &expected).await?;
        let proven = self.complete(&client, &provider, signed, access).await?;
        let detail = detail_of(attempt)?;
        match (attempt.purpose, voucher) {
            (AttemptPurpose::SignIn, Voucher::Connection(tenant, id)) => {
                let (connection, _) =
                    self.connection_client(*tenant, *id, answer.request_id).await?;
                if let Some(invited) = &detail.invited {
                    return self
                        .join_by_connection(&connection, &proven, invited, answer.request_id)
                        .await;
                }
                self.enter(&connection, &proven, answer.request_id, detail.return_to).await
            }
            (AttemptPurpose::Test, Voucher::Connection(tenant, id)) => {
                self.keep_test(*tenant, *id, &proven, &detail, answer.request_id).await
            }
            (AttemptPurpose::Reauthenticate, _) => {
                self.reauthenticated(attempt, &proven, answer.request_id, detail).await
            }
            (AttemptPurpose::SignUp, Voucher::Provider(name)) => {
                self.sign_up(name, &proven, answer.request_id, &detail).await
            }
            (AttemptPurpose::SignIn, Voucher::Provider(name)) => {
                if let Some(invited) = &detail.invited {
                    return self.join_by_provider(name, &proven, invited, answer.request_id).await;
                }
                self.enter_by_provider(name, &proven, answer.request_id, detail.return_to).await
            }
            _ => Err(Error::Unauthenticated),
        }
    }

    /// Checks an ID token; one of an unknown key makes the keys be fetched again.
    async fn believe(
        &self,
        provider: &Provider,
        id_token: &str,
        expected: &Expected<'_>,
    ) -> Result<Claims, Error> {
        let keys = self.provider_keys(expected.client, provider, false).await?;
        let mut checked = tokens::check_id_token(id_token, keys, expected);
        if checked == Err(Refusal::UnknownKey) {
            let keys = self.provider_keys(expected.client, provider, true).await?;
            checked = tokens::check_id_token(id_token, keys, expected);
        }
        checked.map_err(|why| {
            let name = &expected.client.name;
            refused("token", format!("the ID token of {name} is not accepted: {why}"))
        })
    }

    /// Adds the user info to the claims of the ID token, where the token leaves out who somebody is.
    async fn complete(
        &self,
        client: &Client,
        provider: &Provider,
        signed: Claims,
        access_token: Option<&str>,
    ) -> Result<Proven, Error> {
        let subject = signed.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut all = signed.clone();
        if let Some(access_token) = access_token
            && let Some(info) = self.user_info(client, provider, access_token).await?
        {
            // A user info of somebody else would be mixed in otherwise (OpenID Connect Core, section 5.3.2).
            if info["sub"] != subject {
                return Err(misbehaves(client, "its user info is about somebody else"));
            }
            let Value::Object(info) = info else {
                return Err(unavailable(client, "its user info cannot be read"));
            };
            for (name, value) in info {
                all.entry(name).or_insert(value);
            }
        }
        Ok(Proven { issuer: client.issuer.clone(), subject, signed, all })
    }

    async fn enter(
        &self,
        connection: &SsoConnection,
        proven: &Proven,
        request_id: &str,
        return_to: Option<String>,
    ) -> Result<Finished, Error> {
        let user = self.admit(connection, proven, request_id).await?;
        let voucher = Voucher::Connection(connection.tenant, connection.id);
        let policy = connection.settings.rules.session;
        let begin = BeginSession {
            tenant: connection.tenant,
            user,
            policy: Some(policy),
            proof: Some(proof(voucher, proven)),
        };
        let signed_in = Box::new(self.begin_session(begin, request_id).await?);
        Ok(Finished::SignedIn { signed_in, return_to })
    }

    async fn keep_test(
        &self,
        tenant: TenantId,
        id: SsoConnectionId,
        proven: &Proven,
        detail: &Detail,
        request_id: &str,
    ) -> Result<Finished, Error> {
        let (connection, _) = self.connection_client(tenant, id, request_id).await?;
        let problems = self.problems(&connection, proven, request_id).await?;
        let rules = &connection.settings.rules;
        let test = ConnectionTest {
            at: self.now(),
            passed: problems.is_empty(),
            problems,
            role: people::role(rules, proven).ok().flatten(),
            claims: json!({ "idToken": proven.signed, "all": proven.all }),
        };
        let writing = granted::<IdentityWrite>(tenant, request_id);
        let tx = self.store().begin(&writing).await?;
        let version = detail.version.unwrap_or_default();
        tx.sso_connections().record_test(&writing, id, version, &test).await?;
        tx.commit().await?;
        Ok(Finished::Tested { connection: id, test: Box::new(test) })
    }

    async fn reauthenticated(
        &self,
        attempt: &SignInAttempt,
        proven: &Proven,
        request_id: &str,
        detail: Detail,
    ) -> Result<Finished, Error> {
        let id = attempt.session.ok_or(Error::Unauthenticated)?;
        let directory = self.store().directory();
        let session = directory.lookup_session(id).await?;
        let same = session
            .proof
            .as_ref()
            .is_some_and(|proof| proof.issuer == proven.issuer && proof.subject == proven.subject);
        if !same || !session.is_live(self.now()) {
            return Err(refused("somebody_else", "you signed in there as somebody else"));
        }
        directory.mark_authenticated(id, self.now()).await?;
        let deed = Deed::on(action::SESSION_REAUTHENTICATE, &id);
        self.audit_person(session.tenant, session.user, request_id, &deed).await?;
        Ok(Finished::Reauthenticated { return_to: detail.return_to })
    }

    /// Starts a session for somebody who may have one.
    pub(crate) async fn begin_session(
        &self,
        begin: BeginSession,
        request_id: &str,
    ) -> Result<SignedIn, Error> {
        let now = self.now();
        let token = random_token()?;
        let hours = begin.policy.map_or(self.config().session_hours, |it| it.absolute_hours);
        let idle = begin.policy.and_then(|policy| policy.idle_minutes);
        let session = Session {
            id: SessionId::generate(),
            user: begin.user,
            tenant: begin.tenant,
            created_at: now,
            expires_at: now + Duration::hours(hours.into()),
            last_seen_at: now,
            authenticated_at: now,
            idle_seconds: idle.map(|minutes| TimeDelta::minutes(minutes.into()).num_seconds()),
            proof: begin.proof,
            revoked_at: None,
        };
        let hash = hash_of(&token);
        let new = NewSession { session: session.clone(), hash };
        self.store().directory().create_session(new).await?;
        let deed = Deed::on(action::SESSION_CREATE, &session.id);
        self.audit_person(begin.tenant, begin.user, request_id, &deed).await?;
        let csrf = self.csrf_token(session.id);
        Ok(SignedIn { token, session, csrf })
    }

    /// Writes down what a person did before there was a caller.
    pub(super) async fn audit_person(
        &self,
        tenant: TenantId,
        user: UserId,
        request_id: &str,
        deed: &Deed,
    ) -> Result<(), Error> {
        let auditing = granted::<AuditWrite>(tenant, request_id);
        let tx = self.store().begin(&auditing).await?;
        let entry = self.audit_by(&domain::Principal::User(user), request_id, deed).succeeded();
        tx.audit().append(&auditing, entry).await?;
        Ok(tx.commit().await?)
    }

    /// Tells the organisation's admins that somebody was not let in, and why.
    async fn note_refusal(
        &self,
        tenant: TenantId,
        id: SsoConnectionId,
        answer: &Answer<'_>,
        error: &Error,
    ) -> Result<(), Error> {
        if matches!(error, Error::NotFound | Error::Internal(_)) {
            return Ok(());
        }
        let auditing = granted::<AuditWrite>(tenant, answer.request_id);
        let tx = self.store().begin(&auditing).await?;
        let actor = domain::Principal::System(domain::SystemReason::SignIn);
        let deed = Deed::on(action::SESSION_REFUSE, &id);
        let entry = self.audit_by(&actor, answer.request_id, &deed).succeeded();
        let detail = json!({ "why": error.to_string() });
        let entry = NewAudit { outcome: AuditOutcome::Failed, detail, ..entry };
        tx.audit().append(&auditing, entry).await?;
        Ok(tx.commit().await?)
    }
}

/// A session to be started.
pub(crate) struct BeginSession {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    /// `None` for what the operator's settings say.
    pub(crate) policy: Option<SessionPolicy>,
    pub(crate) proof: Option<SessionProof>,
}

pub(super) fn proof(voucher: Voucher, proven: &Proven) -> SessionProof {
    let sid = proven.signed.get("sid").and_then(Value::as_str);
    SessionProof {
        voucher,
        issuer: proven.issuer.clone(),
        subject: proven.subject.clone(),
        provider_session: sid.map(str::to_owned),
    }
}

/// Somebody or something that is not let in.
pub(super) fn refused(code: &'static str, message: impl Display) -> Error {
    Error::Invalid { field: Vec::new(), code, message: message.to_string() }
}

/// RFC 9207, section 2.4: an answer of another issuer than the one that was asked is an attack.
fn check_sender(answer: &Answer<'_>, client: &Client, provider: &Provider) -> Result<(), Error> {
    let says = provider.metadata.additional_metadata();
    match answer.issuer {
        Some(issuer) if issuer != client.issuer => {
            Err(refused("mixed_up", "the answer is of another provider than the one asked"))
        }
        None if says.authorization_response_iss_parameter_supported => {
            Err(refused("mixed_up", "the answer does not say which provider it is of"))
        }
        _ => Ok(()),
    }
}

/// What the words of RFC 6749, section 4.1.2.1 and OpenID Connect Core, section 3.1.2.6 mean to the person.
fn declined(client: &Client, error: &str) -> Error {
    match error {
        "access_denied" => {
            refused("declined", format!("{} did not let you in, or you went back", client.name))
        }
        "temporarily_unavailable" | "server_error" => {
            unavailable(client, "it has a fault of its own at the moment")
        }
        _ => misbehaves(client, "it did not accept the request: its client settings may be wrong"),
    }
}
