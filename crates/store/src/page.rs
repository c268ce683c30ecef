//! Keyset pages over UUIDv7 ids: `id > cursor`, so that inserts and deletes shift nothing.

use domain::page::{MAX_PAGE, Page, PageArgs};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, Order, QueryFilter, QueryOrder,
    QuerySelect, Select, Value,
};
use uuid::Uuid;

use crate::Error;

/// Reads one page of a query, ordered by its id column.
pub(crate) async fn read<E, C>(
    query: Select<E>,
    id: E::Column,
    order: Order,
    page: &PageArgs,
    connection: &C,
) -> Result<Page<E::Model>, Error>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let first = page.first.clamp(1, MAX_PAGE);
    let mut query = query.order_by(id, order.clone()).limit(u64::from(first) + 1);
    if let Some(cursor) = &page.after {
        let after = Uuid::try_parse(cursor).map_err(|_| Error::InvalidCursor)?;
        query = query.filter(if order == Order::Desc { id.lt(after) } else { id.gt(after) });
    }
    let rows = query.all(connection).await?;
    let items = rows.into_iter().map(|row| (cursor_of(&row.get(id)), row)).collect();
    Ok(Page::cut(items, first))
}

/// Turns rows into nouns, keeping the cursors.
pub(crate) fn convert<R, T>(
    page: Page<R>,
    mut change: impl FnMut(R) -> Result<T, Error>,
) -> Result<Page<T>, Error> {
    let items = page
        .items
        .into_iter()
        .map(|(cursor, row)| Ok((cursor, change(row)?)))
        .collect::<Result<_, Error>>()?;
    Ok(Page { items, has_next: page.has_next })
}

fn cursor_of(id: &Value) -> String {
    match id {
        Value::Uuid(Some(id)) => id.simple().to_string(),
        // Only id columns are given to `read`; a cursor that leads nowhere is refused when it comes back.
        _ => String::new(),
    }
}
