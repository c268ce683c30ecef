//! First start: a demo organisation with the file-system connector on real documents, so that the first answer is a real one.

use std::path::{Path, PathBuf};

use control::{Control, CreateApiKey, InstallConnector, SetUp};
use domain::{OpCtx, Role, Tenant, secret::ExposeSecret};
use serde_json::json;

use crate::cmd::CommandError;

/// Request id of everything that the first start does, for the audit log.
const REQUEST_ID: &str = "set-up";

/// Documents for a start far from the repository.
const WELCOME: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../README.md")),
    ("ARCHITECTURE.md", include_str!("../../../docs/ARCHITECTURE.md")),
    ("connector-spec.md", include_str!("../../../docs/connector-spec.md")),
];

/// The organisation to make and what to fill it with.
pub(crate) struct Demo {
    pub(crate) tenant_slug: String,
    pub(crate) tenant_name: String,
    pub(crate) owner_email: String,
    /// Directory to install the file-system connector on; it must be under an allowed root.
    pub(crate) documents: Option<PathBuf>,
    /// A key from an earlier start, used again if it still works.
    pub(crate) earlier_key: Option<String>,
}

/// What the set-up leaves behind.
pub(crate) struct DemoDone {
    pub(crate) tenant: Tenant,
    /// Token of the owner's one-time link.
    pub(crate) link_token: String,
    pub(crate) api_key: String,
}

// === impl Demo ===

impl Demo {
    /// Makes what is missing. Doing it again changes nothing but the one-time link.
    pub(crate) async fn ensure(self, control: &Control) -> Result<DemoDone, CommandError> {
        let done = control
            .set_up(SetUp {
                tenant_slug: self.tenant_slug.clone(),
                tenant_name: self.tenant_name.clone(),
                owner_email: self.owner_email.clone(),
                owner_name: "Owner".to_owned(),
            })
            .await?;
        let api_key = self.ensure_contents(control, &done.tenant, done.owner.id, done.created);
        let api_key = api_key.await?;
        let link = control.create_sign_in_link(done.tenant.id, done.owner.id).await?;
        Ok(DemoDone { tenant: done.tenant, link_token: link.expose_secret().to_owned(), api_key })
    }

    async fn ensure_contents(
        &self,
        control: &Control,
        tenant: &Tenant,
        owner: domain::UserId,
        created: bool,
    ) -> Result<String, CommandError> {
        if let Some(key) = &self.earlier_key
            && !created
            && let Ok(caller) = control.by_api_key(key, REQUEST_ID).await
            && caller.tenant() == tenant.id
        {
            return Ok(key.clone());
        }
        // The owner's own door: the set-up signs in by a link like everybody else, so there is no second way in.
        let link = control.create_sign_in_link(tenant.id, owner).await?;
        let signed_in = control.redeem_link(link.expose_secret(), REQUEST_ID).await?;
        let owner = control.by_session(signed_in.token.expose_secret(), REQUEST_ID).await?;
        if created && let Some(documents) = &self.documents {
            install_documents(control, &owner, documents).await?;
        }
        let key = CreateApiKey {
            name: "First key".to_owned(),
            role: Role::Admin,
            installs: None,
            expires_in_days: None,
        };
        let created = control.create_api_key(&owner, key).await?;
        control.sign_out(&owner).await?;
        Ok(created.secret.expose_secret().to_owned())
    }
}

async fn install_documents(
    control: &Control,
    owner: &OpCtx,
    documents: &Path,
) -> Result<(), CommandError> {
    let install = InstallConnector {
        connector: "files".to_owned(),
        display_name: "Documentation".to_owned(),
        alias: Some("docs".to_owned()),
        config: json!({ "root": documents }),
        credential: None,
        sync_interval_seconds: Some(300),
    };
    control.install_connector(owner, install).await?;
    Ok(())
}

/// The documents of the demo: the repository's own `docs` when started there, else a copy of the welcome texts in the data directory.
pub(crate) fn documents(data_dir: &Path) -> Result<PathBuf, std::io::Error> {
    let repository = Path::new("docs");
    if repository.join("ARCHITECTURE.md").is_file() {
        return repository.canonicalize();
    }
    let welcome = data_dir.join("welcome");
    std::fs::create_dir_all(&welcome)?;
    for (name, text) in WELCOME {
        std::fs::write(welcome.join(name), text)?;
    }
    welcome.canonicalize()
}
