//! Signals, in memory and through Redis.

use std::time::Duration;

use backplane::{CacheConfig, Signal};
use domain::{InstallId, TenantId, event::Event};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::{DEADLINE, proxy::Proxy, redis, server};

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

#[tokio::test]
async fn listeners_of_one_process_share_a_connection() {
    let url = server("PATCHBAY_TEST_REDIS");
    let proxy = Proxy::start(&url).await;
    let signal = Signal::connect(&redis(proxy.url(&url))).await.expect("signal");
    let _others: Vec<_> = (0..50).map(|_| signal.subscribe()).collect();
    signals_arrive(signal).await;
    assert!(proxy.accepted() <= 2, "{} connections", proxy.accepted());
}
