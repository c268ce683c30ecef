//! Lets single reading statements through and nothing else.
//!
//! This is the first of four walls: the statement is parsed here, and what runs is the text written back from the parsed tree, so
//! the server gets what was checked and not what a second parser might see in the caller's text. Then come the extended protocol
//! (one statement at most), a read-only transaction that is always rolled back, and the rights of the role.

use sqlparser::{
    ast::{SetExpr, Statement},
    dialect::PostgreSqlDialect,
    parser::{Parser, ParserOptions},
    tokenizer::{Token, Tokenizer, Word},
};

/// A statement that may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    sql: String,
    kind: Kind,
}

/// What a checked statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Can stand in a `FROM (…)`.
    Rows,
    /// `SHOW` or `EXPLAIN`: few rows of text, and no part of another statement.
    Text,
}

/// Why a statement may not run. Shown to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("this is not PostgreSQL's SQL as far as it can be checked here: {0}")]
    Unparsable(String),
    #[error("give exactly one statement, not {0}")]
    NotOne(usize),
    #[error("only SELECT, WITH, VALUES, SHOW and EXPLAIN are allowed")]
    Kind,
    #[error("EXPLAIN ANALYZE runs the statement; use EXPLAIN without ANALYZE")]
    Analyze,
    #[error(
        "`{0}` is not allowed in a query that only reads; put a column of that name in double quotes"
    )]
    Word(String),
    #[error("a query here has no parameters, so `{0}` means nothing")]
    Placeholder(String),
    #[error("the function `{0}` is not allowed: it reaches beyond reading tables")]
    Function(String),
}

/// Words that make a statement more than reading, wherever they stand outside of quotes.
const REFUSED_WORDS: &[&str] = &["insert", "update", "delete", "merge", "into", "truncate", "copy"];

/// Words that lock rows when they stand behind `FOR`.
const LOCK_WORDS: &[&str] = &["share", "no", "key"];

/// Functions refused by their exact name.
const REFUSED_FUNCTIONS: &[&str] = &[
    "set_config",
    "nextval",
    "setval",
    "lastval",
    "pg_notify",
    "pg_reload_conf",
    "pg_promote",
    "pg_current_logfile",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_show_all_file_settings",
    "pg_export_snapshot",
    "pg_import_system_collations",
    "pg_stat_file",
    "ts_stat",
    "ts_rewrite",
    "crosstab",
    "connectby",
    "xpath_table",
    "pg_prewarm",
    "currtid2",
    "gin_clean_pending_list",
    "pg_truncate_visibility_map",
    "invoke",
    "query_export_to_s3",
];

/// Functions refused by the beginning of their name: files, other servers, sleeping, other sessions, locks, SQL in strings,
/// maintenance that a read-only transaction does not stop. No list is complete: extensions bring functions of their own, and
/// against those only the rights of the role help.
const REFUSED_PREFIXES: &[&str] = &[
    "pg_read_",
    "pg_write_",
    "pg_ls_",
    "pg_file_",
    "pg_sleep",
    "pg_terminate_",
    "pg_cancel_",
    "pg_advisory_",
    "pg_try_advisory_",
    "pg_logical_",
    "pg_replication_",
    "pg_create_",
    "pg_drop_",
    "pg_copy_",
    "pg_switch_",
    "pg_start_",
    "pg_stop_",
    "pg_backup_",
    "pg_wal_",
    "pg_log_",
    "pg_rotate_logfile",
    "pg_buffercache_evict",
    "autoprewarm_",
    "pg_stat_reset",
    "pg_stat_clear_",
    "pg_restore_",
    "pg_clear_",
    "pg_set_",
    "pg_extension_config_",
    "binary_upgrade_",
    "lo_",
    "loread",
    "lowrite",
    "dblink",
    "postgres_fdw_",
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "crosstab",
    "heap_page_",
    "heap_force_",
    "brin_summarize_",
    "brin_desummarize_",
    "http",
    "run_command_on_",
    "master_run_on_",
    "get_raw_page",
    "plpgsql_",
];

// === impl Checked ===

impl Checked {
    /// Parses and checks.
    pub(super) fn new(sql: &str) -> Result<Self, Refused> {
        let statement = parse(sql)?;
        let kind = kind(&statement)?;
        let written = statement.to_string();
        // If the written text does not read back as the same tree, nobody knows what would run.
        let back = parse(&written)?;
        if back != statement {
            return Err(Refused::Unparsable("it cannot be written back unchanged".to_owned()));
        }
        check_words(&written)?;
        Ok(Self { sql: written, kind })
    }

    /// The text to run.
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }
}

fn parse(sql: &str) -> Result<Statement, Refused> {
    let dialect = PostgreSqlDialect {};
    let options = ParserOptions::new().with_unescape(false);
    let mut statements = Parser::new(&dialect)
        .with_options(options)
        .with_recursion_limit(60)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| Refused::Unparsable(error.to_string()))?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (Some(_), more) => Err(Refused::NotOne(more + 1)),
        (None, _) => Err(Refused::NotOne(0)),
    }
}

fn kind(statement: &Statement) -> Result<Kind, Refused> {
    match statement {
        Statement::Query(query) if is_reading(&query.body) => Ok(Kind::Rows),
        Statement::ShowVariable { .. } => Ok(Kind::Text),
        Statement::Explain { analyze: true, .. } => Err(Refused::Analyze),
        Statement::Explain { statement, options, .. } => {
            let analyzes = |name: &str| name.eq_ignore_ascii_case("analyze");
            if options.iter().flatten().any(|option| analyzes(&option.name.value)) {
                return Err(Refused::Analyze);
            }
            match kind(statement)? {
                Kind::Rows => Ok(Kind::Text),
                Kind::Text => Err(Refused::Kind),
            }
        }
        _ => Err(Refused::Kind),
    }
}

fn is_reading(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => is_reading(&query.body),
        SetExpr::SetOperation { left, right, .. } => is_reading(left) && is_reading(right),
        SetExpr::Values(_) => true,
        _ => false,
    }
}

/// Looks at the tokens and not at the tree: a word or a call is found wherever the grammar lets it stand.
fn check_words(sql: &str) -> Result<(), Refused> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .with_unescape(false)
        .tokenize()
        .map_err(|error| Refused::Unparsable(error.to_string()))?;
    let mut tokens =
        tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).peekable();
    let mut after_for = false;
    while let Some(token) = tokens.next() {
        let word = match token {
            Token::Word(word) => word,
            Token::Placeholder(name) => return Err(Refused::Placeholder(name.clone())),
            _ => continue,
        };
        let name = name_of(word);
        let is_lock = after_for && LOCK_WORDS.contains(&name.as_str());
        let is_refused = is_lock || REFUSED_WORDS.contains(&name.as_str());
        if word.quote_style.is_none() && is_refused {
            return Err(Refused::Word(name));
        }
        after_for = name == "for" && word.quote_style.is_none();
        if tokens.peek() == Some(&&Token::LParen) && is_refused_function(&name) {
            return Err(Refused::Function(name));
        }
    }
    Ok(())
}

/// The name that PostgreSQL looks up. Quoted names are compared in small letters as well: refusing too much is harmless here.
fn name_of(word: &Word) -> String {
    word.value.replace("\"\"", "\"").to_lowercase()
}

fn is_refused_function(name: &str) -> bool {
    REFUSED_FUNCTIONS.contains(&name)
        || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (name.starts_with("pg_") && name.ends_with("_reset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sql: &str) -> Refused {
        Checked::new(sql).expect_err(sql)
    }

    #[test]
    fn reading_statements_pass() {
        for sql in [
            "SELECT 1",
            "select a.*, count(*) filter (where b > 1) from a join b using (id) group by 1 order by 2 desc limit 5;",
            "WITH recent AS (SELECT * FROM orders WHERE at > now() - interval '1 day') SELECT * FROM recent",
            "VALUES (1, 'a'), (2, 'b')",
            "SHOW server_version",
            "EXPLAIN SELECT * FROM orders",
            "SELECT 'insert into x; drop table y' AS note",
            "SELECT data->>'name', tags @> ARRAY['a'], at::date FROM events",
            "SELECT \"update\" FROM t",
            "SELECT $$it's; pg_sleep(1)$$",
            "SELECT E'a\\'b', 'it''s'",
            "SELECT * FROM a WHERE name ILIKE '%x%' -- comment",
            "SELECT x, row_number() OVER (PARTITION BY y ORDER BY z) FROM t",
            "SELECT * FROM t CROSS JOIN LATERAL jsonb_array_elements(t.items) AS item",
            "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3",
        ] {
            assert!(Checked::new(sql).is_ok(), "{sql}: {:?}", Checked::new(sql));
        }
    }

    #[test]
    fn more_or_less_than_one_statement_is_refused() {
        assert_eq!(refusal("SELECT 1; SELECT 2"), Refused::NotOne(2));
        assert_eq!(refusal("COMMIT; CREATE TABLE x (a int)"), Refused::NotOne(2));
        assert_eq!(refusal("-- nothing"), Refused::NotOne(0));
    }

    #[test]
    fn writing_and_session_statements_are_refused() {
        for sql in [
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
            "CREATE TABLE x (a int)",
            "DROP TABLE t",
            "TRUNCATE t",
            "COPY t TO '/tmp/x'",
            "COPY t FROM PROGRAM 'id'",
            "DO $$ BEGIN END $$",
            "CALL p()",
            "COMMIT",
            "ROLLBACK",
            "BEGIN",
            "SET statement_timeout = 0",
            "SET TRANSACTION READ WRITE",
            "RESET ALL",
            "DISCARD ALL",
            "LISTEN x",
            "NOTIFY x",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "DECLARE c CURSOR FOR SELECT 1",
            "FETCH ALL FROM c",
            "LOCK TABLE t",
            "VACUUM",
            "GRANT SELECT ON t TO public",
            "EXPLAIN DELETE FROM t",
            "EXPLAIN ANALYZE SELECT 1",
            "EXPLAIN (ANALYZE) SELECT 1",
            "EXPLAIN (ANALYZE true, FORMAT JSON) SELECT 1",
            "SELECT * INTO x FROM t",
            "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
            "WITH made AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM made",
            "SELECT * FROM t FOR UPDATE",
            "SELECT * FROM t FOR SHARE",
            "SELECT * FROM (SELECT * FROM t FOR KEY SHARE) AS x",
            "SELECT (SELECT a FROM t FOR NO KEY UPDATE)",
        ] {
            assert!(Checked::new(sql).is_err(), "{sql} passed");
        }
    }

    #[test]
    fn functions_that_reach_further_are_refused_however_they_are_written() {
        for sql in [
            "SELECT pg_sleep(10)",
            "SELECT pg_catalog.pg_sleep(10)",
            "SELECT \"pg_sleep\"(10)",
            "SELECT pg_catalog . \"pg_sleep\" /* x */ (10)",
            "SELECT PG_SLEEP_FOR('1 min')",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT * FROM pg_ls_dir('/')",
            "SELECT lo_import('/etc/passwd')",
            "SELECT * FROM dblink('host=x', 'select 1') AS t(a int)",
            "SELECT set_config('statement_timeout', '0', false)",
            "SELECT query_to_xml('select pg_sleep(10)', true, true, '')",
            "SELECT pg_terminate_backend(1)",
            "SELECT pg_advisory_lock(1)",
            "SELECT 1 WHERE EXISTS (SELECT pg_sleep(1))",
            "SELECT 1 ORDER BY pg_sleep(1)",
            "VALUES (pg_sleep(1))",
            "SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM t",
            "EXPLAIN SELECT pg_sleep(1)",
            "SELECT heap_force_kill('t'::regclass, ARRAY['(0,1)']::tid[])",
            "SELECT brin_summarize_new_values('i')",
            "SELECT gin_clean_pending_list('i')",
            "SELECT pg_truncate_visibility_map('t')",
            "SELECT pg_stat_statements_reset()",
            "SELECT content FROM http_get('http://169.254.169.254/')",
            "SELECT aws_lambda.invoke('f', '{}')",
            "SELECT run_command_on_workers('DROP TABLE t')",
        ] {
            assert!(matches!(refusal(sql), Refused::Function(_)), "{sql}: {:?}", refusal(sql));
        }
    }

    /// A name in Unicode escapes would be read by the server as `pg_sleep`; what is written back no longer is.
    #[test]
    fn escaped_names_do_not_reach_the_server_as_such() {
        if let Ok(checked) = Checked::new("SELECT U&\"pg\\005fsleep\"(10)") {
            assert!(!checked.sql().contains("U&\""), "{}", checked.sql());
        }
    }

    #[test]
    fn parameters_are_refused() {
        assert_eq!(refusal("SELECT $1"), Refused::Placeholder("$1".to_owned()));
    }

    #[test]
    fn comments_do_not_reach_the_server() {
        let checked = Checked::new("SELECT /* a */ 1 -- b\n").expect("a query");
        assert_eq!(checked.sql(), "SELECT 1");
    }
}
