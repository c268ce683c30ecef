//! Both kinds of each wire, the networked ones against real servers.

mod proxy;

use std::time::Duration;

use backplane::{
    Cache, CacheConfig, CacheKey, Deliveries, Delivery, Error, Queue, QueueConfig, Signal,
};
use bytes::Bytes;
use domain::{InstallId, JobId, TenantId, event::Event, job::Lane};
use futures_util::StreamExt;
use proxy::Proxy;
use tokio::time::{Instant, timeout};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const DEADLINE: Duration = Duration::from_secs(20);

/// Address of a server that `make test` started.
fn server(variable: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the services starter hands addresses over so")]
    let url = std::env::var(variable);
    url.unwrap_or_else(|_| panic!("{variable} is not set: run these tests by `make test`"))
}

fn rabbit(url: String) -> QueueConfig {
    QueueConfig { url, prefix: format!("test-{}", JobId::generate().uuid()) }
}

async fn queue(config: &QueueConfig) -> Queue {
    Queue::connect(config).await.expect("queue")
}

async fn next(deliveries: &mut Deliveries) -> Delivery {
    timeout(DEADLINE, deliveries.next()).await.expect("in time").expect("a ring")
}

async fn rings_come_once_with_their_trace(queue: Queue) {
    let (first, second) = (JobId::generate(), JobId::generate());
    queue.ring(Lane::Bulk, first, Some(TRACEPARENT)).await.expect("rung");
    queue.ring(Lane::Interactive, second, None).await.expect("rung");
    let mut bulk = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let mut interactive = queue.consume(Lane::Interactive, 1).await.expect("consumer");

    let ring = next(&mut bulk).await;
    assert_eq!((ring.job, ring.traceparent.as_deref()), (first, Some(TRACEPARENT)));
    ring.requeue().await;
    let again = next(&mut bulk).await;
    assert_eq!(again.job, first);
    again.ack().await;
    let ring = next(&mut interactive).await;
    assert_eq!((ring.job, ring.traceparent.as_deref()), (second, None));
    ring.ack().await;
}

#[tokio::test]
async fn memory_rings_come_once_with_their_trace() {
    rings_come_once_with_their_trace(queue(&QueueConfig::default()).await).await;
}

#[tokio::test]
async fn rabbit_rings_come_once_with_their_trace() {
    rings_come_once_with_their_trace(queue(&rabbit(server("PATCHBAY_TEST_AMQP"))).await).await;
}

#[tokio::test]
async fn prefetch_bounds_what_is_not_acknowledged() {
    let queue = queue(&rabbit(server("PATCHBAY_TEST_AMQP"))).await;
    for _ in 0..3 {
        queue.ring(Lane::Bulk, JobId::generate(), None).await.expect("rung");
    }
    let mut deliveries = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let held = next(&mut deliveries).await;
    let more = timeout(Duration::from_millis(300), deliveries.next()).await;
    assert!(more.is_err(), "a second ring came before the first was acknowledged");
    held.ack().await;
    next(&mut deliveries).await.ack().await;
}

#[tokio::test]
async fn cut_connections_lose_no_ring() {
    let url = server("PATCHBAY_TEST_AMQP");
    let proxy = Proxy::start(&url).await;
    let queue = queue(&rabbit(proxy.url(&url))).await;
    let mut deliveries = queue.consume(Lane::Bulk, 4).await.expect("consumer");
    let mut expected = Vec::new();
    for round in 0..6 {
        let job = JobId::generate();
        expected.push(job);
        // A ring that fails is rung again by the sweeper; here the loop is the sweeper.
        let deadline = Instant::now() + DEADLINE;
        while queue.ring(Lane::Bulk, job, None).await.is_err() {
            assert!(Instant::now() < deadline, "the queue never came back");
        }
        if round % 2 == 0 {
            proxy.cut();
        }
    }
    while !expected.is_empty() {
        let ring = next(&mut deliveries).await;
        expected.retain(|job| *job != ring.job);
        ring.ack().await;
    }
}

#[tokio::test]
async fn broker_that_is_away_is_an_error_in_bounded_time() {
    let queue = queue(&rabbit("amqp://guest:guest@127.0.0.1:1/%2f".to_owned())).await;
    let started = Instant::now();
    assert!(queue.ring(Lane::Bulk, JobId::generate(), None).await.is_err());
    assert!(queue.health().await.is_err());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn wrong_addresses_say_what_is_allowed_and_keep_the_password() {
    for url in ["kafka://user:hunter2@host", "redis://user:hunter2@host"] {
        let config = QueueConfig { url: url.to_owned(), ..QueueConfig::default() };
        let error = Queue::connect(&config).await.err().expect("refused");
        assert!(matches!(error, Error::Scheme { setting: "queue.url", .. }));
        assert!(!format!("{error} {error:?} {config:?}").contains("hunter2"));
    }
}

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

fn redis(url: String) -> CacheConfig {
    CacheConfig { url, timeout_ms: 1000, ..CacheConfig::default() }
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

/// Publishes until the listener, whose start cannot be seen from outside, has heard it.
async fn signals_arrive(signal: Signal) {
    let event = Event::DataChanged { tenant: TenantId::generate(), install: InstallId::generate() };
    let mut events = signal.subscribe();
    let heard = async {
        loop {
            signal.publish(&event).await;
            let next = timeout(Duration::from_millis(100), events.next()).await;
            if matches!(&next, Ok(Some(heard)) if *heard == event) {
                break;
            }
        }
    };
    timeout(DEADLINE, heard).await.expect("heard in time");
}

#[tokio::test]
async fn memory_signals_arrive() {
    signals_arrive(Signal::connect(&CacheConfig::default()).await.expect("signal")).await;
}

#[tokio::test]
async fn redis_signals_arrive_also_after_a_cut() {
    let url = server("PATCHBAY_TEST_REDIS");
    let proxy = Proxy::start(&url).await;
    let signal = Signal::connect(&redis(proxy.url(&url))).await.expect("signal");
    signals_arrive(signal.clone()).await;
    proxy.cut();
    signals_arrive(signal).await;
}
