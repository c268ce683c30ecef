//! Rows as documents: first runs, increments, late commits and deletes.

use connector_sdk::{ConnectorError, Context, SyncStart};
use serde_json::json;

use crate::{
    database::Database,
    support::{Synced, connector, sync},
};

async fn run(cx: &Context, synced: &mut Synced) {
    sync(connector("postgres"), cx, synced).await.expect("a sync");
}

fn ids(synced: &Synced) -> Vec<&str> {
    synced.replica.documents().map(|document| document.external_id.as_str()).collect()
}

fn body<'a>(synced: &'a Synced, id: &str) -> &'a str {
    &synced.replica.get("rows", id).unwrap_or_else(|| panic!("no {id}")).body
}

const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, title text, body text, updated_at timestamptz);
    INSERT INTO notes SELECT n, 'Note ' || n, 'Text ' || n, '2026-01-01T00:00:00Z' FROM generate_series(1, 7) n;";

#[tokio::test]
async fn rows_become_readable_documents() {
    let database = Database::create().await;
    database
        .run("CREATE TABLE \"Odd \"\"name\" (\"The Key\" text PRIMARY KEY, title text, raw bytea, at timestamptz, n numeric);
              INSERT INTO \"Odd \"\"name\" VALUES ('a/b c', E' Two\\nlines ', '\\x0102', '2026-02-03T04:05:06.789Z', 12.50), ('null', NULL, NULL, NULL, NULL);")
        .await;
    let cx = database.context(&json!({"cursor_column": "at"}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    let document = synced.replica.get("rows", "public.Odd \"name/a/b c").expect("a document");
    assert_eq!(document.title, "Two lines");
    assert_eq!(
        document.body,
        "The Key: a/b c\ntitle:  Two\nlines \nraw: (2 bytes)\nat: 2026-02-03 04:05:06.789+00\nn: 12.50\n"
    );
    assert_eq!(
        document.metadata,
        json!({"schema": "public", "table": "Odd \"name", "key": {"The Key": "a/b c"}})
    );
    assert_eq!(document.source_updated_at, "2026-02-03T04:05:06.789Z".parse().ok());
    let empty = synced.replica.get("rows", "public.Odd \"name/null").expect("a document");
    assert_eq!((empty.title.as_str(), empty.body.as_str()), ("Odd \"name null", "The Key: null\n"));
    database.drop().await;
}

#[tokio::test]
async fn increments_read_what_changed_and_notice_what_is_gone() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({"cursor_column": "updated_at", "page_size": 2}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    assert_eq!(synced.upserted.len(), 7);
    run(&cx, &mut synced).await;
    assert_eq!(synced.upserted, [""; 0], "nothing changed, so nothing is read in full");
    database
        .run("UPDATE notes SET body = 'new', updated_at = '2026-01-02T00:00:00Z' WHERE id IN (2, 3, 4, 5, 6);
              INSERT INTO notes VALUES (8, 'Note 8', 'Text 8', '2026-01-02T00:00:00Z'), (9, 'Note 9', '', '2026-01-03T00:00:00Z');
              DELETE FROM notes WHERE id = 1;")
        .await;
    run(&cx, &mut synced).await;
    let expected: Vec<String> = (2..=9).map(|id| format!("public.notes/{id}")).collect();
    assert_eq!(ids(&synced), expected);
    assert!(body(&synced, "public.notes/6").contains("body: new"));
    assert!(!synced.upserted.contains(&"public.notes/7".to_owned()), "{:?}", synced.upserted);
    database.drop().await;
}

/// Five rows of one cursor value over pages of two: a keyset by the cursor alone would lose or repeat some.
#[tokio::test]
async fn ties_on_the_cursor_column_are_all_read_once() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({"cursor_column": "updated_at", "page_size": 2}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    database.run("INSERT INTO notes SELECT n, 't', 'b', '2026-05-05T00:00:00Z' FROM generate_series(10, 14) n").await;
    let source = connector("postgres").sync().expect("it syncs");
    let mut start = SyncStart { state: synced.state.clone(), cursor: None };
    let mut by_cursor = Vec::new();
    loop {
        let page = source.read_page(&cx, &start).await.expect("a page");
        by_cursor.extend(page.upserts.iter().map(|document| document.external_id.clone()));
        let connector_sdk::Next::Continue(cursor) = page.next else { break };
        if cursor["phase"] == "keys" {
            break;
        }
        start.cursor = Some(cursor);
    }
    let expected: Vec<String> = (10..=14).map(|id| format!("public.notes/{id}")).collect();
    assert_eq!(by_cursor, expected);
    database.drop().await;
}

#[tokio::test]
async fn transaction_that_commits_late_with_an_old_cursor_value_is_not_lost() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({"cursor_column": "updated_at", "page_size": 3}));
    let mut synced = Synced::default();
    let mut late = database.connect(&database.name).await;
    for sql in ["BEGIN", "INSERT INTO notes VALUES (50, 'Late', '', '2025-12-31T00:00:00Z')"] {
        sqlx::query(sql).execute(&mut late).await.expect(sql);
    }
    run(&cx, &mut synced).await;
    assert_eq!(synced.replica.len(), 7);
    sqlx::query("COMMIT").execute(&mut late).await.expect("a commit");
    run(&cx, &mut synced).await;
    assert!(ids(&synced).contains(&"public.notes/50"));
    database.drop().await;
}

#[tokio::test]
async fn change_that_forgets_the_cursor_column_is_found() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({"cursor_column": "updated_at"}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    database.run("UPDATE notes SET body = 'silent' WHERE id = 3; INSERT INTO notes VALUES (20, 'No time', '', NULL)").await;
    run(&cx, &mut synced).await;
    assert!(body(&synced, "public.notes/3").contains("silent"));
    assert!(ids(&synced).contains(&"public.notes/20"));
    assert_eq!(synced.upserted.len(), 2, "{:?}", synced.upserted);
    database.drop().await;
}

#[tokio::test]
async fn new_column_is_read_although_no_row_was_written() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({"cursor_column": "updated_at"}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    database.run("ALTER TABLE notes ADD COLUMN colour text DEFAULT 'blue'").await;
    run(&cx, &mut synced).await;
    assert!(body(&synced, "public.notes/1").contains("colour: blue"));
    database.drop().await;
}

#[tokio::test]
async fn composite_keys_of_any_order_and_type_page_without_gaps() {
    let database = Database::create().await;
    database
        .run("CREATE TABLE c (note text, b timestamptz, a uuid, n bigint, PRIMARY KEY (a, b, n));
              INSERT INTO c SELECT 'n' || n, now() + (n % 3) * interval '1 microsecond', md5((n % 4)::text)::uuid, n FROM generate_series(1, 23) n;")
        .await;
    let cx = database.context(&json!({"page_size": 4}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    assert_eq!((synced.replica.len(), synced.upserted.len()), (23, 23));
    database.drop().await;
}

#[tokio::test]
async fn tables_without_a_key_or_the_right_to_read_are_left_out_and_named() {
    let database = Database::create().await;
    database
        .run(
            "CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1);
              CREATE TABLE secret (id int PRIMARY KEY); REVOKE ALL ON secret FROM PUBLIC;
              CREATE TABLE open (id int PRIMARY KEY, shown text, hidden text);
              INSERT INTO open VALUES (1, 'yes', 'no');
              CREATE SCHEMA other; CREATE TABLE other.far (id int PRIMARY KEY);",
        )
        .await;
    let reader = &database.reader;
    database
        .run(&format!(
            "REVOKE ALL ON secret, open FROM {reader}; GRANT SELECT (id, shown) ON open TO {reader}"
        ))
        .await;
    let cx = database.context(&json!({}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    assert_eq!(ids(&synced), ["public.open/1"]);
    assert_eq!(body(&synced, "public.open/1"), "id: 1\nshown: yes\n");
    let report = connector("postgres").check(&cx).await.expect("a report");
    let text: String = report.items.iter().map(|item| item.message.as_str()).collect();
    assert!(report.is_ok(), "{report:?}");
    assert!(text.contains("public.keyless will not be synced: it has no primary key"), "{text}");
    assert!(text.contains("public.secret will not be synced: the user may not read"), "{text}");
    database.drop().await;
}

#[tokio::test]
async fn named_tables_only_are_synced_and_a_missing_one_is_an_error_of_its_field() {
    let database = Database::create().await;
    database
        .run("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);
              CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1);
              CREATE SCHEMA other; CREATE TABLE other.c (id int PRIMARY KEY); INSERT INTO other.c VALUES (1);")
        .await;
    let reader = &database.reader;
    database
        .run(&format!(
            "GRANT USAGE ON SCHEMA other TO {reader}; GRANT SELECT ON other.c TO {reader}"
        ))
        .await;
    let mut synced = Synced::default();
    run(&database.context(&json!({"tables": ["b", "other.c"]})), &mut synced).await;
    assert_eq!(ids(&synced), ["other.c/1", "public.b/1"]);
    let cx = database.context(&json!({"tables": ["b", "gone"]}));
    let outcome = sync(connector("postgres"), &cx, &mut synced).await;
    let Err(ConnectorError::Config { field, message }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((field.join("."), message.contains("gone")), ("tables.1".to_owned(), true));
    assert_eq!(synced.replica.len(), 2, "nothing was swept");
    database.drop().await;
}

#[tokio::test]
async fn dropped_table_takes_its_documents_along() {
    let database = Database::create().await;
    database.run(NOTES).await;
    database.run("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)").await;
    let cx = database.context(&json!({}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    assert_eq!(synced.replica.len(), 8);
    database.run("DROP TABLE notes").await;
    run(&cx, &mut synced).await;
    assert_eq!(ids(&synced), ["public.other/1"]);
    database.drop().await;
}

#[tokio::test]
async fn database_of_which_nothing_may_be_read_does_not_look_like_an_empty_one() {
    let database = Database::create().await;
    database.run(NOTES).await;
    let cx = database.context(&json!({}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    database.run(&format!("REVOKE ALL ON notes FROM {}", database.reader)).await;
    let error = sync(connector("postgres"), &cx, &mut synced).await.expect_err("no rights");
    assert!(
        matches!(&error, ConnectorError::Permanent { message, .. } if message.contains("give the user the right")),
        "{error}"
    );
    assert_eq!(ids(&synced).len(), 7);
    database.drop().await;
}

#[tokio::test]
async fn partitioned_table_is_synced_once() {
    let database = Database::create().await;
    database
        .run("CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
              CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
              CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
              INSERT INTO parts VALUES (1, '2026-01-05'), (2, '2026-02-05');")
        .await;
    let cx = database.context(&json!({"cursor_column": "at"}));
    let mut synced = Synced::default();
    run(&cx, &mut synced).await;
    database.run("INSERT INTO parts VALUES (3, '2026-01-02')").await;
    run(&cx, &mut synced).await;
    assert_eq!(ids(&synced).len(), 3);
    assert!(ids(&synced).iter().all(|id| id.starts_with("public.parts/")));
    database.drop().await;
}
