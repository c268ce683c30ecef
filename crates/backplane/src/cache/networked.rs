//! The cache in Redis: time-boxed, and sealed so that a value under a wrong key is a miss and never an answer.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use redis::{
    AsyncCommands, Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::timeout;

use super::CacheKey;
use crate::Error;

const NONCE: usize = 24;
/// Longest that a health check waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Values in Redis.
#[derive(Clone)]
pub struct RedisCache {
    manager: ConnectionManager,
    cipher: XChaCha20Poly1305,
    time_box: Duration,
}

/// The client of an address.
pub(crate) fn client(url: &str) -> Result<Client, Error> {
    if !url.starts_with("redis:") && !url.starts_with("rediss:") {
        let allowed = "`memory:`, `redis:` or `rediss:`";
        return Err(Error::Scheme { setting: "cache.url", allowed });
    }
    Client::open(url).map_err(|_| Error::Address { setting: "cache.url" })
}

/// A connection that is made with its first use and again whenever it breaks.
pub(crate) fn manager(url: &str) -> Result<ConnectionManager, Error> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client(url)?, config).map_err(Error::Redis)
}

// === impl RedisCache ===

impl RedisCache {
    pub(super) fn new(manager: ConnectionManager, seal_key: [u8; 32], time_box: Duration) -> Self {
        Self { manager, cipher: XChaCha20Poly1305::new(&seal_key.into()), time_box }
    }

    pub(super) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let mut manager = self.manager.clone();
        let sealed: Option<Vec<u8>> = self.in_time(manager.get(key.as_str())).await?;
        self.open(key, &sealed?)
    }

    pub(super) async fn put(&self, key: &CacheKey, value: Bytes, keep: Duration) {
        let Some(sealed) = self.seal(key, &value) else { return };
        let milliseconds = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut manager = self.manager.clone();
        let _: Option<()> = self.in_time(manager.pset_ex(key.as_str(), sealed, milliseconds)).await;
    }

    pub(super) async fn remove(&self, key: &CacheKey) {
        let mut manager = self.manager.clone();
        let _: Option<()> = self.in_time(manager.del(key.as_str())).await;
    }

    pub(super) async fn health(&self) -> Result<(), Error> {
        let mut manager = self.manager.clone();
        let ping = timeout(PATIENCE, manager.ping::<String>());
        ping.await.map_err(|_| Error::Timeout)?.map(drop).map_err(Error::Redis)
    }

    /// Whatever goes wrong here is only a miss: the caller does the work itself.
    async fn in_time<T>(&self, command: impl Future<Output = RedisResult<T>>) -> Option<T> {
        match timeout(self.time_box, command).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis did not answer, going on without it");
                None
            }
            Err(_) => None,
        }
    }

    fn seal(&self, key: &CacheKey, value: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: value, aad: key.as_str().as_bytes() };
        let mut sealed = nonce.to_vec();
        sealed.extend(self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?);
        Some(sealed)
    }

    fn open(&self, key: &CacheKey, sealed: &[u8]) -> Option<Bytes> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
        let payload = Payload { msg: ciphertext, aad: key.as_str().as_bytes() };
        let Ok(value) = self.cipher.decrypt(&XNonce::from(nonce), payload) else {
            tracing::error!("A cached value does not belong to its key and is not used");
            return None;
        };
        Some(value.into())
    }
}
