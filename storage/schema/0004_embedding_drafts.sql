-- Vectors that are being made beside those in use: by another embedder, which takes over when it has
-- all of them, or of chunks that have none yet. An empty code says that the text has no vector.
CREATE TABLE embedding_draft (
    chunk_id    INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    embedder_id INTEGER NOT NULL REFERENCES embedder (id),
    code        BLOB NOT NULL
) STRICT;
