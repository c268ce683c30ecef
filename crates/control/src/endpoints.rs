//! Where AI clients connect.

use domain::{Endpoint, OpCtx};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

// === impl Control ===

impl Control {
    /// The organisation's MCP endpoints.
    ///
    /// # Errors
    /// [`Error::Internal`] alone: every role may see this.
    pub async fn list_endpoints(&self, ctx: &OpCtx) -> Result<Vec<Endpoint>, Error> {
        let granted = self.require(ctx, &Deed::new(action::ENDPOINT_LIST)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.endpoints().list(&granted).await?)
    }
}
