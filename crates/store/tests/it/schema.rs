//! A walk over the schema: a table cannot forget its tenant.

use std::collections::{BTreeMap, BTreeSet};

use migrations::MigratorTrait;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use store::GLOBAL_TABLES;

use crate::bench::{Bench, on_both};

/// Tables with their columns, without those that SQLite keeps for itself.
async fn tables(bench: &Bench, db: &DatabaseConnection) -> BTreeMap<String, BTreeSet<String>> {
    let sql = match bench.backend {
        sea_orm::DbBackend::Postgres => {
            "select table_name::text as name, column_name::text as col
             from information_schema.columns where table_schema = 'public'"
        }
        _ => {
            "select m.name as name, c.name as col from sqlite_master m, pragma_table_info(m.name) c
             where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like 'records_fts%'"
        }
    };
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in db.query_all_raw(bench.sql(sql)).await.expect("tables") {
        let name = row.try_get("", "name").expect("name");
        tables.entry(name).or_default().insert(row.try_get("", "col").expect("column"));
    }
    tables
}

#[tokio::test]
async fn every_table_has_its_tenant_or_is_listed_as_global() {
    on_both(async |bench| {
        let tables = tables(bench, &bench.raw().await).await;
        assert!(tables.len() >= 16, "{tables:?}");
        for (table, columns) in &tables {
            assert!(
                columns.contains("tenant_id") || GLOBAL_TABLES.contains(&table.as_str()),
                "`{table}` has no tenant_id and is not in GLOBAL_TABLES of migrations/src/lib.rs"
            );
        }
        for table in GLOBAL_TABLES {
            assert!(
                tables.contains_key(*table),
                "GLOBAL_TABLES names `{table}`, which is not there"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn every_unique_constraint_of_a_tenant_table_starts_with_the_tenant() {
    on_both(async |bench| {
        // `pk` is the row number of SQLite's full-text index.
        let sql = match bench.backend {
            sea_orm::DbBackend::Postgres => {
                "select t.relname::text as name, i.relname::text as index,
                    (select a.attname::text from pg_attribute a
                     where a.attrelid = t.oid and a.attnum = x.indkey[0]) as first
                 from pg_index x join pg_class t on t.oid = x.indrelid
                 join pg_class i on i.oid = x.indexrelid
                 where x.indisunique and t.relnamespace = 'public'::regnamespace"
            }
            _ => {
                "select m.name as name, l.name as \"index\",
                    (select i.name from pragma_index_info(l.name) i where i.seqno = 0) as first
                 from sqlite_master m, pragma_index_list(m.name) l
                 where m.type = 'table' and l.\"unique\" and m.name not like 'records_fts%'"
            }
        };
        let rows = bench.raw().await.query_all_raw(bench.sql(sql)).await.expect("indexes");
        let mut covered = BTreeSet::new();
        for row in rows {
            let table: String = row.try_get("", "name").expect("name");
            if GLOBAL_TABLES.contains(&table.as_str()) {
                continue;
            }
            let index: String = row.try_get("", "index").expect("index");
            let first: String = row.try_get("", "first").expect("first column");
            assert_eq!(first, "tenant_id", "`{index}` of `{table}` tells tenants of each other");
            covered.insert(table);
        }
        let tenant_tables: BTreeSet<String> = tables(bench, &bench.raw().await)
            .await
            .into_keys()
            .filter(|table| !GLOBAL_TABLES.contains(&table.as_str()))
            .collect();
        assert_eq!(
            covered, tenant_tables,
            "each of them needs an index that starts with tenant_id"
        );
    })
    .await;
}

#[tokio::test]
async fn every_tenant_table_is_under_forced_row_level_security() {
    let bench = Bench::postgres().await;
    let db = bench.raw().await;
    let sql = "select c.relname::text as name, c.relrowsecurity as enabled,
            c.relforcerowsecurity as forced, p.qual, p.with_check, p.cmd
        from pg_class c left join pg_policies p
            on p.tablename = c.relname and p.schemaname = 'public'
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace";
    let mut seen = 0;
    for row in db.query_all_raw(bench.sql(sql)).await.expect("policies") {
        let table: String = row.try_get("", "name").expect("name");
        if GLOBAL_TABLES.contains(&table.as_str()) {
            continue;
        }
        seen += 1;
        let is = |column: &str| row.try_get::<bool>("", column).expect("flag");
        assert!(is("enabled") && is("forced"), "{table}");
        for column in ["qual", "with_check"] {
            let condition: Option<String> = row.try_get("", column).expect("condition");
            let condition = condition.unwrap_or_default();
            assert!(
                condition.contains("current_setting('app.tenant'::text, true)"),
                "{column} of `{table}`: {condition}"
            );
        }
        assert_eq!(row.try_get::<String>("", "cmd").expect("command"), "ALL", "{table}");
    }
    assert!(seen >= 9, "{seen}");
}

#[tokio::test]
async fn foreign_keys_between_tenant_tables_carry_the_tenant() {
    let bench = Bench::postgres().await;
    let sql = "select c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
            exists (select 1 from pg_attribute a where a.attrelid = c.conrelid
                and a.attname = 'tenant_id' and a.attnum = any (c.conkey)) as carried
        from pg_constraint c where c.contype = 'f'";
    let rows = bench.raw().await.query_all_raw(bench.sql(sql)).await.expect("foreign keys");
    let mut between = 0;
    for row in rows {
        let child: String = row.try_get("", "child").expect("child");
        let parent: String = row.try_get("", "parent").expect("parent");
        if GLOBAL_TABLES.contains(&parent.as_str()) {
            continue;
        }
        between += 1;
        assert!(row.try_get::<bool>("", "carried").expect("flag"), "{child} -> {parent}");
    }
    assert!(between >= 4, "{between}");
}

#[tokio::test]
async fn no_column_has_a_time_by_default_of_the_database() {
    on_both(async |bench| {
        let sql = match bench.backend {
            sea_orm::DbBackend::Postgres => {
                "select table_name || '.' || column_name as col from information_schema.columns
                 where table_schema = 'public' and lower(column_default) ~ 'now|current|time|date'
                    and table_name <> 'seaql_migrations'"
            }
            _ => {
                "select m.name || '.' || c.name as col
                 from sqlite_master m, pragma_table_info(m.name) c
                 where m.type = 'table' and c.dflt_value is not null
                    and c.dflt_value not glob '''*'''"
            }
        };
        let rows = bench.raw().await.query_all_raw(bench.sql(sql)).await.expect("defaults");
        let columns: Vec<String> =
            rows.iter().map(|row| row.try_get("", "col").expect("column")).collect();
        assert_eq!(columns, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_nothing_is_pending() {
    on_both(async |bench| {
        assert_eq!(bench.store.pending_migrations().await.expect("read"), Vec::<String>::new());
        let url = bench.owner_url.as_ref().unwrap_or(&bench.url);
        let owner = store::Store::connect(&store::Config::at(url)).await.expect("connect");
        let (first, second) = tokio::join!(owner.migrate(), owner.migrate());
        first.expect("first");
        second.expect("second");
        owner.close().await.expect("close");
    })
    .await;
}

#[tokio::test]
async fn processes_that_migrate_an_empty_database_at_once_wait_for_each_other() {
    let database = crate::bench::postgres_database().await;
    let config = store::Config::at(&database.owner_url);
    let one = store::Store::connect(&config).await.expect("connect");
    let other = store::Store::connect(&config).await.expect("connect");
    let all = migrations::Migrator::migrations().len();
    assert_eq!(one.pending_migrations().await.expect("read").len(), all);
    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    first.expect("first");
    second.expect("second");
    assert!(one.pending_migrations().await.expect("read").is_empty());
}

/// Row-level security holds for the owner who migrates, too: a change that forgets this changes nothing on PostgreSQL.
#[tokio::test]
async fn upgrade_keeps_roles_and_keys_of_what_was_there() {
    let database = crate::bench::postgres_database().await;
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = format!("sqlite:{}?mode=rwc", directory.path().join("old.db").display());
    for url in [&database.owner_url, &file] {
        let db = crate::bench::raw(url).await;
        let run = async |sql: &str| db.execute_unprepared(sql).await.expect("a statement");
        migrations::Migrator::up(&db, Some(4)).await.expect("the old schema");
        let postgres = url == &database.owner_url;
        let (tenant, user) = (uuid(1, postgres), uuid(2, postgres));
        if postgres {
            run(&format!("select set_config('app.tenant', {tenant}, false)")).await;
        }
        let at = "'2026-01-01 00:00:00+00:00'";
        run(&format!("insert into tenants values ({tenant}, 'acme', 'Acme', {at})")).await;
        run(&format!("insert into users values ({user}, 'a@acme.example', 'A', {at})")).await;
        run(&format!("insert into memberships values ({user}, {tenant}, {user}, 'admin', {at})"))
            .await;
        let bytes = if postgres { "'\\x07'" } else { "x'07'" };
        run(&format!("insert into data_keys values ({tenant}, {bytes})")).await;
        migrations::Migrator::up(&db, None).await.expect("the new schema");
        if postgres {
            run(&format!("select set_config('app.tenant', {tenant}, false)")).await;
        }
        let count = async |sql: &str| {
            let statement = Statement::from_string(db.get_database_backend(), sql);
            let row = db.query_one_raw(statement).await.expect("an answer").expect("a row");
            row.try_get::<i64>("", "n").expect("a number")
        };
        let kept = "select count(*) as n from memberships
            where role = 'admin' and clearance = 'restricted'";
        assert_eq!(count(kept).await, 1, "{url}");
        let keys = "select count(*) as n from data_key_versions where state = 'current'";
        assert_eq!(count(keys).await, 1, "{url}");
        assert_eq!(count("select count(*) as n from affiliations").await, 1, "{url}");
        db.close().await.expect("close");
    }
}

/// SQLite keeps an id as its 16 bytes.
fn uuid(number: u128, postgres: bool) -> String {
    if postgres {
        format!("'00000000-0000-0000-0000-{number:012}'")
    } else {
        format!("x'{number:032x}'")
    }
}
