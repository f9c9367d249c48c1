-- Who somebody was when something began, and codes that two accounts agree on.

-- A name on the web is written one way: somebody who was known as web:Ana and web:ana is one person, whose later vote stands.
DELETE FROM votes WHERE person GLOB 'web:*' AND EXISTS (
    SELECT 1 FROM votes o WHERE o.request_key = votes.request_key AND lower(o.person) = lower(votes.person)
                            AND o.event > votes.event);
UPDATE votes SET person = lower(person) WHERE person GLOB 'web:*[A-Z]*';
UPDATE OR IGNORE events SET person = lower(person) WHERE person GLOB 'web:*[A-Z]*';
UPDATE OR IGNORE people SET person = lower(person) WHERE person GLOB 'web:*[A-Z]*';
UPDATE OR IGNORE commands SET person = lower(person) WHERE person GLOB 'web:*[A-Z]*';
UPDATE OR IGNORE accounts SET account = lower(account) WHERE account GLOB 'web:*[A-Z]*';
UPDATE credentials SET person = lower(person) WHERE person GLOB 'web:*[A-Z]*';
UPDATE requests SET requested_by = lower(requested_by) WHERE requested_by GLOB 'web:*[A-Z]*';
UPDATE requests SET resolved_by = lower(resolved_by) WHERE resolved_by GLOB 'web:*[A-Z]*';
UPDATE runs SET requested_by = lower(requested_by) WHERE requested_by GLOB 'web:*[A-Z]*';

-- Everybody whom `requested_by` was when the run began, as JSON: whoever asked stays so, whatever they unlink since.
ALTER TABLE runs ADD COLUMN requester_ids TEXT;
UPDATE runs SET requester_ids = (
    SELECT json_group_array(mine.id) FROM (
        SELECT runs.requested_by AS id
        UNION SELECT a.person FROM accounts a WHERE a.account = runs.requested_by
        UNION SELECT o.account FROM accounts a JOIN accounts o ON o.person = a.person WHERE a.account = runs.requested_by
        UNION SELECT o.account FROM accounts o WHERE o.person = runs.requested_by) mine)
WHERE requested_by IS NOT NULL AND ended_at IS NULL;

-- The account that sent a code first, which alone can use it, and whether it said yes. The maker says yes last. Codes of
-- before were for whoever sent them: they are void.
DELETE FROM link_codes;
ALTER TABLE link_codes ADD COLUMN presented_by TEXT;
ALTER TABLE link_codes ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;

-- What people are called, as far as readers can tell it apart: two who look alike are shown with their accounts.
ALTER TABLE people ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE people SET folded = lower(trim(name));
CREATE INDEX people_folded ON people (folded);
