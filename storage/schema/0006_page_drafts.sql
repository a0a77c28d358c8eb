-- Pages of a document that is still being read, where reading takes so long that it goes on from
-- there after the end of the program. `source` says of what content and how they were read.
CREATE TABLE page_draft (
    document_id INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    source      TEXT NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (document_id, number)
) STRICT;
