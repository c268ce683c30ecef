//! The cache, in memory and in Redis.

use std::time::Duration;

use backplane::{Cache, CacheConfig, CacheKey};
use bytes::Bytes;
use domain::TenantId;
use tokio::time::Instant;

use crate::{DEADLINE, proxy::Proxy, redis, server};

async fn cache_keeps_values_for_their_time(cache: Cache) {
    let tenant = TenantId::generate();
    let key = CacheKey::new(tenant, "result", &["a"]);
    assert_eq!(cache.get(&key).await, None);
    cache.put(&key, Bytes::from_static(b"value"), DEADLINE).await;
    assert_eq!(cache.get(&key).await.as_deref(), Some(b"value".as_slice()));
    let other = CacheKey::new(TenantId::generate(), "result", &["a"]);
    assert_eq!(cache.get(&other).await, None);
    cache.remove(&key).await;
    assert_eq!(cache.get(&key).await, None);

    cache.put(&key, Bytes::from_static(b"brief"), Duration::from_millis(1)).await;
    let deadline = Instant::now() + DEADLINE;
    while cache.get(&key).await.is_some() {
        assert!(Instant::now() < deadline, "the value never expired");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn memory_cache_keeps_values_for_their_time() {
    let cache = Cache::connect(&CacheConfig::default(), [7; 32]).await.expect("cache");
    cache_keeps_values_for_their_time(cache).await;
}

#[tokio::test]
async fn redis_cache_keeps_values_for_their_time() {
    let cache = Cache::connect(&redis(server("PATCHBAY_TEST_REDIS")), [7; 32]).await;
    cache_keeps_values_for_their_time(cache.expect("cache")).await;
}

#[tokio::test]
async fn value_sealed_under_another_key_is_a_miss() {
    let config = redis(server("PATCHBAY_TEST_REDIS"));
    let key = CacheKey::new(TenantId::generate(), "result", &["a"]);
    let ours = Cache::connect(&config, [7; 32]).await.expect("cache");
    let theirs = Cache::connect(&config, [8; 32]).await.expect("cache");
    theirs.put(&key, Bytes::from_static(b"planted"), DEADLINE).await;
    assert!(theirs.get(&key).await.is_some());
    assert_eq!(ours.get(&key).await, None);
}

#[tokio::test]
async fn cache_that_is_away_is_a_miss_within_its_time_box() {
    let config = CacheConfig {
        url: "redis://127.0.0.1:1/0".to_owned(),
        timeout_ms: 5,
        ..CacheConfig::default()
    };
    let cache = Cache::connect(&config, [7; 32]).await.expect("cache");
    let key = CacheKey::new(TenantId::generate(), "result", &["a"]);
    let started = Instant::now();
    for _ in 0..10 {
        cache.put(&key, Bytes::from_static(b"value"), DEADLINE).await;
        assert_eq!(cache.get(&key).await, None);
    }
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// Asks until the answer is the value.
async fn comes_back(cache: &Cache, key: &CacheKey) {
    let deadline = Instant::now() + DEADLINE;
    while cache.get(key).await.is_none() {
        assert!(Instant::now() < deadline, "the cache never came back");
        cache.put(key, Bytes::from_static(b"value"), DEADLINE).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn silent_redis_is_a_miss_within_the_time_box_and_is_used_again_when_back() {
    let url = server("PATCHBAY_TEST_REDIS");
    let proxy = Proxy::start(&url).await;
    let time_box = Duration::from_millis(50);
    let config = CacheConfig { url: proxy.url(&url), timeout_ms: 50, ..CacheConfig::default() };
    let cache = Cache::connect(&config, [7; 32]).await.expect("cache");
    let key = CacheKey::new(TenantId::generate(), "result", &["a"]);
    comes_back(&cache, &key).await;

    proxy.silence(true);
    let started = Instant::now();
    assert_eq!(cache.get(&key).await, None);
    assert!(started.elapsed() < time_box * 4, "{:?}", started.elapsed());
    // An outage costs a few time boxes, not one for each call.
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(cache.get(&key).await, None);
    }
    assert!(started.elapsed() < time_box * 40, "{:?}", started.elapsed());

    proxy.silence(false);
    comes_back(&cache, &key).await;
}

#[tokio::test]
async fn connection_that_died_without_telling_is_replaced() {
    let url = server("PATCHBAY_TEST_REDIS");
    let proxy = Proxy::start(&url).await;
    let config = CacheConfig { url: proxy.url(&url), timeout_ms: 50, ..CacheConfig::default() };
    let cache = Cache::connect(&config, [7; 32]).await.expect("cache");
    let key = CacheKey::new(TenantId::generate(), "result", &["a"]);
    comes_back(&cache, &key).await;
    // Connections that are open now stay silent for ever; new ones work.
    proxy.strand();
    assert_eq!(cache.get(&key).await, None);
    comes_back(&cache, &key).await;
}

#[tokio::test]
async fn values_in_redis_are_sealed() {
    let url = server("PATCHBAY_TEST_REDIS");
    let cache = Cache::connect(&redis(url.clone()), [7; 32]).await.expect("cache");
    let tenant = TenantId::generate();
    let key = CacheKey::new(tenant, "result", &["canary-part"]);
    cache.put(&key, Bytes::from_static(b"canary-value"), DEADLINE).await;
    let client = ::redis::Client::open(url).expect("address");
    let mut redis = client.get_multiplexed_async_connection().await.expect("redis");
    let pattern = format!("*{}*", tenant.uuid());
    let names: Vec<String> =
        ::redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.expect("names");
    let [name] = names.as_slice() else { panic!("one value of this tenant, not {names:?}") };
    let stored: Vec<u8> =
        ::redis::cmd("GET").arg(name).query_async(&mut redis).await.expect("value");
    let shown = format!("{name} {}", String::from_utf8_lossy(&stored));
    assert!(!shown.contains("canary"), "{shown}");

    // The same bytes under another tenant's name do not open.
    let other = TenantId::generate();
    let moved = name.replace(&tenant.uuid().to_string(), &other.uuid().to_string());
    let () =
        ::redis::cmd("SET").arg(moved).arg(stored).query_async(&mut redis).await.expect("moved");
    assert_eq!(cache.get(&CacheKey::new(other, "result", &["canary-part"])).await, None);
}

#[tokio::test]
async fn wrong_cache_addresses_say_what_is_allowed_and_keep_the_password() {
    for url in ["memcached://user:hunter2@host", "rediss://user:hunter2@host"] {
        let config = redis(url.to_owned());
        let error = Cache::connect(&config, [7; 32]).await.err().expect("refused");
        assert_eq!(error.to_string(), "`cache.url` must start with memory: or redis://");
        assert!(!format!("{error:?} {config:?}").contains("hunter2"));
    }
}
