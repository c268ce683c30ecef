//! Who belongs to the organisation.

use domain::{Membership, OpCtx, Page, PageArgs, User};

use crate::{
    Control, Error,
    audit::{Deed, action},
};

// === impl Control ===

impl Control {
    /// The organisation's members with the people behind them.
    ///
    /// # Errors
    /// [`Error::Internal`] alone: every role may see this.
    pub async fn list_members(
        &self,
        ctx: &OpCtx,
        page: PageArgs,
    ) -> Result<Page<(Membership, User)>, Error> {
        let granted = self.require(ctx, &Deed::new(action::MEMBER_LIST)).await?;
        let tx = self.store().read(&granted).await?;
        Ok(tx.members().list(&granted, &page).await?)
    }
}
