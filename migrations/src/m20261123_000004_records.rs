//! Synced documents and their full-text index: FTS5 on SQLite, a generated `tsvector` with GIN on PostgreSQL.
//!
//! Both split words at ASCII punctuation, fold case and neither stem nor drop words, so that a search finds the same.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run_on_sqlite(manager, SQLITE).await?;
        dialect::run_on_postgres(manager, POSTGRES).await?;
        dialect::run(manager, INDEXES).await?;
        dialect::isolate(manager, &["records"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

// `doc` ties a record to its entry in the index: SQLite's implicit row number would change with VACUUM.
const SQLITE: &[&str] = &[
    "CREATE TABLE records (
        doc integer PRIMARY KEY,
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        install_id {uuid} NOT NULL,
        stream text NOT NULL,
        external_id text NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        mime_type text NOT NULL,
        url text,
        metadata {json} NOT NULL,
        content_hash text NOT NULL,
        source_updated_at {time},
        synced_at {time} NOT NULL,
        generation {uuid} NOT NULL,
        UNIQUE (tenant_id, id),
        UNIQUE (tenant_id, install_id, stream, external_id),
        FOREIGN KEY (tenant_id, install_id) REFERENCES installs (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE VIRTUAL TABLE records_fts USING fts5 (
        title, body, content = 'records', content_rowid = 'doc',
        tokenize = 'unicode61 remove_diacritics 0'
    )",
    "CREATE TRIGGER records_fts_insert AFTER INSERT ON records BEGIN
        INSERT INTO records_fts (rowid, title, body) VALUES (new.doc, new.title, new.body);
    END",
    "CREATE TRIGGER records_fts_delete AFTER DELETE ON records BEGIN
        INSERT INTO records_fts (records_fts, rowid, title, body)
            VALUES ('delete', old.doc, old.title, old.body);
    END",
    "CREATE TRIGGER records_fts_update AFTER UPDATE OF title, body ON records BEGIN
        INSERT INTO records_fts (records_fts, rowid, title, body)
            VALUES ('delete', old.doc, old.title, old.body);
        INSERT INTO records_fts (rowid, title, body) VALUES (new.doc, new.title, new.body);
    END",
];

// `translate` makes every ASCII punctuation mark a space: the parser would keep `README.md` or `a/b` as one word.
// `left` stays below the 1 MiB that a tsvector can hold: what follows in a longer body is stored but not found.
const POSTGRES: &[&str] = &[
    r##"CREATE FUNCTION search_words(text text, longest integer) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
        translate(left(text, longest), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32))"##,
    "CREATE TABLE records (
        id {uuid} NOT NULL,
        tenant_id {uuid} NOT NULL,
        install_id {uuid} NOT NULL,
        stream text NOT NULL,
        external_id text NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        mime_type text NOT NULL,
        url text,
        metadata {json} NOT NULL,
        content_hash text NOT NULL,
        source_updated_at {time},
        synced_at {time} NOT NULL,
        generation {uuid} NOT NULL,
        search tsvector NOT NULL GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', search_words(title, 2000)), 'A') ||
            setweight(to_tsvector('simple', search_words(body, 200000)), 'B')
        ) STORED,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, install_id, stream, external_id),
        FOREIGN KEY (tenant_id, install_id) REFERENCES installs (tenant_id, id) ON DELETE CASCADE
    )",
    // Used by the runtime role only where `@@` is marked leakproof: see README.md.
    "CREATE INDEX records_search ON records USING gin (search)",
];

const INDEXES: &[&str] = &[
    "CREATE INDEX records_install ON records (tenant_id, install_id, id)",
    // For the sweep at the end of a run.
    "CREATE INDEX records_generation ON records (tenant_id, install_id, generation)",
];
