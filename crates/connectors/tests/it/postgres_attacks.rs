//! Every known way around a read-only query tool, tried as the superuser: the worst role that an admin could choose.

use connector_sdk::{ConnectorError, Context, ToolOutput};
use serde_json::json;

use crate::{
    database::Database,
    support::{call, connector},
};

async fn query(cx: &Context, sql: &str) -> Result<ToolOutput, ConnectorError> {
    call(connector("postgres"), cx, "query", json!({"sql": sql})).await
}

/// Both tools that take SQL must refuse it; answers the words of `query`.
async fn refusal(cx: &Context, sql: &str) -> String {
    let arguments = json!({"sql": sql});
    let explained = call(connector("postgres"), cx, "explain_query", arguments).await;
    let explained = explained.expect("an answer");
    assert!(explained.is_error, "explain_query: {sql}: {}", explained.text);
    let output = query(cx, sql).await.expect("an answer");
    assert!(output.is_error, "query: {sql}: {}", output.text);
    output.text
}

async fn victim() -> Database {
    let database = Database::create().await;
    database
        .run("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'safe');
              CREATE SEQUENCE s;
              CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (2, ''x'') RETURNING id';
              CREATE FUNCTION open_it() RETURNS text LANGUAGE plpgsql AS 'BEGIN SET TRANSACTION READ WRITE; INSERT INTO t VALUES (3, ''x''); RETURN 1; END';
              CREATE FUNCTION end_it() RETURNS text LANGUAGE plpgsql AS 'BEGIN COMMIT; INSERT INTO t VALUES (4, ''x''); RETURN 1; END';
              CREATE FUNCTION slow_it() RETURNS text LANGUAGE sql AS 'SELECT pg_sleep(120)::text';")
        .await;
    database
}

async fn demand_unharmed(database: &Database) {
    assert_eq!(database.number("SELECT count(*) FROM t WHERE id = 1 AND a = 'safe'").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM t").await, 1);
    let made = "SELECT count(*) FROM pg_class WHERE relname LIKE 'made%' OR relname LIKE 'pwned%'";
    assert_eq!(database.number(made).await, 0);
    assert_eq!(database.number("SELECT count(*) FROM pg_largeobject_metadata").await, 0);
}

#[tokio::test]
async fn nothing_can_be_written() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for sql in [
        "INSERT INTO t VALUES (9, 'x')",
        "UPDATE t SET a = 'x'",
        "DELETE FROM t",
        "TRUNCATE t",
        "MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "CREATE TABLE made (a int)",
        "CREATE TEMP TABLE made (a int)",
        "DROP TABLE t",
        "ALTER TABLE t ADD b int",
        "SELECT * INTO made FROM t",
        "CREATE TABLE made AS SELECT 1",
        "WITH x AS (INSERT INTO t VALUES (9, 'x') RETURNING *) SELECT * FROM x",
        "WITH x AS (UPDATE t SET a = 'x' RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "WITH x AS (WITH y AS (DELETE FROM t RETURNING *) SELECT * FROM y) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN (ANALYZE, BUFFERS) INSERT INTO t VALUES (9, 'x')",
        "EXPLAIN ANALYZE SELECT write_it()",
        "SELECT nextval('s')",
        "SELECT setval('s', 5)",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR SHARE",
        "GRANT ALL ON t TO public",
        "COMMENT ON TABLE t IS 'x'",
    ] {
        refusal(&cx, sql).await;
    }
    demand_unharmed(&database).await;
    database.drop().await;
}

/// The three bypasses of a read-only transaction, and their kin.
#[tokio::test]
async fn transaction_cannot_be_ended_or_opened() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for sql in [
        "COMMIT; CREATE TABLE pwned (a int)",
        "COMMIT; INSERT INTO t VALUES (9, 'x'); BEGIN",
        "SELECT 1; COMMIT; DROP TABLE t",
        "SELECT 1; SELECT 2",
        "ROLLBACK; CREATE TABLE pwned (a int)",
        "END; CREATE TABLE pwned (a int)",
        "ABORT",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "SET transaction_read_only = off",
        "SET statement_timeout = 0",
        "RESET statement_timeout",
        "BEGIN READ WRITE",
        "START TRANSACTION READ WRITE",
        "SAVEPOINT x",
        "PREPARE TRANSACTION 'x'",
        "DO $$ BEGIN COMMIT; CREATE TABLE pwned (a int); END $$",
        "CALL end_it()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT set_config('statement_timeout', '0', false)",
        "SELECT pg_catalog.set_config('role', 'postgres', false)",
    ] {
        refusal(&cx, sql).await;
    }
    demand_unharmed(&database).await;
    database.drop().await;
}

/// Where the parser sees nothing: a harmless name with a harmful body. The read-only transaction is the wall.
#[tokio::test]
async fn functions_of_the_database_cannot_write_either() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for (sql, words) in [
        ("SELECT write_it()", "read-only transaction"),
        ("SELECT * FROM t WHERE write_it() > 0", "read-only transaction"),
        ("SELECT open_it()", "read-write mode"),
        ("SELECT end_it()", "invalid transaction termination"),
    ] {
        let output = query(&cx, sql).await.expect("an answer");
        assert!(output.is_error && output.text.contains(words), "{sql}: {}", output.text);
    }
    demand_unharmed(&database).await;
    database.drop().await;
}

#[tokio::test]
async fn nothing_beyond_the_tables_can_be_reached() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for sql in [
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_catalog.pg_read_file('/etc/passwd')",
        "SELECT \"pg_read_file\"('/etc/passwd')",
        "SELECT pg_read_binary_file('/etc/passwd')",
        "SELECT * FROM pg_ls_dir('/')",
        "SELECT * FROM pg_stat_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_export(1, '/tmp/x')",
        "COPY t TO '/tmp/pwned'",
        "COPY (SELECT 1) TO PROGRAM 'touch /tmp/pwned'",
        "COPY t FROM PROGRAM 'id'",
        "SELECT * FROM dblink('dbname=postgres', 'CREATE TABLE pwned (a int)') AS x(a text)",
        "SELECT query_to_xml('SELECT pg_read_file(''/etc/passwd'')', true, true, '')",
        "SELECT cursor_to_xml('x', 1, true, true, '')",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT pg_cancel_backend(1)",
        "SELECT pg_reload_conf()",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_notify('x', 'y')",
        "SELECT pg_logical_emit_message(false, 'x', 'y')",
        "SELECT pg_create_restore_point('x')",
        "SELECT pg_stat_reset()",
        "SELECT pg_export_snapshot()",
        "LOAD '/tmp/x.so'",
        "LISTEN x",
        "NOTIFY x",
        "LOCK TABLE t",
        "CREATE EXTENSION dblink",
        "ALTER SYSTEM SET fsync = off",
        "VACUUM t",
        "CHECKPOINT",
        "SET ROLE postgres",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "EXECUTE x",
        "PREPARE x AS DELETE FROM t",
    ] {
        let text = refusal(&cx, sql).await;
        assert!(!text.contains("root:"), "{sql}: {text}");
    }
    demand_unharmed(&database).await;
    database.drop().await;
}

/// Texts that two parsers might read differently.
#[tokio::test]
async fn text_that_hides_a_statement_is_refused_or_harmless() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for sql in [
        "SELECT U&\"pg\\005fread\\005ffile\"('/etc/passwd')",
        "SELECT u&\"pg!005fsleep\" UESCAPE '!' (120)",
        "SELECT '\\'; DELETE FROM t; --'",
        "SELECT E'\\'; DELETE FROM t; --'",
        "SELECT $a$ $b$; DELETE FROM t; $b$ $a$",
        "SELECT $$ '; DELETE FROM t; --$$",
        "SELECT /* /* nested */ ; DELETE FROM t; */ 1",
        "SELECT 1 --\r; DELETE FROM t",
        "SELECT 1 -- \n ; DELETE FROM t",
        "SELECT 1 /*! ; DELETE FROM t */",
        "SELECT 1) AS x; DELETE FROM t; SELECT * FROM (SELECT 1",
        "SELECT 1) AS r(c0)) AS wrapped; DELETE FROM t --",
        "SELECT 1 AS \"a\"\") AS r; DELETE FROM t; --\"",
        "SELECT 'a\0b'; DELETE FROM t",
        "SELECT 1;\u{0}DELETE FROM t",
        "SELECT N'x'; DELETE FROM t",
        "SELECT B'1', X'ff', 1 AS \"; DELETE FROM t; --\"",
        "SELECT \"a\" FROM t WHERE a = 'x\\'; DELETE FROM t; --'",
    ] {
        // Whatever the answer, it must not have changed anything, and it must come soon.
        let outcome = query(&cx, sql).await;
        if let Ok(output) = &outcome {
            assert!(!output.text.contains("root:"), "{sql}: {}", output.text);
        }
        demand_unharmed(&database).await;
    }
    database.drop().await;
}

#[tokio::test]
async fn deeply_nested_text_is_refused_and_not_a_stack_overflow() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    for (open, close) in [("(", ")"), ("(SELECT ", ")"), ("NOT ", ""), ("- ", ""), ("ARRAY[", "]")]
    {
        let times = 18_000 / (open.len() + close.len());
        let sql = format!("SELECT {}1{}", open.repeat(times), close.repeat(times));
        let output = query(&cx, &sql).await.expect("an answer");
        assert!(output.is_error, "{open} passed");
    }
    database.drop().await;
}

/// A harmless name with an endless body: the time limit is the wall. Takes as long as the limit.
#[tokio::test]
async fn slow_queries_are_stopped() {
    let database = victim().await;
    let cx = database.context_as_superuser();
    let output = query(&cx, "SELECT slow_it()").await.expect("an answer");
    assert!(output.is_error && output.text.contains("took too long"), "{}", output.text);
    database.drop().await;
}
