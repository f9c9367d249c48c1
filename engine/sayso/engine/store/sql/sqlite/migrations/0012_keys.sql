-- A number is given once: whoever still knows what was deleted must not meet another thing under it. SQLite alone gives
-- the greatest number and one.

CREATE TABLE notices_anew (
    notice_key   INTEGER PRIMARY KEY AUTOINCREMENT,
    request_key  INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    destination  TEXT NOT NULL,
    kind         TEXT NOT NULL,
    payload      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER
) STRICT;

INSERT INTO notices_anew (notice_key, request_key, destination, kind, payload, at, attempts, next_attempt)
SELECT notice_key, request_key, destination, kind, payload, at, attempts, next_attempt FROM notices;

DROP TABLE notices;
ALTER TABLE notices_anew RENAME TO notices;

CREATE INDEX notices_at ON notices (destination, notice_key);
CREATE INDEX notices_of_request ON notices (request_key);

-- The greatest number of a run that was deleted, in its one row.
CREATE TABLE deleted_runs (
    run_key INTEGER PRIMARY KEY
) STRICT;

INSERT INTO deleted_runs (run_key) VALUES (0);

CREATE TRIGGER runs_deleted AFTER DELETE ON runs WHEN OLD.run_key > (SELECT max(run_key) FROM deleted_runs)
BEGIN
    DELETE FROM deleted_runs;
    INSERT INTO deleted_runs (run_key) VALUES (OLD.run_key);
END;
