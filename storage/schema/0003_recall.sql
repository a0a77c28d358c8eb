-- 0003_recall.sql: questions that somebody keeps with the passage that must be found, and how often
-- it was. A passage is named by its words: its chunk's id changes when its document is read again.

CREATE TABLE recall_question (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    question   TEXT NOT NULL CHECK (question <> ''),
    quote      TEXT NOT NULL CHECK (quote <> ''),
    path       TEXT NOT NULL DEFAULT '',   -- of the document; '': any
    collection TEXT NOT NULL DEFAULT '',   -- its name; '': all
    created    INTEGER NOT NULL
) STRICT;

CREATE TABLE recall_run (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    created     INTEGER NOT NULL,
    settings    TEXT NOT NULL,     -- JSON: what searched
    n_questions INTEGER NOT NULL,
    n_found     INTEGER NOT NULL,
    mrr         REAL NOT NULL      -- mean of 1 / rank, 0 where nothing was found
) STRICT;
