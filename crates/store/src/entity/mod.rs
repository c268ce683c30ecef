//! Row models, one file for each table. They never leave this crate: a row goes out as a struct of `domain`.

pub(crate) mod affiliation;
pub(crate) mod api_key;
pub(crate) mod api_key_hash;
pub(crate) mod audit_checkpoint;
pub(crate) mod audit_event;
pub(crate) mod audit_head;
pub(crate) mod audit_key;
pub(crate) mod audit_setting;
pub(crate) mod credential;
pub(crate) mod data_key;
pub(crate) mod domain;
pub(crate) mod endpoint;
pub(crate) mod identity;
pub(crate) mod install;
pub(crate) mod job;
pub(crate) mod logout_token;
pub(crate) mod membership;
pub(crate) mod record;
pub(crate) mod run;
pub(crate) mod session;
pub(crate) mod sign_in_attempt;
pub(crate) mod sign_in_link;
pub(crate) mod sso_connection;
pub(crate) mod tenant;
pub(crate) mod user;
pub(crate) mod verified_domain;
