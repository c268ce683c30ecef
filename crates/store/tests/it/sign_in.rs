//! What signing in by a provider keeps: attempts, identities, domains, and the sessions that a provider vouched for.

use chrono::{DateTime, Utc};
use domain::{
    Domain, DomainId, Granted, Identity, IdentityId, MembershipId, Role, Session, SessionId,
    SignInAttemptId, SsoConnectionId, TenantId, TokenHash, UserId,
    authz::permission::{IdentityRead, IdentityWrite},
    identity::{AttemptPurpose, SessionProof, Voucher},
};
use serde_json::json;
use store::{Error, NewDomain, NewMember, NewSession, NewSignInAttempt, SignInAttempt, Store};

use crate::bench::{at, granted, kept, on_both};

fn reading(tenant: TenantId) -> Granted<IdentityRead> {
    granted(tenant)
}

fn writing(tenant: TenantId) -> Granted<IdentityWrite> {
    granted(tenant)
}

async fn join(store: &Store, tenant: TenantId, user: UserId) -> MembershipId {
    let granted = granted(tenant);
    let tx = store.begin(&granted).await.expect("begin");
    let new = NewMember {
        id: MembershipId::generate(),
        user,
        role: Role::Member,
        clearance: Role::Member.usual_clearance(),
        created_at: at(0),
    };
    let member = tx.members().create(&granted, new).await.expect("joined");
    tx.commit().await.expect("commit");
    member.id
}

async fn claim(store: &Store, tenant: TenantId, name: &str) -> Domain {
    let granted = writing(tenant);
    let tx = store.begin(&granted).await.expect("begin");
    let new = NewDomain {
        id: DomainId::generate(),
        name: name.to_owned(),
        token: "t0ken".to_owned(),
        created_at: at(0),
    };
    let domain = tx.domains().create(&granted, new).await.expect("claimed");
    tx.commit().await.expect("commit");
    domain
}

async fn prove(store: &Store, domain: &Domain, at: DateTime<Utc>) -> Result<Domain, Error> {
    let granted = writing(domain.tenant);
    let tx = store.begin(&granted).await?;
    let proven = tx.domains().verify(&granted, domain, at).await?;
    tx.commit().await?;
    Ok(proven)
}

#[tokio::test]
async fn attempt_ends_once_and_only_in_the_browser_that_began_it() {
    on_both(async |bench| {
        let directory = bench.store.directory();
        let attempt = SignInAttempt {
            id: SignInAttemptId::generate(),
            purpose: AttemptPurpose::SignUp,
            voucher: Some(Voucher::Provider("google".to_owned())),
            session: None,
            detail: json!({ "name": "Acme" }),
            created_at: kept(0),
        };
        let (state, browser) = (TokenHash::of("state"), TokenHash::of("browser"));
        let new =
            NewSignInAttempt { attempt: attempt.clone(), state, browser, expires_at: at(600) };
        directory.create_sign_in_attempt(new).await.expect("kept");
        let foreign = TokenHash::of("another browser");
        let use_up = |browser, now| directory.use_sign_in_attempt(state, browser, now);
        assert_eq!(use_up(foreign, at(1)).await.expect("asked"), None);
        assert_eq!(use_up(browser, at(600)).await.expect("asked"), None, "too old");
        let ends = tokio::join!(use_up(browser, at(1)), use_up(browser, at(1)));
        let mut taken = [ends.0, ends.1].map(|end| end.expect("asked")).into_iter().flatten();
        assert_eq!((taken.next(), taken.next()), (Some(attempt), None));
        assert!(directory.purge_expired(at(601)).await.expect("purged") >= 1);
    })
    .await;
}

#[tokio::test]
async fn proven_domain_leads_to_one_organisation_until_it_is_given_up() {
    on_both(async |bench| {
        let (acme, globex) = (bench.tenant("acme").await, bench.tenant("globex").await);
        let store = &bench.store;
        let (ours, theirs) =
            (claim(store, acme, "acme.example").await, claim(store, globex, "acme.example").await);
        let owner = || async { store.directory().find_domain_owner("acme.example").await };
        assert_eq!(owner().await.expect("asked"), None, "a claim leads nowhere");
        let ours = prove(store, &ours, at(1)).await.expect("proven");
        assert_eq!(ours.verified_at, Some(kept(1)));
        assert_eq!(owner().await.expect("asked"), Some(acme));
        let refused = prove(store, &theirs, at(2)).await;
        assert!(matches!(refused, Err(Error::Conflict { field: "name" })), "{refused:?}");

        let granted = writing(acme);
        let tx = store.begin(&granted).await.expect("begin");
        let missed = tx.domains().miss(&granted, &ours, at(3), false).await.expect("missed");
        assert_eq!((missed.verified_at, missed.missing_since), (Some(kept(1)), Some(kept(3))));
        assert!(tx.domains().owns(&reading(acme), "acme.example").await.expect("asked"));
        let released = tx.domains().miss(&granted, &missed, at(4), true).await.expect("released");
        assert_eq!(released.verified_at, None);
        tx.commit().await.expect("commit");
        prove(store, &theirs, at(5)).await.expect("free again");
        assert_eq!(owner().await.expect("asked"), Some(globex));
    })
    .await;
}

#[tokio::test]
async fn identity_belongs_to_one_person_and_organisations_follow_memberships() {
    on_both(async |bench| {
        let (acme, globex) = (bench.tenant("acme").await, bench.tenant("globex").await);
        let (one, other) = (bench.user("one@a.example").await, bench.user("other@a.example").await);
        let membership = join(&bench.store, acme, one).await;
        let directory = bench.store.directory();
        let identity = |user| Identity {
            id: IdentityId::generate(),
            issuer: "https://id.example".to_owned(),
            subject: "1".to_owned(),
            user,
            created_at: at(0),
        };
        directory.create_identity(identity(one)).await.expect("tied");
        let second = directory.create_identity(identity(other)).await;
        assert!(matches!(second, Err(Error::Conflict { field: "identity" })), "{second:?}");
        let found = directory.find_identity("https://id.example", "1").await.expect("asked");
        assert_eq!(found.map(|found| found.user), Some(one));
        let elsewhere = directory.find_identity("https://evil.example", "1").await;
        assert_eq!(elsewhere.expect("asked"), None);
        join(&bench.store, globex, one).await;
        let organisations = directory.list_organisations(one).await.expect("asked");
        let ids: Vec<TenantId> = organisations.iter().map(|tenant| tenant.id).collect();
        assert_eq!(ids, [acme, globex]);
        let leaving = granted(acme);
        let tx = bench.store.begin(&leaving).await.expect("begin");
        tx.members().remove(&leaving, membership).await.expect("left");
        tx.commit().await.expect("commit");
        assert_eq!(directory.list_organisations(one).await.expect("asked").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn provider_ends_the_sessions_that_it_vouched_for_and_no_others() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let user = bench.user("one@a.example").await;
        let (idp, other) = (SsoConnectionId::generate(), SsoConnectionId::generate());
        let vouched = async |connection, sid: &str| {
            let voucher = Voucher::Connection(acme, connection);
            let proof = SessionProof {
                voucher,
                issuer: "https://id.example".to_owned(),
                subject: "1".to_owned(),
                provider_session: Some(sid.to_owned()),
            };
            begin(&bench.store, acme, user, Some(proof)).await
        };
        let (first, second, foreign) =
            (vouched(idp, "a").await, vouched(idp, "b").await, vouched(other, "a").await);
        let link = begin(&bench.store, acme, user, None).await;
        let directory = bench.store.directory();
        let nobody = directory.revoke_vouched(idp, None, None, at(9)).await;
        assert_eq!(nobody.expect("asked"), 0, "a token about nobody ends nothing");
        assert_eq!(directory.revoke_vouched(idp, None, Some("a"), at(9)).await.expect("a"), 1);
        let live = async |id| {
            let session = directory.lookup_session(id).await.expect("kept");
            session.is_live(at(10))
        };
        assert!(!live(first).await && live(second).await && live(foreign).await);
        assert_eq!(directory.revoke_vouched(idp, Some("1"), None, at(9)).await.expect("1"), 1);
        assert!(!live(second).await && live(foreign).await && live(link).await);
        assert_eq!(directory.revoke_not_vouched(acme, other, &[], at(9)).await.expect("b"), 1);
        assert!(live(foreign).await && !live(link).await);
        let token = TokenHash::of("jti");
        assert!(directory.take_logout_token(token, at(60)).await.expect("taken"));
        assert!(!directory.take_logout_token(token, at(60)).await.expect("asked"));
    })
    .await;
}

async fn begin(
    store: &Store,
    tenant: TenantId,
    user: UserId,
    proof: Option<SessionProof>,
) -> SessionId {
    let id = SessionId::generate();
    let session = Session {
        id,
        user,
        tenant,
        created_at: at(0),
        expires_at: at(3600),
        last_seen_at: at(0),
        authenticated_at: at(0),
        idle_seconds: Some(600),
        proof: proof.clone(),
        revoked_at: None,
    };
    let hash = TokenHash::of(&id.to_string());
    let kept = store.directory().create_session(NewSession { session, hash }).await;
    assert_eq!(kept.expect("kept").proof, proof);
    id
}
