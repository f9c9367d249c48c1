-- Each time that a card is sent or edited it is rendered under a number of its own, which its buttons carry; the platform
-- answers with the message as it keeps it. A press counts only from a message with what was kept under its number.

-- `digest` is of what a press is compared by, `parts` the digests of its named parts, as JSON: to say what differed. Both
-- are unknown until the platform has answered.
CREATE TABLE renderings (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    rendering   INTEGER NOT NULL,
    destination TEXT NOT NULL,
    message     TEXT,
    digest      TEXT,
    parts       TEXT,
    CONSTRAINT renderings_number PRIMARY KEY (request_key, rendering),
    CONSTRAINT renderings_kept CHECK ((message IS NULL) = (digest IS NULL) AND (digest IS NULL) = (parts IS NULL))
) STRICT, WITHOUT ROWID;

-- Whether operators have heard that a message here shows something else than was sent: they hear it once.
ALTER TABLE deliveries ADD COLUMN mismatch_told INTEGER NOT NULL DEFAULT 0;

-- The buttons of cards that are out there carry no number: every open card is edited once.
UPDATE deliveries SET revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE reference IS NOT NULL AND request_key IN (SELECT request_key FROM requests WHERE status = 'PENDING');
