//! The queue, in memory and at a broker.

use std::time::Duration;

use backplane::{Deliveries, Delivery, Error, Queue, QueueConfig};
use domain::{JobId, job::Lane};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions},
    types::FieldTable,
};
use tokio::time::{Instant, timeout};

use crate::{DEADLINE, proxy::Proxy, server};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

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

/// A channel beside the product's, for what an operator or a stranger does.
async fn stranger() -> (Connection, Channel) {
    let url = server("PATCHBAY_TEST_AMQP");
    let connection =
        Connection::connect(&url, ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    (connection, channel)
}

async fn publish(channel: &Channel, queue: &str, body: &[u8]) {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let publishing = channel.basic_publish("".into(), queue.into(), options, body, properties);
    publishing.await.expect("published").await.expect("confirmed");
}

/// The next message in the dead letters.
async fn dead_letter(channel: &Channel, config: &QueueConfig) -> Vec<u8> {
    let dead = format!("{}.dead", config.prefix);
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = channel.basic_consume(dead.as_str().into(), "".into(), options, none).await;
    let message = timeout(DEADLINE, consumer.expect("consumer").next()).await;
    message.expect("in time").expect("a message").expect("delivered").data
}

async fn prefetch_bounds_what_is_not_acknowledged(queue: Queue) {
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
async fn memory_prefetch_bounds_what_is_not_acknowledged() {
    prefetch_bounds_what_is_not_acknowledged(queue(&QueueConfig::default()).await).await;
}

#[tokio::test]
async fn rabbit_prefetch_bounds_what_is_not_acknowledged() {
    let config = rabbit(server("PATCHBAY_TEST_AMQP"));
    prefetch_bounds_what_is_not_acknowledged(queue(&config).await).await;
}

#[tokio::test]
async fn memory_ring_of_a_worker_that_panicked_comes_again() {
    let queue = queue(&QueueConfig::default()).await;
    let job = JobId::generate();
    queue.ring(Lane::Bulk, job, None).await.expect("rung");
    let mut deliveries = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    drop(next(&mut deliveries).await);
    let again = next(&mut deliveries).await;
    assert_eq!(again.job, job);
    again.ack().await;
}

#[tokio::test]
async fn ring_of_a_worker_that_died_comes_again() {
    let queue = queue(&rabbit(server("PATCHBAY_TEST_AMQP"))).await;
    let job = JobId::generate();
    queue.ring(Lane::Bulk, job, None).await.expect("rung");
    let mut dying = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let held = next(&mut dying).await;
    assert_eq!(held.job, job);
    drop((held, dying));
    let mut living = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let again = next(&mut living).await;
    assert_eq!(again.job, job);
    again.ack().await;
}

#[tokio::test]
async fn worker_that_takes_no_more_can_still_acknowledge_what_it_has() {
    let queue = queue(&rabbit(server("PATCHBAY_TEST_AMQP"))).await;
    queue.ring(Lane::Bulk, JobId::generate(), None).await.expect("rung");
    let mut draining = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let held = next(&mut draining).await;
    drop(draining);
    held.ack().await;
    // A second ring comes, and the first does not come again before it.
    let second = JobId::generate();
    queue.ring(Lane::Bulk, second, None).await.expect("rung");
    let mut other = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let ring = next(&mut other).await;
    assert_eq!(ring.job, second);
    ring.ack().await;
}

#[tokio::test]
async fn malformed_message_goes_to_the_dead_letters_and_holds_nothing_up() {
    let config = rabbit(server("PATCHBAY_TEST_AMQP"));
    let queue = queue(&config).await;
    let (_connection, channel) = stranger().await;
    publish(&channel, &format!("{}.jobs.bulk", config.prefix), b"{\"not\": \"a job\"}").await;
    let job = JobId::generate();
    queue.ring(Lane::Bulk, job, None).await.expect("rung");
    let mut deliveries = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let ring = next(&mut deliveries).await;
    assert_eq!(ring.job, job);
    ring.ack().await;
    assert_eq!(dead_letter(&channel, &config).await, b"{\"not\": \"a job\"}");
}

#[tokio::test]
async fn ring_that_always_comes_back_ends_in_the_dead_letters() {
    let config = rabbit(server("PATCHBAY_TEST_AMQP"));
    let queue = queue(&config).await;
    let job = JobId::generate();
    queue.ring(Lane::Bulk, job, None).await.expect("rung");
    let mut deliveries = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let give_back_forever = async {
        while let Some(ring) = deliveries.next().await {
            ring.requeue().await;
        }
    };
    let (_connection, channel) = stranger().await;
    tokio::select! {
        () = give_back_forever => panic!("the queue ended"),
        dead = dead_letter(&channel, &config) => assert_eq!(dead, job.to_string().as_bytes()),
    }
}

#[tokio::test]
async fn queue_that_was_deleted_is_declared_again_by_the_next_ring_and_by_its_listener() {
    let config = rabbit(server("PATCHBAY_TEST_AMQP"));
    let queue = queue(&config).await;
    let (_connection, channel) = stranger().await;
    let delete = || async {
        let name = format!("{}.jobs.bulk", config.prefix);
        let deleting = channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default());
        deleting.await.expect("deleted");
    };
    delete().await;
    let first = JobId::generate();
    queue.ring(Lane::Bulk, first, None).await.expect("rung");
    let mut deliveries = queue.consume(Lane::Bulk, 1).await.expect("consumer");
    let ring = next(&mut deliveries).await;
    assert_eq!(ring.job, first);
    ring.ack().await;
    delete().await;
    let second = JobId::generate();
    queue.ring(Lane::Bulk, second, None).await.expect("rung");
    let ring = next(&mut deliveries).await;
    assert_eq!(ring.job, second);
    ring.ack().await;
}

#[tokio::test]
async fn broker_that_falls_silent_is_an_error_in_bounded_time_and_is_used_again_when_back() {
    let url = server("PATCHBAY_TEST_AMQP");
    let proxy = Proxy::start(&url).await;
    let queue = queue(&rabbit(proxy.url(&url))).await;
    queue.ring(Lane::Bulk, JobId::generate(), None).await.expect("rung");
    proxy.silence(true);
    let started = Instant::now();
    let silent = queue.ring(Lane::Bulk, JobId::generate(), None).await;
    assert!(matches!(silent, Err(Error::Timeout)), "{silent:?}");
    assert!(started.elapsed() < Duration::from_secs(6));
    proxy.silence(false);
    proxy.cut();
    queue.ring(Lane::Bulk, JobId::generate(), None).await.expect("rung again");
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
    for url in ["kafka://user:hunter2@host", "redis://user:hunter2@host", "amqp:user:hunter2@host"]
    {
        let config = QueueConfig { url: url.to_owned(), ..QueueConfig::default() };
        let error = Queue::connect(&config).await.err().expect("refused");
        assert!(error.to_string().starts_with("`queue.url` must start with memory: or amqp://"));
        assert!(!format!("{error} {error:?} {config:?}").contains("hunter2"));
    }
    let config = QueueConfig {
        url: "amqp://user:hunter2@host:no-port/".to_owned(),
        ..QueueConfig::default()
    };
    let error = Queue::connect(&config).await.err().expect("refused");
    assert!(matches!(error, Error::Address { setting: "queue.url" }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
