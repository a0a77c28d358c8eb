-- 0005_reasoning.sql: what a model thought before it answered is no part of the answer: it is not
-- searched, not cited and not shown to the model again.

ALTER TABLE answer ADD COLUMN reasoning TEXT NOT NULL DEFAULT '';
