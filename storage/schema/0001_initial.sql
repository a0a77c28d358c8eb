-- 0001_initial.sql: chats, documents, full text and settings.
--
-- Times are milliseconds since 1970 (UTC), positions byte offsets into UTF-8. Columns that hold
-- JSON are read and written as a whole. AUTOINCREMENT where an id must never name another thing
-- later: caches outside the database and stored answers remember such ids.

-- Numbers about the database itself.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES
    ('analyzer_version', 0),  -- of the terms in the full-text indexes; 0: not built
    ('generation', 0);        -- grows with every change to chunks or embeddings

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL       -- JSON
) STRICT, WITHOUT ROWID;

-- ------------------------------------------------------------------------------------------ chats

CREATE TABLE folder (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE chat (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    title     TEXT NOT NULL,
    folder_id INTEGER REFERENCES folder (id) ON DELETE SET NULL,
    pinned    INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    leaf_id   INTEGER REFERENCES message (id) ON DELETE SET NULL,
    settings  TEXT NOT NULL DEFAULT '{}',  -- JSON
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    deleted   INTEGER         -- when it was moved to the trash; NULL: it was not
) STRICT;
CREATE INDEX chat_by_folder ON chat (folder_id);
CREATE INDEX chat_by_leaf ON chat (leaf_id);

-- A chat's messages are a tree: an edited question or a regenerated answer is a sibling.
CREATE TABLE message (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id   INTEGER NOT NULL REFERENCES chat (id) ON DELETE CASCADE,
    parent_id INTEGER REFERENCES message (id),  -- no cascade: a long chat would nest too deep
    role      TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    text      TEXT NOT NULL,
    state     TEXT NOT NULL
              CHECK (state IN ('complete', 'streaming', 'stopped', 'interrupted', 'failed')),
    error     TEXT NOT NULL DEFAULT '',
    created   INTEGER NOT NULL
) STRICT;
CREATE INDEX message_by_chat ON message (chat_id);
CREATE INDEX message_by_parent ON message (parent_id);
CREATE INDEX message_streaming ON message (state) WHERE state = 'streaming';

CREATE TABLE answer (
    message_id    INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    model         TEXT NOT NULL,
    model_file    TEXT NOT NULL,
    seed          INTEGER NOT NULL,  -- the 64 bits of an unsigned number
    sampling      TEXT NOT NULL,     -- JSON
    usage         TEXT NOT NULL,     -- JSON
    finish_reason TEXT NOT NULL
) STRICT;

-- Passages are copies, so that an answer stays readable when its document changes or goes away.
CREATE TABLE passage (
    message_id  INTEGER NOT NULL REFERENCES answer (message_id) ON DELETE CASCADE,
    place       INTEGER NOT NULL,  -- from 0, in the order given to the model
    number      INTEGER NOT NULL,  -- the n of [n]
    document_id INTEGER REFERENCES document (id) ON DELETE SET NULL,
    path        TEXT NOT NULL,
    title       TEXT NOT NULL,
    heading     TEXT NOT NULL,
    page        INTEGER NOT NULL,
    start_byte  INTEGER NOT NULL,
    end_byte    INTEGER NOT NULL,
    text        TEXT NOT NULL,
    score       REAL NOT NULL,
    PRIMARY KEY (message_id, place)
) STRICT;
CREATE INDEX passage_by_document ON passage (document_id);

-- `passage` is the number that the answer named: models also name passages that do not exist.
CREATE TABLE citation (
    message_id   INTEGER NOT NULL REFERENCES answer (message_id) ON DELETE CASCADE,
    place        INTEGER NOT NULL,
    answer_start INTEGER NOT NULL,
    answer_end   INTEGER NOT NULL,
    passage      INTEGER NOT NULL,
    quote_start  INTEGER NOT NULL,
    quote_end    INTEGER NOT NULL,
    quote        TEXT NOT NULL,
    supported    INTEGER NOT NULL CHECK (supported IN (0, 1)),
    PRIMARY KEY (message_id, place)
) STRICT;

-- What is typed but not sent; chat_id NULL: on the new-chat page.
CREATE TABLE draft (
    id      INTEGER PRIMARY KEY,
    chat_id INTEGER REFERENCES chat (id) ON DELETE CASCADE,
    text    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX draft_by_chat ON draft (ifnull(chat_id, 0));

-- -------------------------------------------------------------------------------------- documents

-- `deleted`: hidden, its content goes in batches so that no other writer waits for long.
CREATE TABLE collection (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL CHECK (name <> ''),
    created INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX collection_by_name ON collection (name) WHERE deleted = 0;

CREATE TABLE collection_root (
    collection_id INTEGER NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    place         INTEGER NOT NULL,
    path          TEXT NOT NULL,
    PRIMARY KEY (collection_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    path          TEXT NOT NULL,
    title         TEXT NOT NULL DEFAULT '',
    mime          TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL DEFAULT 'pending'
                  CHECK (state IN ('pending', 'ready', 'failed', 'needs_ocr', 'unavailable')),
    error         TEXT NOT NULL DEFAULT '',
    size_bytes    INTEGER NOT NULL DEFAULT 0,
    modified_ns   INTEGER NOT NULL DEFAULT 0,
    sha256        TEXT NOT NULL DEFAULT '',
    n_pages       INTEGER NOT NULL DEFAULT 0,
    n_chunks      INTEGER NOT NULL DEFAULT 0,
    warnings      TEXT NOT NULL DEFAULT '[]',  -- JSON
    UNIQUE (collection_id, path)
) STRICT;

CREATE TABLE page (
    document_id INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (document_id, number)
) STRICT;

-- `text` repeats a span of its page: a page may be a whole file of many megabytes, and the
-- full-text index must be able to read a chunk without it. collection_id repeats the document's,
-- so that a search filters without reading documents.
CREATE TABLE chunk (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id   INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    collection_id INTEGER NOT NULL,
    page          INTEGER NOT NULL,
    start_byte    INTEGER NOT NULL,
    end_byte      INTEGER NOT NULL,
    heading       TEXT NOT NULL,
    text          TEXT NOT NULL
) STRICT;
CREATE INDEX chunk_by_document ON chunk (document_id);
CREATE INDEX chunk_by_collection ON chunk (collection_id);

CREATE TABLE embedder (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE embedding (
    chunk_id    INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    embedder_id INTEGER NOT NULL REFERENCES embedder (id),
    code        BLOB NOT NULL
) STRICT;

-- -------------------------------------------------------------------------------------- full text
-- The indexes hold no text of their own. An entry can be taken out only by naming the very text it
-- was made of, so triggers do it at the one moment when that text is at hand.

CREATE VIRTUAL TABLE chunk_fts USING fts5 (
    heading, text, content = 'chunk', content_rowid = 'id', tokenize = 'conclave');

CREATE TRIGGER chunk_inserted AFTER INSERT ON chunk BEGIN
    INSERT INTO chunk_fts (rowid, heading, text) VALUES (new.id, new.heading, new.text);
END;
CREATE TRIGGER chunk_deleted AFTER DELETE ON chunk BEGIN
    INSERT INTO chunk_fts (chunk_fts, rowid, heading, text)
    VALUES ('delete', old.id, old.heading, old.text);
END;
CREATE TRIGGER chunk_updated AFTER UPDATE OF id, heading, text ON chunk BEGIN
    INSERT INTO chunk_fts (chunk_fts, rowid, heading, text)
    VALUES ('delete', old.id, old.heading, old.text);
    INSERT INTO chunk_fts (rowid, heading, text) VALUES (new.id, new.heading, new.text);
END;

-- A message is indexed once it is no longer being written: while it streams its text changes
-- several times a second.
CREATE VIEW finished_message AS SELECT id, text FROM message WHERE state <> 'streaming';

CREATE VIRTUAL TABLE message_fts USING fts5 (
    text, content = 'finished_message', content_rowid = 'id', tokenize = 'conclave');

CREATE TRIGGER message_inserted AFTER INSERT ON message WHEN new.state <> 'streaming' BEGIN
    INSERT INTO message_fts (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_deleted AFTER DELETE ON message WHEN old.state <> 'streaming' BEGIN
    INSERT INTO message_fts (message_fts, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER message_updated AFTER UPDATE OF id, text, state ON message BEGIN
    INSERT INTO message_fts (message_fts, rowid, text)
        SELECT 'delete', old.id, old.text WHERE old.state <> 'streaming';
    INSERT INTO message_fts (rowid, text)
        SELECT new.id, new.text WHERE new.state <> 'streaming';
END;
