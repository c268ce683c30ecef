//! Transactions: whole or not at all, of one tenant, for reading or writing.

use std::{future::poll_fn, task::Poll};

use domain::authz::permission::{InstallRead, InstallWrite};
use futures_util::future::join_all;
use store::{Config, Error, Store};

use crate::bench::{at, granted, new_install, on_both};

#[tokio::test]
async fn dropped_transaction_leaves_nothing_behind() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let install =
            tx.installs().create(&granted(acme), new_install("docs")).await.expect("create");
        drop(tx);
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin again");
        let found = tx.installs().lookup(&granted(acme), install.id).await;
        assert!(matches!(found, Err(Error::NotFound)), "{found:?}");
    })
    .await;
}

/// A worker that loses its lease drops what it does at any moment, also while a transaction begins.
#[tokio::test]
async fn transaction_that_nobody_waits_for_leaves_no_open_one_to_the_next() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let others = Store::connect(&Config::at(&bench.url)).await.expect("connect");
        for (round, limit) in (1..=8).cycle().take(40).enumerate() {
            let granted = granted::<InstallWrite>(acme);
            let mut begin = Box::pin(bench.store.begin(&granted));
            let mut step = 0;
            poll_fn(|cx| {
                step += 1;
                let done = begin.as_mut().poll(cx).is_ready();
                if done || step == limit { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            drop(begin);
            // Written without a transaction of its own: others see it only if the connection had no open one.
            let tenant = bench.tenant(&format!("tenant-{round}")).await;
            others.directory().lookup_tenant(tenant).await.expect("seen by others");
        }
        others.close().await.expect("close");
    })
    .await;
}

#[tokio::test]
async fn grant_of_another_tenant_is_refused_in_the_transaction() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        let refused = tx.installs().create(&granted(other), new_install("docs")).await;
        assert!(matches!(refused, Err(Error::WrongTenant)), "{refused:?}");
        let refused = tx.installs().list_active(&granted(other)).await;
        assert!(matches!(refused, Err(Error::WrongTenant)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn reading_transaction_refuses_to_write() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
        let refused = tx.installs().create(&granted(acme), new_install("docs")).await;
        assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");
        assert_eq!(tx.installs().list_active(&granted(acme)).await.expect("list").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn many_writers_at_once_all_come_through() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let install = bench.install(acme, "docs").await;
        let write = async |_| {
            let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
            let seen = tx.installs().lookup(&granted(acme), install).await.expect("read");
            tx.installs().mark_reauth(&granted(acme), seen.id).await.expect("write");
            tx.commit().await.expect("commit");
        };
        join_all((0..40).map(write)).await;
        let tx = bench.store.read(&granted::<InstallRead>(acme)).await.expect("read");
        assert_eq!(tx.installs().lookup(&granted(acme), install).await.expect("read").version, 41);
    })
    .await;
}

#[tokio::test]
async fn times_come_back_as_they_are_kept() {
    on_both(async |bench| {
        let acme = bench.tenant("acme").await;
        let created = bench.store.directory().lookup_tenant(acme).await.expect("tenant").created_at;
        assert_eq!(created.timestamp(), at(0).timestamp());
        assert_eq!(created.timestamp_subsec_nanos(), 123_456_000, "to the microsecond");
    })
    .await;
}

#[tokio::test]
async fn tenant_reads_and_renames_itself() {
    on_both(async |bench| {
        let (acme, other) = (bench.tenant("acme").await, bench.tenant("other").await);
        let tx = bench.store.begin(&granted::<InstallWrite>(acme)).await.expect("begin");
        tx.tenant().update(&granted(acme), "Acme\0 Inc.".to_owned()).await.expect("rename");
        assert_eq!(tx.tenant().lookup(&granted(acme)).await.expect("tenant").name, "Acme Inc.");
        tx.commit().await.expect("commit");
        let untouched = bench.store.directory().lookup_tenant(other).await.expect("tenant");
        assert_eq!(untouched.name, "other");
    })
    .await;
}

#[tokio::test]
async fn unreachable_database_is_named_without_its_password() {
    let url = "postgres://patchbay:hunter2@127.0.0.1:1/patchbay";
    let error = Store::connect(&Config::at(url)).await.expect_err("nobody listens on port 1");
    let message = error.to_string();
    assert_eq!(message, "the database postgres://127.0.0.1:1/patchbay cannot be reached");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn file_in_a_directory_that_is_not_there_cannot_be_reached() {
    let error =
        Store::connect(&Config::at("sqlite:/nowhere/at/all.db")).await.expect_err("no file");
    assert!(matches!(error, Error::Connect { .. }), "{error}");
}
