-- A chain of the trail for each run, and the store's own for what belongs to no run.

-- The place of a row in its chain, counting from 1. Rows from before have none: they are all of one chain, under their
-- numbers, and the store's own goes on from there.
ALTER TABLE audit ADD COLUMN position INTEGER;

CREATE INDEX audit_of_store ON audit (sequence) WHERE run_id IS NULL OR position IS NULL;
