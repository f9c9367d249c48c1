-- Tokens have scopes and an end, and a person has one sign-in link at a time.

CREATE TABLE credentials_anew (
    hash       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    person     TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    expires_at INTEGER,
    scopes     TEXT,
    CONSTRAINT credentials_hash PRIMARY KEY (hash),
    CONSTRAINT credentials_kind CHECK (kind = 'LINK' OR kind = 'SESSION' OR kind = 'TOKEN'),
    CONSTRAINT credentials_expire CHECK (kind = 'TOKEN' OR expires_at IS NOT NULL),
    CONSTRAINT credentials_scopes CHECK ((kind = 'TOKEN') = (scopes IS NOT NULL)),
    CONSTRAINT credentials_apart CHECK (
        scopes IS NULL OR scopes NOT GLOB '*answer*' OR (scopes NOT GLOB '*ask*' AND scopes NOT GLOB '*start*')
    )
) STRICT, WITHOUT ROWID;

-- A token from before keeps what is safe, and does not end by itself: it starts and reads, and answers nothing.
INSERT INTO credentials_anew (hash, kind, person, made_at, expires_at, scopes)
SELECT hash, kind, person, made_at, expires_at, CASE WHEN kind = 'TOKEN' THEN 'read start' END FROM credentials
WHERE kind <> 'LINK';

-- Of the links from before, the newest of each person still works.
INSERT INTO credentials_anew (hash, kind, person, made_at, expires_at)
SELECT hash, kind, person, made_at, expires_at FROM (
    SELECT *, row_number() OVER (PARTITION BY person ORDER BY made_at DESC, hash) AS place
    FROM credentials WHERE kind = 'LINK'
) WHERE place = 1;

DROP TABLE credentials;
ALTER TABLE credentials_anew RENAME TO credentials;

CREATE UNIQUE INDEX credentials_token ON credentials (person) WHERE kind = 'TOKEN';
CREATE UNIQUE INDEX credentials_link ON credentials (person) WHERE kind = 'LINK';
CREATE INDEX credentials_due ON credentials (expires_at) WHERE expires_at IS NOT NULL;
