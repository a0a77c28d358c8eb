-- Rows as schema version 6 held them. Never change: people's files look like this.
INSERT INTO setting (key, value) VALUES ('theme', '"dark"');
INSERT INTO folder (id, name) VALUES (1, 'Work');
INSERT INTO chat (id, title, folder_id, pinned, leaf_id, settings, created, updated, deleted)
    VALUES (1, 'Travel policy', 1, 1, NULL, '{"temperature":0.2}', 1760000000000, 1760000001000, NULL);
INSERT INTO message (id, chat_id, parent_id, role, text, state, error, created) VALUES
    (1, 1, NULL, 'user', 'How much may a hotel cost?', 'complete', '', 1760000000000),
    (2, 1, 1, 'assistant', 'Up to 500 yuan a night [1].', 'complete', '', 1760000001000),
    (3, 1, 1, 'assistant', 'Let me', 'stopped', '', 1760000000500);
UPDATE chat SET leaf_id = 2;
INSERT INTO collection (id, name, created, deleted) VALUES (1, 'Policies', 1760000000000, 0);
INSERT INTO collection_root (collection_id, place, path) VALUES (1, 0, '/home/anna/policies');
INSERT INTO document (id, collection_id, path, title, mime, state, error, size_bytes, modified_ns,
                      sha256, n_pages, n_chunks, warnings)
    VALUES (1, 1, '/home/anna/policies/travel.md', '差旅制度', 'text/markdown', 'ready', '', 54,
            1750000000123456789, 'aa', 1, 1, '["hidden text removed"]');
INSERT INTO page (document_id, number, text) VALUES (1, 1, '差旅制度规定住宿上限为每晚五百元。');
INSERT INTO chunk (id, document_id, collection_id, page, start_byte, end_byte, heading, text)
    VALUES (1, 1, 1, 1, 0, 51, '差旅制度', '差旅制度规定住宿上限为每晚五百元。');
INSERT INTO embedder (id, name) VALUES (1, 'static-256');
INSERT INTO embedding (chunk_id, embedder_id, code) VALUES (1, 1, x'0000803f01020304');
INSERT INTO answer (message_id, model, model_file, seed, sampling, usage, finish_reason)
    VALUES (2, 'Tiny', '/models/tiny.gguf', 42, '{"temperature":0.2}', '{"prompt_tokens":9}', 'stop');
INSERT INTO passage (message_id, place, number, document_id, path, title, heading, page, start_byte,
                     end_byte, text, score)
    VALUES (2, 0, 1, 1, '/home/anna/policies/travel.md', '差旅制度', '差旅制度', 1, 0, 51,
            '差旅制度规定住宿上限为每晚五百元。', 0.9);
INSERT INTO citation (message_id, place, answer_start, answer_end, passage, quote_start, quote_end,
                      quote, supported)
    VALUES (2, 0, 23, 26, 1, 39, 48, '五百元', 1);
INSERT INTO draft (chat_id, text) VALUES (NULL, 'next question'), (1, 'and in Rome?');
INSERT INTO keyword_segment (id, bytes) VALUES (1, x'43435053010000');
INSERT INTO recall_question (id, question, quote, path, collection, created) VALUES
    (1, 'How much may a night cost?', 'Up to 500 yuan a night', '', 'Policies', 1700000000000);
INSERT INTO recall_run (id, created, settings, n_questions, n_found, mrr) VALUES
    (1, 1700000000001, '{"mode":"hybrid"}', 1, 1, 1.0);
INSERT INTO embedder (id, name) VALUES (2, 'bge-small');
INSERT INTO embedding_draft (chunk_id, embedder_id, code) VALUES (1, 2, x'0000803f05060708');
UPDATE answer SET reasoning = 'The policy says 500.';
INSERT INTO document (id, collection_id, path, state)
    VALUES (2, 1, '/home/anna/policies/scan.pdf', 'pending');
INSERT INTO page_draft (document_id, number, source, text) VALUES (2, 1, 'bb/eng', 'Page one');
