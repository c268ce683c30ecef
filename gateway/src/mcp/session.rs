//! Sessions of legacy clients as sealed tokens: they hold no memory, any replica opens them, and nobody can make or change
//! one. Only ended sessions are remembered, until they would have expired anyway.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use chrono::{DateTime, Utc};
use domain::TenantId;
use uuid::Uuid;

use super::revision;

/// Names what the seal is for, so that bytes sealed for something else never open as a session.
const ASSOCIATED: &[u8] = b"patchbay mcp session v1";
const NONCE: usize = 24;
const PLAIN: usize = 16 + 16 + 16 + 8 + 1;
/// Ended sessions that are remembered at once.
const MAX_ENDED: u64 = 100_000;

type SessionKey = [u8; 16];

/// Makes, opens and ends sessions.
pub(crate) struct Sessions {
    cipher: XChaCha20Poly1305,
    lifetime: Duration,
    ended: moka::sync::Cache<SessionKey, ()>,
}

/// What a session is bound to. A token presented by anybody else does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) tenant: TenantId,
    /// Of the key or the grant that was shown.
    pub(crate) credential: Uuid,
}

/// An opened session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    id: SessionKey,
    pub(crate) revision: &'static str,
}

/// The text is no session of this caller, or it is over. One answer for all, so that it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this session does not exist (any more)")]
pub(crate) struct NoSession;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("a session token could not be made")]
pub(crate) struct SealError;

// === impl Sessions ===

impl Sessions {
    pub(crate) fn new(key: &[u8; 32], lifetime: Duration) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(key.into()),
            lifetime,
            ended: moka::sync::Cache::builder()
                .max_capacity(MAX_ENDED)
                .time_to_live(lifetime)
                .build(),
        }
    }

    /// Starts a session; the token is visible ASCII and always of the same length.
    pub(crate) fn start(
        &self,
        holder: Holder,
        revision: &str,
        now: DateTime<Utc>,
    ) -> Result<String, SealError> {
        let mut random = [0_u8; NONCE + 16];
        getrandom::fill(&mut random).map_err(|_| SealError)?;
        let (nonce, id) = random.split_at(NONCE);
        let expires = now.timestamp().saturating_add_unsigned(self.lifetime.as_secs());
        let mut plain = Vec::with_capacity(PLAIN);
        plain.extend_from_slice(id);
        plain.extend_from_slice(holder.tenant.uuid().as_bytes());
        plain.extend_from_slice(holder.credential.as_bytes());
        plain.extend_from_slice(&expires.to_be_bytes());
        plain.push(revision_byte(revision));
        let nonce_bytes: [u8; NONCE] = nonce.try_into().map_err(|_| SealError)?;
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce_bytes), Payload { msg: &plain, aad: ASSOCIATED })
            .map_err(|_| SealError)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce, &sealed].concat()))
    }

    /// Opens a token that this holder presents.
    pub(crate) fn open(
        &self,
        token: &str,
        holder: Holder,
        now: DateTime<Utc>,
    ) -> Result<Session, NoSession> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| NoSession)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(NoSession)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| NoSession)?;
        let plain = self
            .cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: ASSOCIATED })
            .map_err(|_| NoSession)?;
        let plain: [u8; PLAIN] = plain.try_into().map_err(|_| NoSession)?;
        let bound = plain[16..32] == *holder.tenant.uuid().as_bytes()
            && plain[32..48] == *holder.credential.as_bytes();
        let expires = i64::from_be_bytes(plain[48..56].try_into().map_err(|_| NoSession)?);
        let id: SessionKey = plain[..16].try_into().map_err(|_| NoSession)?;
        let revision = revision_of(plain[56]).ok_or(NoSession)?;
        if !bound || now.timestamp() >= expires || self.ended.contains_key(&id) {
            return Err(NoSession);
        }
        Ok(Session { id, revision })
    }

    /// Ends a session: from now on it answers like one that never was.
    pub(crate) fn end(&self, session: Session) {
        self.ended.insert(session.id, ());
    }
}

fn revision_byte(revision: &str) -> u8 {
    let index = revision::SUPPORTED.iter().position(|known| *known == revision).unwrap_or(1);
    u8::try_from(index).unwrap_or(1)
}

fn revision_of(byte: u8) -> Option<&'static str> {
    revision::SUPPORTED.get(usize::from(byte)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sessions() -> Sessions {
        Sessions::new(&[7; 32], Duration::from_hours(1))
    }

    fn holder() -> Holder {
        Holder { tenant: TenantId::generate(), credential: Uuid::now_v7() }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
    }

    #[test]
    fn session_is_bound_to_tenant_and_key() {
        let (sessions, holder) = (sessions(), holder());
        let token = sessions.start(holder, "2025-06-18", at(0)).expect("random bytes");
        let opened = sessions.open(&token, holder, at(1)).expect("its holder opens it");
        assert_eq!(opened.revision, "2025-06-18");
        let other_key = Holder { credential: Uuid::now_v7(), ..holder };
        let other_tenant = Holder { tenant: TenantId::generate(), ..holder };
        assert_eq!(sessions.open(&token, other_key, at(1)), Err(NoSession));
        assert_eq!(sessions.open(&token, other_tenant, at(1)), Err(NoSession));
    }

    #[test]
    fn session_expires_and_can_be_ended() {
        let (sessions, holder) = (sessions(), holder());
        let token = sessions.start(holder, revision::LEGACY, at(0)).expect("random bytes");
        assert!(sessions.open(&token, holder, at(3599)).is_ok());
        assert_eq!(sessions.open(&token, holder, at(3600)), Err(NoSession));
        sessions.end(sessions.open(&token, holder, at(1)).expect("still there"));
        assert_eq!(sessions.open(&token, holder, at(1)), Err(NoSession));
    }

    #[test]
    fn another_replica_opens_it_and_another_key_does_not() {
        let holder = holder();
        let token = sessions().start(holder, revision::LEGACY, at(0)).expect("random bytes");
        assert!(sessions().open(&token, holder, at(1)).is_ok());
        let stranger = Sessions::new(&[8; 32], Duration::from_hours(1));
        assert_eq!(stranger.open(&token, holder, at(1)), Err(NoSession));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn session_token_with_any_flipped_bit_is_refused(bit in 0_usize..(NONCE + PLAIN + 16) * 8) {
            let (sessions, holder) = (sessions(), holder());
            let token = sessions.start(holder, revision::LEGACY, at(0)).expect("random bytes");
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("our own text");
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(sessions.open(&URL_SAFE_NO_PAD.encode(bytes), holder, at(1)), Err(NoSession));
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            prop_assert_eq!(sessions().open(&text, holder(), at(1)), Err(NoSession));
        }
    }
}
