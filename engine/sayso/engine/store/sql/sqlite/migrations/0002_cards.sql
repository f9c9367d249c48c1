-- Cards in chats: what the outbox knows of each, the names of people, and what surfaces keep for themselves.

-- When what is asked changed last while it was open.
ALTER TABLE requests ADD COLUMN revised_at INTEGER;

-- `former` is a message that this card replaced and that is still to be locked; `notice` a line for this place alone.
ALTER TABLE deliveries ADD COLUMN former TEXT;
ALTER TABLE deliveries ADD COLUMN notice TEXT;
ALTER TABLE deliveries ADD COLUMN dead_since INTEGER;

-- Only chats have messages of ours; the terminal and the web inbox show what is open.
DELETE FROM deliveries WHERE destination = 'console' OR destination = 'web';

-- What is to be sent or edited, and the cards of open requests at one place.
CREATE INDEX deliveries_due ON deliveries (destination, request_key)
    WHERE revision_shown < revision_wanted AND dead_since IS NULL;
CREATE INDEX deliveries_dead ON deliveries (destination) WHERE dead_since IS NOT NULL;
CREATE INDEX deliveries_at ON deliveries (destination, request_key);

-- What people are called, as their surface said last.
CREATE TABLE people (
    person   TEXT NOT NULL,
    name     TEXT NOT NULL,
    known_at INTEGER NOT NULL,
    CONSTRAINT people_person PRIMARY KEY (person)
) STRICT, WITHOUT ROWID;

-- Small things that a surface keeps over a restart: conversations, its heartbeat, chats that moved. `value` is JSON.
CREATE TABLE notes (
    surface TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    kept_at INTEGER NOT NULL,
    CONSTRAINT notes_key PRIMARY KEY (surface, key)
) STRICT, WITHOUT ROWID;

-- Runs that wait for an operator, for the counters.
CREATE INDEX runs_held ON runs (workflow) WHERE status = 'NEEDS_ATTENTION';
