-- 0002_keyword_segments.sql: the keyword index of documents is held in memory, and kept here in
-- ready-made pieces so that a start need not read every text again. FTS5 stays for messages.
--
-- A piece is a cache: it may name chunks that are gone, and chunks without a piece are analyzed
-- anew. Ids of chunks are never used twice and their text never changes, so a piece cannot be wrong
-- about those it shares with `chunk`. All go when `analyzer_version` changes.

DROP TRIGGER chunk_inserted;
DROP TRIGGER chunk_deleted;
DROP TRIGGER chunk_updated;
DROP TABLE chunk_fts;

CREATE TABLE keyword_segment (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    bytes BLOB NOT NULL  -- as retrieval makes it
) STRICT;

-- Order between equal scores comes from paths, so a renamed document is a change too.
UPDATE meta SET value = value + 1 WHERE key = 'generation';
