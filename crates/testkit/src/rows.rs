//! What a database holds of somebody, read behind the product's back.
//!
//! A row belongs to an organisation or a person when their UUID stands alone in one of its columns; a row that only speaks
//! of them, as another organisation's audit log may, does not.

use std::path::Path;

use tokio::process::Command;

use crate::{
    Error, process,
    services::{self, TestDatabase},
};

const READ_SQLITE: &str = include_str!("rows.py");

/// Every row of a SQLite file that belongs to one of `uuids`, as text, in order.
///
/// # Errors
/// When `python3` cannot be run or the file cannot be read.
pub async fn of_sqlite(database: &Path, uuids: &[String]) -> Result<Vec<String>, Error> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(READ_SQLITE).arg(database).args(uuids);
    Ok(lines(&process::run(&mut command).await?))
}

/// Every row of a PostgreSQL database that belongs to one of `uuids`, as text, in order. Row-level security hides nothing:
/// it is read by the superuser of `superuser_url`.
///
/// # Errors
/// When `psql` cannot be run or refuses.
pub async fn of_postgres(
    superuser_url: &str,
    database: &TestDatabase,
    uuids: &[String],
) -> Result<Vec<String>, Error> {
    let mut url = url::Url::parse(superuser_url)
        .map_err(|_| Error::Refused { message: "not a URL".to_owned() })?;
    url.set_path(&database.name);
    let tables = "select table_name from information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE' order by 1";
    let tables = lines(&services::execute(url.as_str(), tables).await?);
    let wanted = format!("'{}'", uuids.join("','"));
    let reads: Vec<_> = tables
        .iter()
        .map(|table| {
            format!(
                "select '{table} ' || to_jsonb(t)::text from \"{table}\" t where exists
                 (select 1 from jsonb_each_text(to_jsonb(t)) column_ where column_.value in ({wanted}))"
            )
        })
        .collect();
    let all = format!("{} order by 1", reads.join(" union all "));
    Ok(lines(&services::execute(url.as_str(), &all).await?))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
