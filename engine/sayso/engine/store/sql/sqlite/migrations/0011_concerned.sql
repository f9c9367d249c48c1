-- Whom each open request concerns, so that a person's list reads what is theirs, however much else is open.

-- `entry` is one of those that the request's own columns name: with `ANSWERS` somebody who may come to answer it, as one
-- of a stage, after an escalation or in an emergency, or a group, chat or surface of theirs; with `ASKED` whoever asked.
CREATE TABLE concerned (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    role        TEXT NOT NULL,
    entry       TEXT NOT NULL,
    CONSTRAINT concerned_once PRIMARY KEY (request_key, role, entry),
    CONSTRAINT concerned_role CHECK (role = 'ANSWERS' OR role = 'ASKED')
) STRICT, WITHOUT ROWID;

CREATE INDEX concerned_lists ON concerned (role, entry, request_key);

-- What is open, in the order of asking.
CREATE INDEX requests_open ON requests (request_key) WHERE status = 'PENDING';

-- What one run has asked, in the order of asking, and the runs that somebody started.
CREATE INDEX requests_of_run ON requests (run_key);
CREATE INDEX runs_requested ON runs (requested_by) WHERE requested_by IS NOT NULL;

-- What the table says, as it follows from `requests`. A policy is a list of entries, or an object with stages.
CREATE VIEW concerned_of AS
SELECT q.request_key, 'ANSWERS' AS role, e.value AS entry
FROM requests q, json_each(q.policy) e WHERE q.policy GLOB '[[]*'
UNION ALL SELECT q.request_key, 'ASKED', q.requested_by FROM requests q WHERE q.requested_by IS NOT NULL
UNION ALL SELECT q.request_key, 'ANSWERS', e.value
FROM requests q, json_each(json_array(json_extract(q.policy, '$.audience'), json_extract(q.policy, '$.escalate_to'),
                                      json_extract(q.policy, '$.break_glass'))) l, json_each(l.value) e
WHERE q.policy GLOB '{*' AND l.type = 'array'
UNION ALL SELECT q.request_key, 'ANSWERS', e.value
FROM requests q, json_each(q.policy, '$.stages') s, json_each(json_array(s.value -> 'approvers', s.value -> 'veto')) l,
     json_each(l.value) e
WHERE q.policy GLOB '{*' AND l.type = 'array';

-- Triggers keep it in the transaction itself, whichever statement asks, changes, escalates, hands over or closes.
CREATE TRIGGER concerned_asked AFTER INSERT ON requests WHEN NEW.status = 'PENDING'
BEGIN
    INSERT INTO concerned (request_key, role, entry)
    SELECT request_key, role, entry FROM concerned_of WHERE request_key = NEW.request_key
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER concerned_changed AFTER UPDATE OF policy, status, requested_by ON requests WHEN NEW.status = 'PENDING'
BEGIN
    DELETE FROM concerned WHERE request_key = NEW.request_key;
    INSERT INTO concerned (request_key, role, entry)
    SELECT request_key, role, entry FROM concerned_of WHERE request_key = NEW.request_key
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER concerned_closed AFTER UPDATE OF status ON requests WHEN NEW.status <> 'PENDING'
BEGIN
    DELETE FROM concerned WHERE request_key = NEW.request_key;
END;

-- What is open already.
INSERT INTO concerned (request_key, role, entry)
SELECT c.request_key, c.role, c.entry FROM concerned_of c JOIN requests q ON q.request_key = c.request_key
WHERE q.status = 'PENDING'
ON CONFLICT DO NOTHING;
