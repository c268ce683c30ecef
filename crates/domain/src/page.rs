//! Keyset pages: stable under inserts and deletes, never an offset.

use serde::{Deserialize, Serialize};

/// Largest page that any list gives.
pub const MAX_PAGE: u32 = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PageArgs {
    /// How many items at most, 1 to [`MAX_PAGE`].
    pub first: u32,
    /// Opaque position after which the page starts: the `cursor` of an earlier item.
    pub after: Option<String>,
}

/// Why page arguments were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`first` must be between 1 and {MAX_PAGE}")]
pub struct PageTooLarge;

/// A part of a list, in list order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Each item with the cursor that continues after it.
    pub items: Vec<(String, T)>,
    /// Whether the list goes on.
    pub has_next: bool,
}

// === impl PageArgs ===

impl PageArgs {
    /// Checks the size.
    ///
    /// # Errors
    /// [`PageTooLarge`] when `first` is 0 or above [`MAX_PAGE`].
    pub fn new(first: u32, after: Option<String>) -> Result<Self, PageTooLarge> {
        if (1..=MAX_PAGE).contains(&first) { Ok(Self { first, after }) } else { Err(PageTooLarge) }
    }

    /// The first page of the largest size.
    pub fn all() -> Self {
        Self { first: MAX_PAGE, after: None }
    }
}

// === impl Page ===

impl<T> Page<T> {
    /// Cuts a list that was read with one item more than asked for.
    pub fn cut(mut items: Vec<(String, T)>, first: u32) -> Self {
        let has_next = items.len() > first as usize;
        items.truncate(first as usize);
        Self { items, has_next }
    }

    /// The items without their cursors.
    pub fn into_items(self) -> impl Iterator<Item = T> {
        self.items.into_iter().map(|(_, item)| item)
    }

    /// Changes each item, keeping the cursors.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(|(cursor, item)| (cursor, change(item))).collect();
        Page { items, has_next: self.has_next }
    }
}
