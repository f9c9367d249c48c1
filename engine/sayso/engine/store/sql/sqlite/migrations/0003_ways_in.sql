-- Ways in over HTTP, and what was done under an idempotency key.

-- One-time sign-in links, sessions and API tokens. The secrets are long and random, and only their hashes are here.
CREATE TABLE credentials (
    hash       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    person     TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER,
    CONSTRAINT credentials_hash PRIMARY KEY (hash),
    CONSTRAINT credentials_kind CHECK (kind = 'LINK' OR kind = 'SESSION' OR kind = 'TOKEN'),
    CONSTRAINT credentials_expire CHECK ((kind = 'TOKEN') = (expires_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX credentials_token ON credentials (person) WHERE kind = 'TOKEN';
CREATE INDEX credentials_due ON credentials (expires_at) WHERE expires_at IS NOT NULL;

-- Starts and operators' actions under a key: `digest` is of what was wanted. A key that a person repeats does nothing
-- again; with something else behind it, it is refused. Answers have their keys in `events`.
CREATE TABLE commands (
    person  TEXT NOT NULL,
    key     TEXT NOT NULL,
    digest  TEXT NOT NULL,
    run_key INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    CONSTRAINT commands_key PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX commands_of_run ON commands (run_key);

-- The trail of one run, for its page.
CREATE INDEX audit_of_run ON audit (run_id, sequence) WHERE run_id IS NOT NULL;
