//! The live tools on the schema and the rows of a real database.

use connector_sdk::{ConnectorError, Context, ToolOutput};
use serde_json::{Value, json};

use crate::{
    database::Database,
    support::{call, connector},
};

async fn tool(cx: &Context, tool: &str, arguments: Value) -> ToolOutput {
    call(connector("postgres"), cx, tool, arguments).await.expect("an answer")
}

async fn data(cx: &Context, name: &str, arguments: Value) -> Value {
    let output = tool(cx, name, arguments).await;
    assert!(!output.is_error, "{}", output.text);
    output.structured.expect("structured")
}

async fn shop() -> Database {
    let database = Database::create().await;
    database
        .run("CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody');
              COMMENT ON TABLE customer IS 'Who buys'; COMMENT ON COLUMN customer.name IS 'As printed';
              CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customer, total numeric(8,2), at timestamptz, tags text[], info jsonb);
              INSERT INTO customer VALUES (1, 'Ada'), (2, 'Bob');
              INSERT INTO orders VALUES (1, 1, 9.50, '2026-01-02T03:04:05Z', '{a,b}', '{\"k\": 1}');
              CREATE VIEW big AS SELECT * FROM orders WHERE total > 5;
              CREATE TABLE hidden (id int PRIMARY KEY);")
        .await;
    database.run(&format!("REVOKE ALL ON hidden FROM {}", database.reader)).await;
    database
}

#[tokio::test]
async fn schema_is_told_without_what_the_role_may_not_read() {
    let database = shop().await;
    let cx = database.context(&json!({}));
    let schemas = data(&cx, "list_schemas", json!({})).await;
    assert_eq!(schemas["schemas"][0]["name"], "public");
    let tables = data(&cx, "list_tables", json!({})).await;
    let names: Vec<&str> = tables["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(names, ["big", "customer", "orders"]);
    assert_eq!(tables["tables"][0]["kind"], "view");
    assert_eq!(tables["tables"][1]["comment"], "Who buys");
    let described = data(&cx, "describe_table", json!({"table": "customer"})).await;
    assert_eq!(
        described["columns"][1],
        json!({"name": "name", "type": "text", "nullable": false, "default": "'nobody'::text",
               "comment": "As printed", "primary_key": false})
    );
    assert_eq!(described["columns"][0]["primary_key"], true);
    let described = data(&cx, "describe_table", json!({"table": "orders"})).await;
    assert_eq!(
        described["foreign_keys"][0]["definition"],
        "FOREIGN KEY (customer) REFERENCES customer(id)"
    );
    for name in ["hidden", "nothing", "x'; DROP TABLE customer; --"] {
        assert!(tool(&cx, "describe_table", json!({"table": name})).await.is_error);
        assert!(tool(&cx, "sample_rows", json!({"table": name})).await.is_error);
    }
    database.drop().await;
}

#[tokio::test]
async fn query_answers_rows_as_json_in_the_order_of_its_columns() {
    let database = shop().await;
    let cx = database.context(&json!({}));
    let sql = "SELECT o.total, o.at, o.tags, o.info, c.id, o.id, NULL AS nothing FROM orders o JOIN customer c ON c.id = o.customer";
    let answer = data(&cx, "query", json!({"sql": sql})).await;
    assert_eq!(
        answer["rows"],
        json!([[9.50, "2026-01-02T03:04:05+00:00", ["a", "b"], {"k": 1}, 1, 1, null]])
    );
    let names: Vec<&str> = answer["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .filter_map(|c| c["name"].as_str())
        .collect();
    assert_eq!(names, ["total", "at", "tags", "info", "id", "id", "nothing"]);
    let answer = data(&cx, "query", json!({"sql": "SELECT count(*) AS n FROM customer"})).await;
    assert_eq!(answer["rows"], json!([[2]]));
    let sample = data(&cx, "sample_rows", json!({"table": "customer", "limit": 1})).await;
    assert_eq!((&sample["row_count"], &sample["truncated"]), (&json!(1), &json!(true)));
    let shown = tool(&cx, "query", json!({"sql": "SHOW transaction_read_only"})).await;
    assert_eq!(shown.text, "on\n");
    for sql in [
        "SELECT * FROM customer",
        "VALUES (1, 'a'), (2, 'b')",
        "WITH x AS (SELECT 1 AS a UNION SELECT 2) SELECT a FROM x",
    ] {
        assert_eq!(data(&cx, "query", json!({"sql": sql})).await["row_count"], 2, "{sql}");
    }
    database.drop().await;
}

#[tokio::test]
async fn explain_shows_the_plan() {
    let database = shop().await;
    let cx = database.context(&json!({}));
    let plan =
        tool(&cx, "explain_query", json!({"sql": "SELECT * FROM customer WHERE id = 1"})).await;
    assert!(!plan.is_error && plan.text.contains("customer_pkey"), "{}", plan.text);
    let plan = tool(&cx, "query", json!({"sql": "EXPLAIN (FORMAT JSON) SELECT 1"})).await;
    assert!(!plan.is_error && plan.text.contains("\"Plan\""), "{}", plan.text);
    database.drop().await;
}

#[tokio::test]
async fn wrong_sql_is_told_in_the_words_of_the_database() {
    let database = shop().await;
    let cx = database.context(&json!({}));
    let wrong = tool(&cx, "query", json!({"sql": "SELECT nam FROM customer"})).await;
    assert!(
        wrong.is_error && wrong.text.contains("column \"nam\" does not exist"),
        "{}",
        wrong.text
    );
    let denied = tool(&cx, "query", json!({"sql": "SELECT * FROM hidden"})).await;
    assert!(denied.is_error && denied.text.contains("permission denied"), "{}", denied.text);
    let zero = tool(&cx, "query", json!({"sql": "SELECT 1/(id - 1) FROM customer"})).await;
    assert!(zero.is_error && zero.text.contains("division by zero"), "{}", zero.text);
    let missing = call(connector("postgres"), &cx, "query", json!({})).await;
    let Err(ConnectorError::InvalidArguments { message }) = missing else { panic!("{missing:?}") };
    assert!(message.contains("sql"), "{message}");
    database.drop().await;
}

#[tokio::test]
async fn rows_and_bytes_of_an_answer_are_limited() {
    let database = shop().await;
    let cx = database.context(&json!({"row_limit": 30}));
    let endless = json!({"sql": "SELECT n FROM generate_series(1, 100000000) AS n"});
    let answer = data(&cx, "query", endless).await;
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(30), &json!(true)));
    let few = json!({"sql": "SELECT n FROM generate_series(1, 30) AS n", "limit": 1000});
    let answer = data(&cx, "query", few).await;
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(30), &json!(false)));
    let wide = json!({"sql": "SELECT repeat('x', 100000) FROM generate_series(1, 20)"});
    let answer = tool(&cx, "query", wide).await;
    assert!(answer.text.len() < 600_000, "{}", answer.text.len());
    assert_eq!(answer.structured.expect("structured")["truncated"], true);
    let huge = json!({"sql": "SELECT repeat('x', 50000000) UNION ALL SELECT 'small'"});
    let answer = data(&cx, "query", huge).await;
    assert_eq!((&answer["row_count"], &answer["too_large_rows_left_out"]), (&json!(1), &json!(1)));
    let nothing_else = "SELECT repeat('x', 140000) FROM generate_series(1, 100000000)";
    let answer = data(&cx, "query", json!({"sql": nothing_else})).await;
    assert_eq!((&answer["row_count"], &answer["truncated"]), (&json!(0), &json!(true)));
    assert_eq!(answer["too_large_rows_left_out"], 30);
    database.drop().await;
}
