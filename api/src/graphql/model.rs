//! GraphQL types: each wraps a domain struct and adds nothing but names.

pub(crate) mod api_key;
pub(crate) mod approval;
pub(crate) mod audit_event;
pub(crate) mod audit_settings;
pub(crate) mod client_grant;
pub(crate) mod connector;
pub(crate) mod domain;
pub(crate) mod endpoint;
pub(crate) mod group;
pub(crate) mod install;
pub(crate) mod invitation;
pub(crate) mod key;
pub(crate) mod member;
pub(crate) mod node;
pub(crate) mod permission;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod role;
pub(crate) mod scim_token;
pub(crate) mod session;
pub(crate) mod sso_connection;
pub(crate) mod sync_run;
pub(crate) mod tenant;
pub(crate) mod user_error;
pub(crate) mod viewer;
pub(crate) mod webhook;
