-- Questions that are asked from outside, and what becomes of their answers there.

-- Approvals that were used outside: each once, `used_for` what. `attempt` is the key of the call, by which the same call
-- is known when it comes again.
CREATE TABLE consumptions (
    request_key INTEGER PRIMARY KEY REFERENCES requests ON DELETE CASCADE,
    used_for    TEXT NOT NULL,
    attempt     TEXT,
    account     TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

-- Whom to tell at which address what became of the question of a run. The secret, which signs what is sent, goes when
-- that has ended.
CREATE TABLE callbacks (
    run_key      INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    url          TEXT NOT NULL,
    secret       TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER,
    delivered_at INTEGER,
    last_error   TEXT
) STRICT;

-- Those with a secret have still to be told.
CREATE INDEX callbacks_open ON callbacks (next_attempt) WHERE secret IS NOT NULL;
