-- Grants: approvals that hold for a while, for questions of the same program that are exactly alike.

-- `coverage` is the digest of what it covers, `offer` what was chosen of what the policy offers. Who granted it: the
-- person, the account that they used, how they came in, and the groups that counted then. It is used only right after it
-- was `vouched` that they may still approve. With the request that it was made on, it goes.
CREATE TABLE grants (
    grant_key   INTEGER PRIMARY KEY,
    id          TEXT NOT NULL,
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    offer       TEXT NOT NULL,
    coverage    TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    policy      TEXT NOT NULL,
    version     TEXT NOT NULL,
    person      TEXT NOT NULL,
    account     TEXT NOT NULL,
    via         TEXT NOT NULL,
    groups      TEXT,
    comment     TEXT,
    made_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    uses        INTEGER,
    used        INTEGER NOT NULL DEFAULT 0,
    vouched_at  INTEGER,
    revoked_at  INTEGER,
    revoked_by  TEXT,
    CONSTRAINT grants_id UNIQUE (id),
    CONSTRAINT grants_expire CHECK (expires_at > made_at),
    CONSTRAINT grants_used CHECK (used >= 0 AND (uses IS NULL OR used <= uses)),
    CONSTRAINT grants_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;

CREATE INDEX grants_covering ON grants (coverage) WHERE revoked_at IS NULL;
CREATE INDEX grants_of_request ON grants (request_key);

-- Each use of a grant, numbered from 1, and the request that it answered.
CREATE TABLE grant_uses (
    grant_key   INTEGER NOT NULL REFERENCES grants ON DELETE CASCADE,
    use         INTEGER NOT NULL,
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    CONSTRAINT grant_uses_number PRIMARY KEY (grant_key, use),
    CONSTRAINT grant_uses_once UNIQUE (request_key)
) STRICT, WITHOUT ROWID;

-- What was to be granted with an answer, so that its key is known for that alone.
ALTER TABLE events ADD COLUMN offer TEXT;
