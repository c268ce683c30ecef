//! The cache in Redis: time-boxed, and sealed so that a value under a wrong key is a miss and never an answer.

use std::{future::Future, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use redis::{
    AsyncCommands, Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::{Instant, timeout};

use super::{CacheKey, breaker::Breaker};
use crate::Error;

const NONCE: usize = 24;
/// Longest that a health check waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Values in Redis.
#[derive(Clone)]
pub struct RedisCache(Arc<Inner>);

struct Inner {
    client: Client,
    /// Replaced when it stays silent: a connection that died without telling would otherwise be waited for again and again.
    manager: ArcSwap<ConnectionManager>,
    breaker: Breaker,
    cipher: XChaCha20Poly1305,
    time_box: Duration,
}

/// The client of an address.
pub(crate) fn client(url: &str) -> Result<Client, Error> {
    if !url.starts_with("redis://") {
        let allowed = "memory: or redis://";
        return Err(Error::Scheme { setting: "cache.url", allowed });
    }
    Client::open(url).map_err(|_| Error::Address { setting: "cache.url" })
}

/// A connection that is made with its first use and again whenever it breaks.
pub(crate) fn manager(client: &Client) -> Result<ConnectionManager, Error> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(Error::Redis)
}

// === impl RedisCache ===

impl RedisCache {
    pub(super) fn new(url: &str, seal_key: [u8; 32], time_box: Duration) -> Result<Self, Error> {
        let client = client(url)?;
        let manager = ArcSwap::from_pointee(manager(&client)?);
        let cipher = XChaCha20Poly1305::new(&seal_key.into());
        let breaker = Breaker::default();
        Ok(Self(Arc::new(Inner { client, manager, breaker, cipher, time_box })))
    }

    pub(super) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let sealed: Option<Vec<u8>> =
            self.in_time(|mut manager| async move { manager.get(key.as_str()).await }).await?;
        self.open(key, &sealed?)
    }

    pub(super) async fn put(&self, key: &CacheKey, value: Bytes, keep: Duration) {
        let milliseconds = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        let Some(sealed) = self.seal(key, &value).filter(|_| milliseconds > 0) else { return };
        let _: Option<()> = self
            .in_time(|mut manager| async move {
                manager.pset_ex(key.as_str(), sealed, milliseconds).await
            })
            .await;
    }

    pub(super) async fn remove(&self, key: &CacheKey) {
        let _: Option<()> =
            self.in_time(|mut manager| async move { manager.del(key.as_str()).await }).await;
    }

    pub(super) async fn health(&self) -> Result<(), Error> {
        let mut manager = ConnectionManager::clone(&self.0.manager.load());
        let ping = timeout(PATIENCE, manager.ping::<String>());
        ping.await.map_err(|_| Error::Timeout)?.map(drop).map_err(Error::Redis)
    }

    /// Whatever goes wrong here is only a miss: the caller does the work itself.
    async fn in_time<T, F>(&self, command: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let inner = &*self.0;
        if inner.breaker.is_open(Instant::now()) {
            return None;
        }
        let manager = ConnectionManager::clone(&inner.manager.load());
        match timeout(inner.time_box, command(manager)).await {
            Ok(Ok(value)) => {
                inner.breaker.succeeded();
                Some(value)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis did not answer, going on without it");
                inner.breaker.failed(Instant::now());
                None
            }
            Err(_) => {
                if inner.breaker.failed(Instant::now()) {
                    self.replace_manager();
                }
                None
            }
        }
    }

    fn replace_manager(&self) {
        tracing::warn!("Redis stays silent, connecting anew");
        if let Ok(fresh) = manager(&self.0.client) {
            self.0.manager.store(Arc::new(fresh));
        }
    }

    fn seal(&self, key: &CacheKey, value: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: value, aad: key.as_str().as_bytes() };
        let mut sealed = nonce.to_vec();
        sealed.extend(self.0.cipher.encrypt(&XNonce::from(nonce), payload).ok()?);
        Some(sealed)
    }

    fn open(&self, key: &CacheKey, sealed: &[u8]) -> Option<Bytes> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
        let payload = Payload { msg: ciphertext, aad: key.as_str().as_bytes() };
        let Ok(value) = self.0.cipher.decrypt(&XNonce::from(nonce), payload) else {
            tracing::error!("A cached value does not belong to its key and is not used");
            return None;
        };
        Some(value.into())
    }
}
