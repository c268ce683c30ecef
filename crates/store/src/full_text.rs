//! Full-text search over records: FTS5 on SQLite, tsvector on PostgreSQL, one meaning on both.
//!
//! Every word of the query must occur; words in double quotes must stand together; the last word may be the beginning of
//! one. The text is taken apart here and put together from letters and digits alone, so no input is an error.

use domain::{Granted, authz::permission::RecordRead};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, Order, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, sea_query::Expr,
};
use uuid::Uuid;

use crate::{Error, SearchFilter, entity::record, scoped::TenantOwned};

/// Words of a query that are looked for; the rest is ignored.
const MOST_WORDS: usize = 32;
/// Characters of a word that count. PostgreSQL refuses words of 2 KiB.
const LONGEST_WORD: usize = 100;
/// Characters of a snippet before the first word found, and in all.
const SNIPPET_BEFORE: usize = 60;
const SNIPPET_LENGTH: usize = 240;

/// A query, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Query {
    terms: Vec<Term>,
}

/// Words that must follow each other; a single one mostly.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    words: Vec<String>,
    /// Whether the last word may be the beginning of one.
    open: bool,
}

// === impl Query ===

impl Query {
    /// Takes what a person or a model has typed.
    pub(crate) fn parse(text: &str) -> Self {
        let mut terms = Vec::new();
        let mut left = MOST_WORDS;
        let parts: Vec<&str> = text.split('"').collect();
        for (index, part) in parts.iter().enumerate() {
            // A quote that is never closed is a stray mark.
            let quoted = index % 2 == 1 && index + 1 < parts.len();
            let words: Vec<String> = words_of(part).take(left).map(str::to_owned).collect();
            left -= words.len();
            if words.is_empty() {
                continue;
            }
            if quoted {
                terms.push(Term { words, open: false });
            } else {
                terms.extend(words.into_iter().map(|word| Term { words: vec![word], open: false }));
            }
        }
        let ends_in_word = text.chars().next_back().is_some_and(char::is_alphanumeric);
        if let Some(last) = terms.last_mut() {
            last.open = ends_in_word;
        }
        Self { terms }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// As FTS5 reads it.
    fn for_sqlite(&self) -> String {
        let term = |term: &Term| {
            let star = if term.open { " *" } else { "" };
            format!("\"{}\"{star}", term.words.join(" "))
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(" AND ")
    }

    /// As `to_tsquery` reads it.
    fn for_postgres(&self) -> String {
        let term = |term: &Term| {
            let words: Vec<_> = term.words.iter().map(|word| format!("'{word}'")).collect();
            let star = if term.open { ":*" } else { "" };
            format!("({}{star})", words.join(" <-> "))
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(" & ")
    }

    /// A piece of a body around the first word found, on one line; its beginning when only the title has the words.
    pub(crate) fn snippet(&self, body: &str) -> String {
        let found = words_with_places(body).find(|(_, word)| self.matches(word));
        let start = match found {
            Some((place, _)) => back(body, place, SNIPPET_BEFORE),
            None => 0,
        };
        let end = forward(body, start, SNIPPET_LENGTH);
        let piece = body[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
        let before = if start > 0 { "… " } else { "" };
        let after = if end < body.len() { " …" } else { "" };
        format!("{before}{piece}{after}")
    }

    fn matches(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.terms.iter().any(|term| {
            let last = term.words.len() - 1;
            term.words.iter().enumerate().any(|(index, wanted)| {
                let wanted = wanted.to_lowercase();
                if term.open && index == last { word.starts_with(&wanted) } else { word == wanted }
            })
        })
    }
}

/// The ids of the records found with their scores (higher is better), best first; equals in order of their ids.
pub(crate) async fn search(
    connection: &DatabaseTransaction,
    granted: &Granted<RecordRead>,
    query: &Query,
    filter: &SearchFilter,
) -> Result<Vec<(Uuid, f64)>, Error> {
    if query.is_empty() || filter.limit == 0 {
        return Ok(Vec::new());
    }
    let mut select = record::Entity::scoped(granted).select_only().column(record::Column::Id);
    if let Some(installs) = &filter.installs {
        let installs = installs.iter().map(|install| install.uuid());
        select = select.filter(record::Column::InstallId.is_in(installs));
    }
    let select = match connection.get_database_backend() {
        DbBackend::Postgres => on_postgres(select, query),
        _ => on_sqlite(select, query),
    };
    Ok(select
        .order_by(Expr::cust("score"), Order::Desc)
        .order_by_asc(record::Column::Id)
        .limit(u64::from(filter.limit))
        .into_tuple::<(Uuid, f64)>()
        .all(connection)
        .await?)
}

/// A word of the title weighs ten times one of the body, on both.
fn on_sqlite(mut select: Select<record::Entity>, query: &Query) -> Select<record::Entity> {
    QueryTrait::query(&mut select)
        .inner_join("records_fts", Expr::cust("records_fts.rowid = records.doc"));
    select
        .expr_as(Expr::cust("-bm25(records_fts, 10.0, 1.0)"), "score")
        .filter(Expr::cust_with_values("records_fts MATCH ?", [query.for_sqlite()]))
}

fn on_postgres(select: Select<record::Entity>, query: &Query) -> Select<record::Entity> {
    const SCORE: &str = "cast(ts_rank('{0.1, 0.1, 0.1, 1.0}', records.search, \
        to_tsquery('simple', $1), 1) as double precision)";
    let query = query.for_postgres();
    select
        .expr_as(Expr::cust_with_values(SCORE, [query.clone()]), "score")
        .filter(Expr::cust_with_values("records.search @@ to_tsquery('simple', $1)", [query]))
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    words_with_places(text).map(|(_, word)| &word[..forward(word, 0, LONGEST_WORD)])
}

fn words_with_places(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let begin = rest + text[rest..].find(char::is_alphanumeric)?;
        let length = text[begin..].find(|c: char| !c.is_alphanumeric());
        rest = length.map_or(text.len(), |length| begin + length);
        Some((begin, &text[begin..rest]))
    })
}

/// The place this many characters before another, at the beginning of a word if there is one.
fn back(text: &str, place: usize, characters: usize) -> usize {
    let Some((start, _)) = text[..place].char_indices().rev().nth(characters) else { return 0 };
    match text[start..place].find(char::is_whitespace) {
        Some(space) => start + space,
        None => start,
    }
}

/// The place this many characters after another.
fn forward(text: &str, place: usize, characters: usize) -> usize {
    text[place..].char_indices().nth(characters).map_or(text.len(), |(length, _)| place + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_and_the_open_last_word_are_told_apart() {
        let query = Query::parse(r#"deploy "blue green" kub"#);
        assert_eq!(query.for_sqlite(), r#""deploy" AND "blue green" AND "kub" *"#);
        assert_eq!(query.for_postgres(), "('deploy') & ('blue' <-> 'green') & ('kub':*)");
    }

    #[test]
    fn operators_and_marks_are_only_words_or_nothing() {
        let query = Query::parse("NEAR(a, b) OR title:x* -y ");
        assert_eq!(
            query.for_sqlite(),
            r#""NEAR" AND "a" AND "b" AND "OR" AND "title" AND "x" AND "y""#
        );
        assert!(Query::parse("\"\" * ( ) ' \\ 🦀 ;--").is_empty());
        assert_eq!(Query::parse(r#"un"closed"#).terms.len(), 2);
    }

    #[test]
    fn query_of_any_length_stays_short() {
        let query = Query::parse(&"word ".repeat(10_000));
        assert_eq!(query.terms.len(), MOST_WORDS);
        let query = Query::parse(&"ü".repeat(10_000));
        assert_eq!(query.terms[0].words[0].chars().count(), LONGEST_WORD);
    }

    #[test]
    fn snippet_is_around_the_first_word_found() {
        let body = format!("{} the Needle is here {}", "hay ".repeat(100), "straw ".repeat(100));
        let snippet = Query::parse("needle").snippet(&body);
        assert!(snippet.starts_with("… hay"), "{snippet}");
        assert!(snippet.contains("the Needle is here straw"), "{snippet}");
        assert!(snippet.ends_with("straw …") || snippet.ends_with('…'), "{snippet}");
        assert!(snippet.chars().count() <= SNIPPET_LENGTH + 4);
        assert_eq!(Query::parse("absent").snippet("äöü\n  short"), "äöü short");
    }
}
