//! What can be installed.

use connector_sdk::{Connector, Manifest};
use domain::{OpCtx, authz::permission::ConnectorRead};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

// === impl Control ===

impl Control {
    /// Every connector of the marketplace.
    ///
    /// # Errors
    /// [`Error::Internal`] alone: every role may see this.
    pub async fn list_connectors(&self, ctx: &OpCtx) -> Result<Vec<&'static Manifest>, Error> {
        self.require::<ConnectorRead>(ctx, &Deed::new(action::CONNECTOR_READ)).await?;
        Ok(self.0.parts.registry.iter().map(|connector| connector.manifest()).collect())
    }

    /// A connector by its id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find_connector(&self, ctx: &OpCtx, id: &str) -> Result<&'static Manifest, Error> {
        self.require::<ConnectorRead>(ctx, &Deed::on(action::CONNECTOR_READ, &id)).await?;
        self.connector(id).map(Connector::manifest).ok_or(Error::NotFound)
    }

    pub(crate) fn connector(&self, id: &str) -> Option<&'static dyn Connector> {
        self.0.parts.registry.iter().copied().find(|connector| connector.manifest().id == id)
    }
}
