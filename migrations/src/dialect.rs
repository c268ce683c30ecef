//! What SQLite and PostgreSQL write differently: column types, row-level security, triggers.

use sea_orm_migration::prelude::{ConnectionTrait, DbErr, SchemaManager};
use sea_orm_migration::sea_orm::DbBackend;

/// Runs statements in order. `{uuid}`, `{time}`, `{json}`, `{bytes}`, `{int}` and `{bool}` stand for the backend's types.
///
/// SQLite's names are those that sea-orm gives its own columns.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let types: [(&str, &str); 6] = match manager.get_database_backend() {
        DbBackend::Postgres => [
            ("{uuid}", "uuid"),
            ("{time}", "timestamptz"),
            ("{json}", "jsonb"),
            ("{bytes}", "bytea"),
            ("{int}", "bigint"),
            ("{bool}", "boolean"),
        ],
        _ => [
            ("{uuid}", "uuid_text"),
            ("{time}", "timestamp_with_timezone_text"),
            ("{json}", "jsonb_text"),
            ("{bytes}", "blob"),
            ("{int}", "bigint"),
            ("{bool}", "boolean"),
        ],
    };
    for statement in statements {
        let sql = types
            .iter()
            .fold((*statement).to_owned(), |sql, (name, written)| sql.replace(name, written));
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Runs statements on PostgreSQL alone.
pub(crate) async fn run_on_postgres(
    manager: &SchemaManager<'_>,
    statements: &[&str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        run(manager, statements).await?;
    }
    Ok(())
}

/// Runs statements on SQLite alone.
pub(crate) async fn run_on_sqlite(
    manager: &SchemaManager<'_>,
    statements: &[&str],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        run(manager, statements).await?;
    }
    Ok(())
}

/// Runs statements over rows that are there already. On PostgreSQL once per organisation: row-level security holds for the
/// owner, too, who without a tenant would change nothing and not be told.
pub(crate) async fn for_each_tenant(
    manager: &SchemaManager<'_>,
    statements: &[&str],
) -> Result<(), DbErr> {
    run_on_sqlite(manager, statements).await?;
    let body = statements.join(";\n");
    let each = format!(
        "DO $$ DECLARE one uuid; BEGIN
            FOR one IN SELECT id FROM tenants LOOP
                PERFORM set_config('app.tenant', one::text, true);
                {body};
            END LOOP;
            PERFORM set_config('app.tenant', '', true);
        END $$"
    );
    run_on_postgres(manager, &[&each]).await
}

/// Puts tables behind row-level security on PostgreSQL: a transaction sees and writes only the rows of its `app.tenant`.
///
/// `FORCE` holds the owner to it as well. `nullif` because a setting that was local to an earlier transaction reads as
/// the empty text afterwards, which is no UUID: without a tenant there are 0 rows, not an error.
pub(crate) async fn isolate(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    const CONDITION: &str =
        "tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)";
    for table in tables {
        run_on_postgres(
            manager,
            &[
                &format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
                &format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
                &format!(
                    "CREATE POLICY tenant ON {table} USING ({CONDITION}) WITH CHECK ({CONDITION})"
                ),
            ],
        )
        .await?;
    }
    Ok(())
}
