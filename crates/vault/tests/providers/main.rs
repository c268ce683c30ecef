//! The key services, over the wire: what is wrapped by one opens there for the same organisation alone.

mod transit_double;

use std::{io::Write as _, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::Path};

use domain::TenantId;
use vault::{Config, Error, KmsConfig, ProviderName, TransitConfig, Vault};

use transit_double::TransitDouble;

fn key_file(directory: &Path, name: &str, byte: u8) -> std::path::PathBuf {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let path = directory.join(name);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .expect("a file");
    file.write_all(STANDARD.encode([byte; 32]).as_bytes()).expect("written");
    path
}

fn transit(address: SocketAddr, token: &str) -> TransitConfig {
    serde_json::from_value(serde_json::json!({
        "address": format!("http://{address}"), "key_name": "patchbay", "token": token,
    }))
    .expect("a configuration")
}

fn kms(endpoint: &str, key_id: &str) -> KmsConfig {
    serde_json::from_value(serde_json::json!({
        "endpoint": endpoint, "region": "eu-central-1", "key_id": key_id,
        "access_key_id": "patchbay", "secret_access_key": "not a real one",
    }))
    .expect("a configuration")
}

#[tokio::test]
async fn earlier_local_key_still_opens_and_wrapping_again_moves_to_the_new_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (old, new) = (key_file(directory.path(), "old", 1), key_file(directory.path(), "new", 2));
    let tenant = TenantId::generate();
    let before = Config { key_file: Some(old.clone()), ..Config::default() };
    let (wrapped, _) =
        Vault::build(&before).expect("a vault").new_data_key(tenant, 1).await.expect("a key");

    let both =
        Config { key_file: Some(new.clone()), previous_key_files: vec![old], ..Config::default() };
    let vault = Vault::build(&both).expect("a vault");
    vault.unwrap(tenant, 1, &wrapped).await.expect("the earlier key opens");
    let rewrapped = vault.rewrap(tenant, &wrapped).await.expect("wrapped again");

    let after = Config { key_file: Some(new), ..Config::default() };
    let vault = Vault::build(&after).expect("a vault");
    vault.unwrap(tenant, 1, &rewrapped).await.expect("the new key alone opens");
    let lost = vault.unwrap(tenant, 1, &wrapped).await;
    assert!(matches!(lost, Err(Error::OtherKey { .. })));
}

#[tokio::test]
async fn transit_engine_opens_for_the_same_organisation_alone_and_rewraps_without_giving_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = TransitDouble::start().await;
    let config = Config {
        key_file: Some(key_file(directory.path(), "key", 1)),
        provider: ProviderName::Transit,
        transit: Some(transit(engine.address(), TransitDouble::TOKEN)),
        ..Config::default()
    };
    let vault = Vault::build(&config).expect("a vault");
    vault.check().await.expect("it works");
    assert_eq!(vault.wrapping_key(), "transit:transit/patchbay");
    let (tenant, other) = (TenantId::generate(), TenantId::generate());
    let (wrapped, _) = vault.new_data_key(tenant, 1).await.expect("a key");
    assert!(wrapped.0.starts_with(b"\x04vault:v1:"), "{wrapped:?}");
    assert!(matches!(vault.unwrap(other, 1, &wrapped).await, Err(Error::Sealed)));

    engine.rotate();
    let decrypted = engine.decrypted();
    let rewrapped = vault.rewrap(tenant, &wrapped).await.expect("wrapped again");
    assert!(rewrapped.0.starts_with(b"\x04vault:v2:"), "{rewrapped:?}");
    assert_eq!(engine.decrypted(), decrypted, "the data key stayed inside");
    vault.unwrap(tenant, 1, &rewrapped).await.expect("it opens");
}

#[tokio::test]
async fn data_key_that_was_used_lately_opens_while_the_engine_is_down_and_no_other_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = TransitDouble::start().await;
    let config = Config {
        key_file: Some(key_file(directory.path(), "key", 1)),
        provider: ProviderName::Transit,
        transit: Some(transit(engine.address(), TransitDouble::TOKEN)),
        ..Config::default()
    };
    let vault = Vault::build(&config).expect("a vault");
    let tenant = TenantId::generate();
    let (known, _) = vault.new_data_key(tenant, 1).await.expect("a key");
    let (unknown, _) = vault.new_data_key(tenant, 2).await.expect("a key");
    vault.unwrap(tenant, 1, &known).await.expect("it opens");
    engine.stop().await;
    vault.unwrap(tenant, 1, &known).await.expect("it opens from memory");
    let closed = vault.unwrap(tenant, 2, &unknown).await;
    assert!(matches!(closed, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn wrong_token_is_refused_with_the_status_and_without_the_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let engine = TransitDouble::start().await;
    let config = Config {
        key_file: Some(key_file(directory.path(), "key", 1)),
        provider: ProviderName::Transit,
        transit: Some(transit(engine.address(), "guessed-token")),
        ..Config::default()
    };
    let error = Vault::build(&config).expect("a vault").check().await.expect_err("refused");
    assert!(matches!(error, Error::Refused { status: 403, .. }), "{error:?}");
    assert!(!format!("{error:?} {config:?}").contains("guessed-token"));
    let dump = serde_json::to_string(&config).expect("serializable");
    assert!(!dump.contains("guessed-token"), "{dump}");
}

#[test]
fn provider_without_its_section_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = key_file(directory.path(), "key", 1);
    for provider in [ProviderName::AwsKms, ProviderName::Transit] {
        let config = Config { key_file: Some(key.clone()), provider, ..Config::default() };
        assert!(matches!(Vault::build(&config), Err(Error::NotConfigured { .. })));
    }
}

/// Against moto, an independent implementation of the AWS API, started by the test.
#[tokio::test]
async fn kms_key_opens_for_the_same_organisation_alone_and_is_found_by_its_alias() {
    let directory = tempfile::tempdir().expect("a directory");
    let service = moto::Moto::start().await;
    let key_id = service.create_key().await;
    let local = key_file(directory.path(), "key", 1);
    let before = Config { key_file: Some(local.clone()), ..Config::default() };
    let tenant = TenantId::generate();
    let earlier = Vault::build(&before).expect("a vault");
    let (local_wrapped, _) = earlier.new_data_key(tenant, 1).await.expect("a key");

    let config = Config {
        key_file: Some(local),
        provider: ProviderName::AwsKms,
        kms: Some(kms(&service.endpoint(), &key_id)),
        ..Config::default()
    };
    let vault = Vault::build(&config).expect("a vault");
    vault.check().await.expect("GenerateDataKey and Decrypt work");
    let (wrapped, _) = vault.new_data_key(tenant, 2).await.expect("a key");
    vault.unwrap(tenant, 2, &wrapped).await.expect("it opens");
    let other = TenantId::generate();
    assert!(matches!(vault.unwrap(other, 2, &wrapped).await, Err(Error::Sealed)));

    let moved = vault.rewrap(tenant, &local_wrapped).await.expect("Encrypt works");
    assert_eq!(moved.0.first(), Some(&3));
    vault.unwrap(tenant, 1, &moved).await.expect("it opens");
}

mod moto;
