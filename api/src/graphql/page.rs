//! Relay connections over keyset pages: one implementation for every list.

use async_graphql::{OutputType, connection};
use domain::{Page, PageArgs};

/// A Relay connection whose cursors are the store's own opaque ones.
pub(crate) type Connection<N> = connection::Connection<String, N>;

/// Checks `first` and `after` as they came from a client.
///
/// # Errors
/// `Invalid` for `first` outside 1 to [`domain::page::MAX_PAGE`].
pub(crate) fn page_args(first: i32, after: Option<String>) -> Result<PageArgs, control::Error> {
    let size = u32::try_from(first).unwrap_or(0);
    PageArgs::new(size, after).map_err(|error| control::Error::Invalid {
        field: vec!["first".to_owned()],
        code: "out_of_range",
        message: error.to_string(),
    })
}

/// Wraps a page. `continued` tells whether it was asked for with `after`: keyset pages always have something before a cursor.
pub(crate) fn connect<T, N: OutputType>(
    page: Page<T>,
    continued: bool,
    wrap: impl Fn(T) -> N,
) -> Connection<N> {
    let mut connection = Connection::new(continued, page.has_next);
    connection.edges = page
        .items
        .into_iter()
        .map(|(cursor, item)| connection::Edge::new(cursor, wrap(item)))
        .collect();
    connection
}
