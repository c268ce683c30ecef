//! The database: the only crate that names sea-orm. SQLite and PostgreSQL from one set of queries.
//!
//! ```text
//! let tx = store.begin(&granted).await?;         // bound to the tenant of the grant
//! tx.installs().create(&granted, new).await?;    // the signature of a repository is the permission table
//! tx.commit().await?;
//! ```
//!
//! Verbs are fixed: `lookup` (by id, [`Error::NotFound`]), `find` (by natural key, `Option`), `list`, `count`, `create`,
//! `update`, `remove`, `finish`. Times are always given by the caller; they are kept to the microsecond.

mod api_keys;
mod approvals;
mod audit;
mod audit_chain;
mod audit_settings;
mod client_grants;
mod config;
mod credentials;
mod custom_roles;
mod data_keys;
mod directory;
mod directory_entries;
mod domains;
mod endpoints;
mod entity;
mod error;
mod full_text;
mod groups;
mod identities;
mod installs;
mod invitations;
mod isolation;
mod jobs;
mod members;
mod oauth_clients;
mod oauth_tokens;
mod page;
mod policies;
mod records;
mod runs;
mod scim_tokens;
mod scoped;
mod sealed;
mod sessions;
mod sign_in_attempts;
mod sso_connections;
mod store;
mod tenant;
mod text;
mod time;
mod tx;
mod webhook_deliveries;
mod webhooks;

pub use api_keys::{ApiKeys, NewApiKey};
pub use approvals::{Approvals, ApprovedCall, NewApproval};
pub use audit::{Audit, AuditFilter, NewAudit};
pub use audit_settings::{AuditKey, AuditKeys};
pub use client_grants::{ClientGrants, NewClientGrant, NewCode};
pub use config::Config;
pub use credentials::{Credentials, NewCredential};
pub use custom_roles::{CustomRoleChange, CustomRoles, NewCustomRole};
pub use data_keys::{DataKeys, NewDataKey, WrappedVersion};
pub use directory::{Directory, NewSession, NewSignInLink, NewTenant, NewUser, SignInLink};
pub use directory_entries::{DirectoryEntries, DirectoryMember, MemberMatch, NewDirectoryEntry};
pub use domains::{Domains, NewDomain};
pub use endpoints::{EndpointChange, Endpoints, NewEndpoint};
pub use error::{Error, IsolationFault};
pub use groups::{GroupChange, GroupMatch, Groups, NewGroup};
pub use installs::{InstallChange, Installs, NewInstall};
pub use invitations::{Invitations, NewInvitation};
pub use jobs::{JobCount, Jobs, NewJob, TxJobs};
pub use members::{Members, NewMember};
pub use migrations::GLOBAL_TABLES;
pub use oauth_clients::{NewOauthClient, OauthClient, OauthClients};
pub use oauth_tokens::{Code, NewRefreshToken, RefreshToken};
pub use policies::{NewPolicySet, Policies};
pub use records::{Counts, NewRecord, RecordKey, Records, SearchFilter};
pub use runs::{NewRun, Progress, Runs};
pub use scim_tokens::{NewScimToken, ScimTokens};
pub use sealed::{Sealed, SealedRow, SealedTable};
pub use sign_in_attempts::{NewSignInAttempt, SignInAttempt};
pub use sso_connections::{ConnectionChange, NewConnection, SealedSecret, SsoConnections};
pub use store::Store;
pub use tenant::TenantRow;
pub use tx::Tx;
pub use webhook_deliveries::{NewDelivery, WebhookDeliveries};
pub use webhooks::{NewWebhook, NewWebhookSecret, SealedWebhookSecret, WebhookChange, Webhooks};
