-- People with several accounts, times at which a request acts by itself, and what people are told beside cards.

-- Whose an account is. `linked_at` is set where people linked it themselves; the others are the directory's.
CREATE TABLE accounts (
    account   TEXT NOT NULL,
    person    TEXT NOT NULL,
    linked_at INTEGER,
    CONSTRAINT accounts_account PRIMARY KEY (account)
) STRICT, WITHOUT ROWID;

CREATE INDEX accounts_of_person ON accounts (person);

-- One-time codes for linking an account, one each; only their hashes are here.
CREATE TABLE link_codes (
    account    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT link_codes_account PRIMARY KEY (account),
    CONSTRAINT link_codes_hash UNIQUE (hash)
) STRICT, WITHOUT ROWID;

-- What was looked up of a voter then: the groups they belonged to. `person` is an account here: whose it is, `accounts`
-- says when votes are counted.
ALTER TABLE votes ADD COLUMN groups TEXT;

-- Whether somebody wanted to approve alone, under break-glass.
ALTER TABLE events ADD COLUMN break_glass INTEGER NOT NULL DEFAULT 0;

-- When people are reminded next, and how often they were; when others are asked as well.
ALTER TABLE requests ADD COLUMN remind_at INTEGER;
ALTER TABLE requests ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN escalate_at INTEGER;
CREATE INDEX requests_remind ON requests (remind_at) WHERE status = 'PENDING' AND remind_at IS NOT NULL;
CREATE INDEX requests_escalate ON requests (escalate_at) WHERE status = 'PENDING' AND escalate_at IS NOT NULL;

-- What was decided lately, for those who look at their inbox afterwards.
CREATE INDEX requests_resolved ON requests (resolved_at) WHERE resolved_at IS NOT NULL;

-- Messages that are no cards, about a request: votes, reminders, results. Removed once sent.
CREATE TABLE notices (
    notice_key   INTEGER PRIMARY KEY,
    request_key  INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    destination  TEXT NOT NULL,
    kind         TEXT NOT NULL,
    payload      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER
) STRICT;

CREATE INDEX notices_at ON notices (destination, notice_key);
CREATE INDEX notices_of_request ON notices (request_key);

-- Which revision of the question the trail says was shown at a place.
ALTER TABLE deliveries ADD COLUMN told_revision INTEGER NOT NULL DEFAULT 0;

-- Where whoever a run is for asked for it, and hears what became of it.
ALTER TABLE runs ADD COLUMN asked_in TEXT;

-- How often a run came to need an operator: it was held, or it failed. A decision names the stop that was seen.
ALTER TABLE runs ADD COLUMN stops INTEGER NOT NULL DEFAULT 0;

-- Which visit used an approval.
ALTER TABLE requests ADD COLUMN used_by INTEGER;
