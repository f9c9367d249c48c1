-- Every statement that the store runs, by name. Python never assembles SQL.

-- name: version
SELECT version FROM schema_version;

-- name: definition_insert
INSERT INTO definitions (workflow, definition) VALUES (:workflow, :definition) ON CONFLICT DO NOTHING;

-- name: definition_key
SELECT definition_key FROM definitions WHERE workflow = :workflow AND definition = :definition;

-- name: run_insert
-- Its number was never one of a run that was deleted.
INSERT INTO runs (run_key, run_id, workflow, status, visit, node_id, requested_by, created_at, updated_at, asked_in,
                  requester_ids)
VALUES (1 + max(coalesce((SELECT max(run_key) FROM runs), 0), (SELECT max(run_key) FROM deleted_runs)),
        ?, ?, 'RUNNING', 1, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
RETURNING run_key;

-- name: run_requester
SELECT requested_by, requester_ids, asked_in FROM runs WHERE run_key = ?;

-- name: visit_insert
INSERT INTO visits (run_key, visit, node_id, status, entry, definition_key, begun_at)
VALUES (?, ?, ?, 'RUNNING', ?, ?, ?);

-- name: run_load
SELECT r.run_key, r.run_id, r.workflow, r.status, r.resolutions, r.visit, r.node_id, v.attempt, v.first_attempt,
       v.retry_at, v.entry, coalesce(r.shared, v.parked, v.entry) AS shared, coalesce(r.error, v.error) AS error,
       r.attention, r.requested_by, r.stops
FROM runs r JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit
WHERE r.run_id = :run_id;

-- name: visit_requests
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by
FROM requests q JOIN runs r ON r.run_key = q.run_key
WHERE q.run_key = :run_key AND q.visit = :visit ORDER BY q.request_key;

-- name: visit_steps
SELECT name, arguments, result FROM steps WHERE run_key = :run_key AND visit = :visit;

-- name: node_statuses
-- The latest visit of each node of a run; SQLite takes the bare columns from the row with the maximum.
SELECT node_id, status, max(visit) FROM visits
WHERE run_key = (SELECT run_key FROM runs WHERE run_id = :run_id) GROUP BY node_id;

-- name: run_guard
SELECT status, visit FROM runs WHERE run_key = ?;

-- name: run_of_ruling
-- What is known of a run whose question a rule decides.
SELECT status, resolutions, asked_in FROM runs WHERE run_key = ?;

-- name: run_park
-- Parks only a run whose visit has seen every resolution; otherwise an answer would wait for ever.
UPDATE runs SET status = 'WAITING_FOR_INPUT', updated_at = ?, cut_off = 0
WHERE run_key = ? AND visit = ? AND status IN ('RUNNING', 'WAITING_FOR_INPUT') AND resolutions = ?;

-- name: visit_parked
UPDATE visits SET parked = ?, definition_key = ? WHERE run_key = ? AND visit = ?;

-- name: run_stir
UPDATE runs SET status = 'RUNNING', updated_at = :now
WHERE run_key = :run_key AND visit = :visit AND status = 'WAITING_FOR_INPUT';

-- name: visit_entry
SELECT entry FROM visits WHERE run_key = ? AND visit = ?;

-- name: visit_end
UPDATE visits SET status = ?, error = ?, traceback = ?, ended_at = ? WHERE run_key = ? AND visit = ?;

-- name: run_next_visit
UPDATE runs SET status = 'RUNNING', visit = ?, node_id = ?, updated_at = ?, cut_off = 0
WHERE run_key = ? AND visit = ? AND status IN ('RUNNING', 'WAITING_FOR_INPUT');

-- name: run_end
UPDATE runs SET status = ?1, node_id = NULL, shared = ?2, error = ?3, updated_at = ?4, ended_at = ?4,
                stops = stops + CASE WHEN ?1 = 'FAILED' THEN 1 ELSE 0 END, cut_off = 0
WHERE run_key = ?5 AND visit = ?6 AND status IN ('RUNNING', 'WAITING_FOR_INPUT');

-- name: visit_attempt
UPDATE visits SET attempt = :attempt, retry_at = :retry_at, error = :error, traceback = :traceback
WHERE run_key = :run_key AND visit = :visit;

-- name: requests_withdraw_open
UPDATE requests SET status = 'WITHDRAWN', resolved_at = :now
WHERE run_key = :run_key AND visit = :visit AND status = 'PENDING' RETURNING request_key, id;

-- name: request_insert
INSERT INTO requests (id, run_key, visit, name, node_id, attempt, question, digest, digest_version, policy,
                      requested_by, note, asked_at, deadline, default_value, remind_at, escalate_at, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PENDING')
RETURNING request_key;

-- name: request_on_card
-- Put a question on the card of another one of its visit, or on its own for others to follow.
UPDATE requests SET first_on_card = (SELECT f.request_key FROM requests f
                                     WHERE f.run_key = :run_key AND f.visit = :visit AND f.name = :first)
WHERE request_key = :request_key;

-- name: request_revise
-- The question changed while it was open: a new revision, under what is asked now.
UPDATE requests SET question = :question, digest = :digest, digest_version = :digest_version, policy = :policy,
                    note = :note, default_value = :default_value, remind_at = :remind_at, escalate_at = :escalate_at,
                    reminders = 0, revision = revision + 1, revised_at = :now
WHERE run_key = :run_key AND visit = :visit AND name = :name AND status = 'PENDING'
RETURNING request_key, revision;

-- name: file_add
INSERT INTO files (sha256, content) VALUES (:sha256, :content) ON CONFLICT DO NOTHING;

-- name: request_file_add
INSERT INTO request_files (request_key, sha256) VALUES (:request_key, :sha256) ON CONFLICT DO NOTHING;

-- name: request_file
SELECT f.content FROM requests q JOIN request_files u USING (request_key) JOIN files f USING (sha256)
WHERE q.id = :request_id AND u.sha256 = :sha256;

-- name: request_files_drop
DELETE FROM request_files WHERE request_key IN (
    SELECT request_key FROM requests JOIN runs USING (run_key) WHERE run_id = :run_id AND requests.status <> 'PENDING');

-- name: reading_add
INSERT INTO readings (request_key, revision, account) VALUES (:request_key, :revision, :account) ON CONFLICT DO NOTHING
RETURNING account;

-- name: readers
SELECT account FROM readings WHERE request_key = :request_key AND revision = :revision;

-- name: votes_void
DELETE FROM votes WHERE request_key = :request_key;

-- name: delivery_insert
INSERT INTO deliveries (request_key, destination) VALUES (?, ?);

-- name: deliveries_mark
UPDATE deliveries SET revision_wanted = revision_wanted + 1, next_attempt = NULL WHERE request_key = ?;

-- name: deliveries_mark_run
-- The latest cards follow their run: whatever happens to the run, they have news. Those before keep what they show, so
-- that a run that asks for ever edits a bounded number at its end.
UPDATE deliveries SET revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE request_key IN (SELECT request_key FROM requests INDEXED BY requests_of_run
                      WHERE run_key = :run_key ORDER BY request_key DESC LIMIT 25);

-- name: deliveries_mark_open
-- Of what chats show since the backup, a restored database knows nothing.
UPDATE deliveries SET revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE request_key IN (SELECT request_key FROM requests WHERE status = 'PENDING');

-- name: deliveries_mark_progress
-- The run went on to another node: news for the latest cards of the visit that asked last, and not urgent.
UPDATE deliveries SET revision_wanted = revision_wanted + 1
WHERE request_key IN (SELECT n.request_key FROM (SELECT request_key, visit FROM requests INDEXED BY requests_of_run
                                                 WHERE run_key = :run_key ORDER BY request_key DESC LIMIT 25) n
                      WHERE n.visit = (SELECT max(visit) FROM requests WHERE run_key = :run_key));

-- name: deliveries_mark_outrun
-- The run has asked so much since that this card follows it no more: it says so once.
UPDATE deliveries SET revision_wanted = revision_wanted + 1
WHERE request_key = (SELECT request_key FROM requests INDEXED BY requests_of_run
                     WHERE run_key = ? ORDER BY request_key DESC LIMIT 1 OFFSET 25);

-- name: places_waiting
-- Where cards are to be sent or edited, then where messages beside them are.
SELECT DISTINCT destination FROM deliveries WHERE revision_shown < revision_wanted AND dead_since IS NULL
UNION ALL SELECT DISTINCT destination FROM notices;

-- name: delivery_due
-- What comes first at a place: what is decided, then what changed, then new questions in the order in which they were
-- asked.
SELECT q.id, d.destination, d.reference, d.former, d.notice, d.revision_wanted, d.revision_shown, d.attempts,
       d.next_attempt, d.last_error, d.dead_since, d.told_revision
FROM deliveries d JOIN requests q ON q.request_key = d.request_key
WHERE d.destination = :destination AND d.revision_shown < d.revision_wanted AND d.dead_since IS NULL
  AND (d.next_attempt IS NULL OR d.next_attempt <= :now)
ORDER BY q.status = 'PENDING', d.reference IS NULL, d.request_key LIMIT 1;

-- name: delivery_next_attempt
-- When something is to be tried again at a place where nothing is to be done now.
SELECT min(d.next_attempt) AS next_attempt FROM deliveries d
WHERE d.destination = :destination AND d.revision_shown < d.revision_wanted AND d.dead_since IS NULL;

-- name: deliveries_of
SELECT q.id, d.destination, d.reference, d.former, d.notice, d.revision_wanted, d.revision_shown, d.attempts,
       d.next_attempt, d.last_error, d.dead_since, d.told_revision
FROM deliveries d JOIN requests q ON q.request_key = d.request_key WHERE q.id = :id;

-- name: deliveries_on_card
-- What stands at a place on one card with a request: itself, and with a batch the others, in the order of asking.
SELECT q.id, d.destination, d.reference, d.former, d.notice, d.revision_wanted, d.revision_shown, d.attempts,
       d.next_attempt, d.last_error, d.dead_since, d.told_revision, d.request_key AS request_key
FROM requests q CROSS JOIN deliveries d ON d.request_key = q.request_key
WHERE q.id = :id AND d.destination = :destination
UNION ALL
SELECT q.id, d.destination, d.reference, d.former, d.notice, d.revision_wanted, d.revision_shown, d.attempts,
       d.next_attempt, d.last_error, d.dead_since, d.told_revision, d.request_key AS request_key
FROM requests asked CROSS JOIN requests q ON q.first_on_card = asked.first_on_card AND q.id <> asked.id
CROSS JOIN deliveries d ON d.request_key = q.request_key
WHERE asked.id = :id AND d.destination = :destination
ORDER BY request_key;

-- name: delivery_begin
-- Counted before it is sent: a send that nobody heard the end of may have left a message.
UPDATE deliveries SET attempts = attempts + 1
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: delivery_reference
UPDATE deliveries SET reference = :reference
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: rendering_begin
-- The next number; it stands before the card is sent, so that a press in it finds it.
INSERT INTO renderings (request_key, rendering, destination)
SELECT q.request_key, 1 + coalesce((SELECT max(rendering) FROM renderings WHERE request_key = q.request_key), 0),
       :destination
FROM requests q WHERE q.id = :id RETURNING rendering;

-- name: rendering_keep
UPDATE renderings SET message = :message, digest = :digest, parts = :parts
WHERE rendering = :rendering AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: renderings_trim
-- Late presses come from what a card showed a moment ago. The newest is never removed, so that no number comes twice.
DELETE FROM renderings
WHERE request_key = (SELECT request_key FROM requests WHERE id = :id) AND destination = :destination
  AND rendering < (SELECT min(rendering) FROM (SELECT rendering FROM renderings
                   WHERE request_key = (SELECT request_key FROM requests WHERE id = :id) AND destination = :destination
                   ORDER BY rendering DESC LIMIT :kept) newest);

-- name: renderings_end
-- A card that shows its decision has no buttons.
DELETE FROM renderings
WHERE destination = :destination
  AND request_key = (SELECT request_key FROM requests WHERE id = :id AND status <> 'PENDING');

-- name: rendering_later
-- Whether a card was drawn later just as its message shows now, or last in a way that nobody has heard of.
SELECT 1 FROM requests q JOIN renderings g ON g.request_key = q.request_key
WHERE q.id = :id AND g.rendering > :rendering AND g.destination = :destination
  AND ((g.message = :message AND g.digest = :digest)
       OR (g.digest IS NULL AND g.rendering = (SELECT max(rendering) FROM renderings
                                               WHERE request_key = q.request_key AND destination = :destination)))
LIMIT 1;

-- name: delivery_redraw
-- What stands at a place is edited, whatever it shows.
UPDATE deliveries SET revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE destination = :destination
  AND request_key = (SELECT request_key FROM requests WHERE id = :id AND status = 'PENDING');

-- name: delivery_replace
-- A message that cannot be compared any more is replaced by a new one, and locked once that stands.
UPDATE deliveries SET former = reference, reference = NULL, revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE destination = :destination AND reference = :reference
  AND request_key = (SELECT request_key FROM requests WHERE id = :id AND status = 'PENDING');

-- name: delivery_close_later
-- A message that is none of ours is locked once the card itself stands.
UPDATE deliveries SET former = :message, revision_wanted = revision_wanted + 1, next_attempt = NULL
WHERE destination = :destination AND former IS NULL
  AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: deliveries_tell_mismatch
-- The first mismatch of cards that operators have heard of none yet; of all of a request where no place is named.
UPDATE deliveries SET mismatch_told = 1
WHERE mismatch_told = 0 AND (CAST(:destination AS TEXT) IS NULL OR destination = :destination)
  AND request_key = (SELECT request_key FROM requests WHERE id = :id) RETURNING destination;

-- name: delivery_shown
UPDATE deliveries SET reference = :reference, former = CASE WHEN former = :former THEN NULL ELSE former END,
                      revision_shown = :revision, attempts = 0,
                      next_attempt = CASE WHEN revision_wanted > :revision THEN NULL ELSE CAST(:quiet_until AS BIGINT) END, last_error = NULL
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id)
  AND revision_wanted >= :revision;

-- name: request_place
SELECT q.request_key, r.run_id FROM requests q JOIN runs r ON r.run_key = q.run_key WHERE q.id = ?;

-- name: delivery_told
-- The first time that a place shows a revision of the question; no row where the trail says so already.
UPDATE deliveries SET told_revision = :revision
WHERE destination = :destination AND told_revision < :revision
  AND request_key = (SELECT request_key FROM requests WHERE id = :id) RETURNING request_key;

-- name: delivery_failed
UPDATE deliveries SET last_error = :error, next_attempt = :next_attempt
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: delivery_refusal_is_news
-- Cards are marked by the reason for which they were refused until they are shown.
SELECT destination FROM deliveries
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id)
  AND (last_error IS NULL OR last_error <> :error);

-- name: delivery_refused
-- Nothing more is wanted of it, with a reason: the platform takes no card that reads so.
UPDATE deliveries SET last_error = :error, revision_shown = :revision, attempts = 0, next_attempt = NULL
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id)
  AND revision_wanted >= :revision;

-- name: deliveries_retry_refused
-- Another sayso may put it differently. What was decided meanwhile needs no card any more.
UPDATE deliveries SET revision_wanted = revision_wanted + 1
WHERE request_key IN (SELECT q.request_key FROM runs r CROSS JOIN requests q ON q.run_key = r.run_key
                      WHERE r.ended_at IS NULL AND q.status = 'PENDING')
  AND last_error IS NOT NULL AND dead_since IS NULL AND revision_shown = revision_wanted;

-- name: delivery_gone
-- The message was deleted: the next one is a new message.
UPDATE deliveries SET reference = NULL, former = NULL, revision_shown = 0, next_attempt = NULL
WHERE destination = :destination AND request_key = (SELECT request_key FROM requests WHERE id = :id);

-- name: deliveries_bury
-- Nothing can be shown there: what waits for this place waits no longer.
UPDATE deliveries SET dead_since = :now, last_error = :error
WHERE destination = :destination AND revision_shown < revision_wanted AND dead_since IS NULL;

-- name: deliveries_revive
UPDATE deliveries SET dead_since = NULL, next_attempt = NULL WHERE destination = :destination AND dead_since IS NOT NULL;

-- name: dead_places
SELECT destination, min(dead_since) AS since, max(last_error) AS error, count(*) AS cards FROM deliveries
WHERE dead_since IS NOT NULL GROUP BY destination;

-- name: deliveries_post_anew
-- Open cards that were shown at destinations between two are sent as new messages; the present ones are locked.
UPDATE deliveries SET former = reference, reference = NULL, notice = :notice, revision_wanted = revision_wanted + 1,
                      next_attempt = NULL
WHERE (request_key, destination) IN (
    SELECT d.request_key, d.destination
    FROM requests q INDEXED BY requests_open CROSS JOIN deliveries d ON d.request_key = q.request_key
    WHERE q.status = 'PENDING' AND d.reference IS NOT NULL AND d.destination >= :lowest AND d.destination < :upto);

-- name: undelivered_count
SELECT count(*) AS cards FROM deliveries WHERE revision_shown < revision_wanted AND dead_since IS NULL;

-- name: pending_count
SELECT count(*) AS requests,
       (SELECT o.asked_at FROM requests o INDEXED BY requests_open
        WHERE o.status = 'PENDING' ORDER BY o.request_key LIMIT 1) AS oldest
FROM requests q INDEXED BY requests_open WHERE q.status = 'PENDING';

-- name: held_count
SELECT count(*) AS runs FROM runs r WHERE r.status = 'NEEDS_ATTENTION';

-- name: card
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by,
       r.workflow, r.status AS run_status, coalesce(r.node_id, v.node_id) AS run_node,
       r.ended_at AS run_ended_at, q.revised_at,
       NOT EXISTS (SELECT 1 FROM requests n INDEXED BY requests_of_run WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT json_group_array(json_array(v.person, coalesce(a.person, v.person), e.via, json(e.value), e.received_at,
                                           e.comment, json(coalesce((SELECT json_group_array(o.account) FROM accounts o
                                                                     WHERE o.person = a.person), '[]')),
                                           json(v.groups), e.break_glass, v.event))
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT json_group_array(json_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by))
        FROM grants g WHERE g.request_key = q.request_key) AS grants
FROM requests q JOIN runs r ON r.run_key = q.run_key JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit
WHERE q.id = :id;

-- name: before_answer
-- The columns are those of `card`; with all that is the same person as an account, and the card as it was drawn once.
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by,
       r.workflow, r.status AS run_status, coalesce(r.node_id, v.node_id) AS run_node,
       r.ended_at AS run_ended_at, q.revised_at,
       NOT EXISTS (SELECT 1 FROM requests n INDEXED BY requests_of_run WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT json_group_array(json_array(v.person, coalesce(a.person, v.person), e.via, json(e.value), e.received_at,
                                           e.comment, json(coalesce((SELECT json_group_array(o.account) FROM accounts o
                                                                     WHERE o.person = a.person), '[]')),
                                           json(v.groups), e.break_glass, v.event))
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT json_group_array(json_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by))
        FROM grants g WHERE g.request_key = q.request_key) AS grants,
       (SELECT json_group_array(own.id)
        FROM (SELECT a.person AS id FROM accounts a WHERE a.account = :account
              UNION ALL SELECT o.account FROM accounts a JOIN accounts o ON o.person = a.person WHERE a.account = :account
              UNION ALL SELECT o.account FROM accounts o WHERE o.person = :account) own) AS ids,
       (SELECT json_array(g.rendering, g.destination, g.message, g.digest, json(g.parts))
        FROM renderings g WHERE g.request_key = q.request_key AND g.rendering = :rendering) AS drawn
FROM requests q JOIN runs r ON r.run_key = q.run_key JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit
WHERE q.id = :id;

-- name: cards_open
-- The columns are those of `card`.
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by,
       r.workflow, r.status AS run_status, coalesce(r.node_id, v.node_id) AS run_node,
       r.ended_at AS run_ended_at, q.revised_at,
       NOT EXISTS (SELECT 1 FROM requests n INDEXED BY requests_of_run WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT json_group_array(json_array(v.person, coalesce(a.person, v.person), e.via, json(e.value), e.received_at,
                                           e.comment, json(coalesce((SELECT json_group_array(o.account) FROM accounts o
                                                                     WHERE o.person = a.person), '[]')),
                                           json(v.groups), e.break_glass, v.event))
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT json_group_array(json_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by))
        FROM grants g WHERE g.request_key = q.request_key) AS grants, q.request_key
FROM json_each(:keys) wanted CROSS JOIN requests q ON q.request_key = wanted.value JOIN runs r ON r.run_key = q.run_key JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit
WHERE q.status = 'PENDING' ORDER BY wanted.key;

-- name: person_known
INSERT INTO people (person, name, folded, known_at) VALUES (:person, :name, :folded, :now)
ON CONFLICT (person) DO UPDATE SET name = excluded.name, folded = excluded.folded, known_at = excluded.known_at
WHERE people.name <> excluded.name OR people.folded <> excluded.folded;

-- name: people_names
-- With whose account each is, an account by which somebody can be told who is none, and everybody who is called alike;
-- then, with `folded`, everybody of some names, without people who are nobody any more.
SELECT wanted.value AS person, p.name, coalesce(a.person, wanted.value) AS whose,
       (SELECT json_group_array(coalesce(oa.person, o.person)) FROM people o LEFT JOIN accounts oa ON oa.account = o.person
        WHERE o.folded = p.folded AND (o.person NOT LIKE 'person:%' OR EXISTS (SELECT 1 FROM accounts e WHERE e.person = o.person))
       ) AS alike,
       coalesce((SELECT min(o.account) FROM accounts o WHERE o.person = wanted.value AND wanted.value LIKE 'person:~%'),
                wanted.value) AS account,
       NULL AS folded
FROM json_each(:people) AS wanted LEFT JOIN people p ON p.person = wanted.value
LEFT JOIN accounts a ON a.account = wanted.value
UNION ALL
SELECT NULL, NULL, coalesce(a.person, p.person), NULL, NULL, p.folded
FROM json_each(:folded) AS wanted CROSS JOIN people p ON p.folded = wanted.value LEFT JOIN accounts a ON a.account = p.person
WHERE p.person NOT LIKE 'person:%' OR EXISTS (SELECT 1 FROM accounts o WHERE o.person = p.person);

-- name: note
SELECT value FROM notes WHERE surface = :surface AND key = :key;

-- name: note_keep
INSERT INTO notes (surface, key, value, kept_at) VALUES (:surface, :key, :value, :now)
ON CONFLICT (surface, key) DO UPDATE SET value = excluded.value, kept_at = excluded.kept_at;

-- name: notes_adopt
-- Notes whose keys begin with a prefix are within something from now on, which stands behind the prefix.
UPDATE notes SET key = :prefix || :within || ':' || substr(key, length(:prefix) + 1)
WHERE surface = :surface AND key >= :prefix AND key < :upto;

-- name: deliveries_adopt
UPDATE deliveries SET reference = :within || ':' || reference, former = :within || ':' || former
WHERE destination >= :lowest AND destination < :upto AND (reference IS NOT NULL OR former IS NOT NULL);

-- name: renderings_adopt
UPDATE renderings SET message = :within || ':' || message
WHERE destination >= :lowest AND destination < :upto AND message IS NOT NULL;

-- name: notes_forget
DELETE FROM notes WHERE surface = :surface AND key >= :prefix AND key < :end AND kept_at < :before;

-- name: note_claim
INSERT INTO notes (surface, key, value, kept_at) VALUES (:surface, :key, 'true', :now)
ON CONFLICT (surface, key) DO NOTHING;

-- name: note_forget
DELETE FROM notes WHERE surface = :surface AND key = :key;

-- name: notes_kept
-- Those whose keys begin with a prefix; `upto` is the prefix with its last character's successor.
SELECT key, value FROM notes WHERE surface = :surface AND key >= :prefix AND key < :upto;

-- name: request_withdraw
UPDATE requests SET status = 'WITHDRAWN', resolved_at = :now
WHERE run_key = :run_key AND id = :id AND status = 'PENDING' RETURNING request_key;

-- name: request_resolution
SELECT q.id, q.status, q.answer, q.decided, q.resolved_at, q.resolved_by FROM requests q WHERE q.id = :id;

-- name: request_for_answer
-- With what was recorded for this person's event key, if it was seen before. The columns are those of `Answerable`.
SELECT q.request_key, q.run_key, q.id, q.node_id, q.question, q.digest, q.revision, q.policy, q.deadline,
       q.status, q.answer, q.resolved_at, q.resolved_by, q.requested_by, q.note, r.asked_in, r.run_id, r.workflow, r.status,
       r.resolutions,
       (SELECT coalesce(max(e.event), 0) FROM events e WHERE e.request_key = q.request_key),
       (SELECT a.person FROM accounts a WHERE a.account = ?2),
       known.revision, known.value, known.comment, known.break_glass, known.offer, known.outcome, known.reason
FROM requests q JOIN runs r ON r.run_key = q.run_key
LEFT JOIN events known ON known.request_key = q.request_key AND known.person = ?2 AND known.event_key = ?3
WHERE q.id = ?1;

-- name: votes_current
-- With whose account each came from, and with that person's other accounts.
SELECT json_group_array(json_array(v.person, coalesce(a.person, v.person), e.via, json(e.value), e.received_at, e.comment,
                                   json(coalesce((SELECT json_group_array(o.account) FROM accounts o
                                                  WHERE o.person = a.person), '[]')),
                                   json(v.groups), e.break_glass, v.event)) AS votes
FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
LEFT JOIN accounts a ON a.account = v.person
WHERE v.request_key = ?;

-- name: event_insert
INSERT INTO events (request_key, event, event_key, revision, person, via, value, comment, received_at,
                    recorded_at, outcome, reason, break_glass, offer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: vote_upsert
INSERT INTO votes (request_key, person, event, groups) VALUES (?, ?, ?, ?)
ON CONFLICT (request_key, person) DO UPDATE SET event = excluded.event, groups = excluded.groups;

-- name: votes_of_person_remove
-- A vote of theirs by any account: the next one stands for the person.
DELETE FROM votes WHERE request_key = ? AND person IN (SELECT account FROM accounts WHERE person = ?);

-- name: vote_remove
DELETE FROM votes WHERE request_key = ? AND person = ?;

-- name: request_answer
-- No row changed: somebody was first, or the question changed.
UPDATE requests SET status = 'ANSWERED', answer = ?, decided = ?, resolved_at = ?, resolved_by = ?
WHERE request_key = ? AND status = 'PENDING' AND revision = ?;

-- name: run_resolve
-- A request of the run came to its end: the run can go on, unless it waits for an operator.
UPDATE runs SET resolutions = ?, status = ?, updated_at = ? WHERE run_key = ?;

-- name: refusal_count
INSERT INTO refusals (request_key, person, outcome, count, last_at) VALUES (:request_key, :person, :outcome, 1, :now)
ON CONFLICT (request_key, person, outcome) DO UPDATE SET count = refusals.count + 1, last_at = excluded.last_at
RETURNING count;

-- name: request_due
-- The one that is due longest. The columns are those of `Due`.
SELECT q.request_key, q.id, q.run_key, q.default_value, q.policy, q.deadline, q.requested_by, r.asked_in, r.run_id,
       r.workflow, r.status, r.resolutions
FROM requests q JOIN runs r ON r.run_key = q.run_key
WHERE q.status = 'PENDING' AND q.deadline <= :until
ORDER BY q.deadline LIMIT 1;

-- name: request_due_of_run
SELECT q.request_key, q.id, q.run_key, q.default_value, q.policy, q.deadline, q.requested_by, r.asked_in, r.run_id,
       r.workflow, r.status, r.resolutions
FROM runs r JOIN requests q ON q.run_key = r.run_key AND q.visit = r.visit
WHERE r.run_id = :run_id AND q.status = 'PENDING' AND q.deadline <= :until
ORDER BY q.deadline LIMIT 1;

-- name: next_deadline
SELECT q.deadline AS at FROM requests q WHERE q.status = 'PENDING' AND q.deadline IS NOT NULL ORDER BY q.deadline LIMIT 1;

-- name: next_reminder
SELECT q.remind_at AS at FROM requests q WHERE q.status = 'PENDING' AND q.remind_at IS NOT NULL ORDER BY q.remind_at LIMIT 1;

-- name: next_escalation
SELECT q.escalate_at AS at FROM requests q WHERE q.status = 'PENDING' AND q.escalate_at IS NOT NULL
ORDER BY q.escalate_at LIMIT 1;

-- name: next_due_of_run
SELECT min(q.deadline) AS deadline, min(q.remind_at) AS remind_at, min(q.escalate_at) AS escalate_at
FROM runs r JOIN requests q ON q.run_key = r.run_key AND q.visit = r.visit
WHERE r.run_id = :run_id AND q.status = 'PENDING';

-- name: request_to_remind
SELECT q.request_key, q.id, q.policy, q.reminders, q.requested_by, r.run_id FROM requests q JOIN runs r ON r.run_key = q.run_key
WHERE q.status = 'PENDING' AND q.remind_at <= :now ORDER BY q.remind_at LIMIT 1;

-- name: request_to_remind_of_run
SELECT q.request_key, q.id, q.policy, q.reminders, q.requested_by, r.run_id
FROM runs r JOIN requests q ON q.run_key = r.run_key AND q.visit = r.visit
WHERE r.run_id = :run_id AND q.status = 'PENDING' AND q.remind_at <= :now ORDER BY q.remind_at LIMIT 1;

-- name: request_reminded
UPDATE requests SET remind_at = ?, reminders = reminders + 1 WHERE request_key = ?;

-- name: request_to_escalate
SELECT q.request_key, q.id, q.policy, q.reminders, q.requested_by, r.run_id FROM requests q JOIN runs r ON r.run_key = q.run_key
WHERE q.status = 'PENDING' AND q.escalate_at <= :now ORDER BY q.escalate_at LIMIT 1;

-- name: request_to_escalate_of_run
SELECT q.request_key, q.id, q.policy, q.reminders, q.requested_by, r.run_id
FROM runs r JOIN requests q ON q.run_key = r.run_key AND q.visit = r.visit
WHERE r.run_id = :run_id AND q.status = 'PENDING' AND q.escalate_at <= :now ORDER BY q.escalate_at LIMIT 1;

-- name: request_escalated
UPDATE requests SET escalate_at = NULL, policy = ? WHERE request_key = ?;

-- name: request_policy
UPDATE requests SET policy = ? WHERE request_key = ?;

-- name: request_for_change
-- What a withdrawal and a hand-over need. The columns are those of `Changeable`.
SELECT q.request_key, q.run_key, q.id, q.revision, q.policy, q.status, q.requested_by, q.resolved_at, r.run_id, r.workflow,
       r.requested_by, r.status, r.resolutions, (SELECT a.person FROM accounts a WHERE a.account = ?2)
FROM requests q JOIN runs r ON r.run_key = q.run_key WHERE q.id = ?1;

-- name: request_take_back
UPDATE requests SET status = 'WITHDRAWN', resolved_at = ?, resolved_by = ? WHERE request_key = ? AND status = 'PENDING';

-- name: request_used
UPDATE requests SET used_by = :visit WHERE id = :id AND run_key = :run_key AND used_by IS NULL RETURNING id;

-- name: approvals_of_run
SELECT id, digest, decided, policy, used_by FROM requests
WHERE run_key = :run_key AND status = 'ANSWERED' AND answer = '"approve"' AND decided IS NOT NULL;

-- name: accounts_of_person
SELECT account FROM accounts WHERE person = ?;

-- name: account_find
SELECT account, person, linked_at FROM accounts WHERE account = ?;

-- name: ids_of_entry
-- The person whose account this is, or what it is itself; then all accounts of theirs.
SELECT coalesce((SELECT a.person FROM accounts a WHERE a.account = ?1), ?1) AS id
UNION ALL
SELECT o.account FROM accounts o WHERE o.person = coalesce((SELECT a.person FROM accounts a WHERE a.account = ?1), ?1);

-- name: ids_of_account
-- Of whoever has an account, or is named as `person:NAME`.
SELECT a.person AS id FROM accounts a WHERE a.account = :account
UNION ALL SELECT o.account FROM accounts a JOIN accounts o ON o.person = a.person WHERE a.account = :account
UNION ALL SELECT o.account FROM accounts o WHERE o.person = :account;

-- name: accounts_list
-- Without the other forms of accounts.
SELECT account, person, linked_at FROM accounts WHERE is_form = 0 ORDER BY person, account;

-- name: accounts_in_forms
SELECT account, person, linked_at, is_form FROM accounts;

-- name: accounts_forget_directory
DELETE FROM accounts WHERE linked_at IS NULL;

-- name: account_put
INSERT INTO accounts (account, person, linked_at) VALUES (:account, :person, :linked_at)
ON CONFLICT (account) DO UPDATE SET person = excluded.person, linked_at = excluded.linked_at, is_form = 0;

-- name: account_put_form
INSERT INTO accounts (account, person, is_form) VALUES (?, ?, 1);

-- name: account_forget_form
DELETE FROM accounts WHERE account = ? AND is_form = 1 RETURNING account;

-- name: account_owners
-- Whose the forms of an account are by the directory or a link, the directory's first.
SELECT a.person, a.linked_at FROM json_each(?) AS wanted CROSS JOIN accounts a ON a.account = wanted.value
WHERE a.is_form = 0 ORDER BY a.linked_at IS NOT NULL, a.linked_at, a.account;

-- name: accounts_linked_to
SELECT account FROM accounts WHERE person = ? AND linked_at IS NOT NULL;

-- name: forms_of
SELECT form FROM account_forms WHERE account = ? ORDER BY form;

-- name: form_find
SELECT account FROM account_forms WHERE form = ?;

-- name: form_put
INSERT INTO account_forms (form, account) VALUES (?, ?) ON CONFLICT (form) DO UPDATE SET account = excluded.account;

-- name: form_remove
DELETE FROM account_forms WHERE form = ?;

-- name: forms_list
SELECT DISTINCT account FROM account_forms ORDER BY account;

-- name: account_remove
DELETE FROM accounts WHERE account = ? AND linked_at IS NOT NULL RETURNING person;

-- name: accounts_of_nobody
-- The last account of somebody whom no directory names is nobody's but its own.
DELETE FROM accounts WHERE person = :person AND linked_at IS NOT NULL
  AND (SELECT count(*) FROM accounts o WHERE o.person = :person AND o.is_form = 0) = 1 RETURNING account;

-- name: accounts_of_gone_people
-- Links to people whom the directory does not have any more.
DELETE FROM accounts WHERE linked_at IS NOT NULL AND person LIKE 'person:%' AND person NOT LIKE 'person:~%'
  AND NOT EXISTS (SELECT 1 FROM json_each(:people) known WHERE known.value = accounts.person);

-- name: person_voting
-- Whether somebody's vote counts in an open question: by any account.
SELECT count(*) AS votes FROM votes v JOIN requests q ON q.request_key = v.request_key
WHERE q.status = 'PENDING' AND v.person IN (SELECT account FROM accounts WHERE person = ?);

-- name: person_excluded
-- Whether somebody may not approve an open question, which they asked for or made by any account.
SELECT count(*) AS questions FROM requests q JOIN json_each(q.policy, '$.excluded') excluded
WHERE q.status = 'PENDING'
  AND (excluded.value = :person OR excluded.value IN (SELECT account FROM accounts WHERE person = :person));

-- name: link_code_put
INSERT INTO link_codes (account, hash, expires_at) VALUES (:account, :hash, :expires_at)
ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at, presented_by = NULL, agreed = 0;

-- name: link_code_find
SELECT account, presented_by, agreed FROM link_codes WHERE hash = :hash AND expires_at > :now;

-- name: link_code_present
-- The first account that sends a code keeps it.
UPDATE link_codes SET presented_by = :account WHERE hash = :hash AND presented_by IS NULL;

-- name: link_code_agree
UPDATE link_codes SET agreed = 1 WHERE hash = ?;

-- name: link_code_remove
DELETE FROM link_codes WHERE hash = ?;

-- name: link_codes_forget
DELETE FROM link_codes WHERE expires_at <= :now;

-- name: delivery_add
-- A further place for a request's card; harmless where there is one.
INSERT INTO deliveries (request_key, destination) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: places_of_request
SELECT destination FROM deliveries WHERE request_key = ? AND dead_since IS NULL;

-- name: places_shown
-- Where people have seen a request's question.
SELECT destination FROM deliveries WHERE request_key = ? AND dead_since IS NULL AND told_revision > 0;

-- name: notice_add
INSERT INTO notices (request_key, destination, kind, payload, at) VALUES (?, ?, ?, ?, ?);

-- name: reminders_forget
-- A new reminder stands for one that was not sent yet.
DELETE FROM notices WHERE request_key = ? AND kind = 'reminder';

-- name: notice_due
-- The oldest message for a place; one at a time, in their order.
SELECT n.notice_key, q.id, n.destination, n.kind, n.payload, n.at, n.attempts, d.reference
FROM notices n JOIN requests q ON q.request_key = n.request_key
LEFT JOIN deliveries d ON d.request_key = n.request_key AND d.destination = n.destination
WHERE n.destination = :destination AND (n.next_attempt IS NULL OR n.next_attempt <= :now)
ORDER BY n.notice_key LIMIT 1;

-- name: notices_on_card
-- Messages of a kind for a place about the other questions of a batch that stand on one card with a request.
SELECT n.notice_key, q.id, n.destination, n.kind, n.payload, n.at, n.attempts, d.reference
FROM requests asked CROSS JOIN requests q ON q.first_on_card = asked.first_on_card AND q.id <> asked.id
CROSS JOIN notices n ON n.request_key = q.request_key
LEFT JOIN deliveries d ON d.request_key = n.request_key AND d.destination = n.destination
WHERE asked.id = :id AND n.destination = :destination AND n.kind = :kind
ORDER BY n.notice_key;

-- name: notice_next_attempt
SELECT min(next_attempt) AS next_attempt FROM notices WHERE destination = :destination;

-- name: notice_sent
DELETE FROM notices WHERE notice_key = ?;

-- name: notice_failed
UPDATE notices SET attempts = attempts + 1, next_attempt = ? WHERE notice_key = ?;

-- name: request_expire
UPDATE requests SET status = 'EXPIRED', answer = default_value, resolved_at = ? WHERE request_key = ? AND status = 'PENDING';

-- name: step_begin
INSERT INTO steps (run_key, visit, name, arguments, begun_at) VALUES (:run_key, :visit, :name, :arguments, :now);

-- name: step_record
INSERT INTO steps (run_key, visit, name, arguments, result, begun_at, ended_at)
VALUES (:run_key, :visit, :name, :arguments, :result, coalesce(:begun_at, :now), :now)
ON CONFLICT (run_key, visit, name) DO UPDATE SET arguments = excluded.arguments, result = excluded.result,
                                                 ended_at = excluded.ended_at;

-- name: step_delete
DELETE FROM steps WHERE run_key = :run_key AND visit = :visit AND name = :name;

-- name: step_rebind
-- The recorded result stands for the arguments that the code has now.
UPDATE steps SET arguments = :arguments WHERE run_key = :run_key AND visit = :visit AND name = :name;

-- name: run_hold
UPDATE runs SET status = 'NEEDS_ATTENTION', attention = :attention, stops = stops + 1, updated_at = :now
WHERE run_key = :run_key AND visit = :visit AND status IN ('RUNNING', 'WAITING_FOR_INPUT') RETURNING run_id;

-- name: run_attended
UPDATE runs SET status = 'RUNNING', attention = NULL, updated_at = :now, cut_off = 0
WHERE run_key = :run_key AND status = 'NEEDS_ATTENTION' RETURNING run_id;

-- name: request_policy_of
SELECT policy FROM requests WHERE run_key = :run_key AND visit = :visit AND name = :name;

-- name: request_ask_again
-- An operator has the changed question answered anew, with no deadline: the old one may have passed.
UPDATE requests SET status = 'PENDING', question = :question, digest = :digest, digest_version = :digest_version,
                    answer = NULL, decided = NULL, resolved_at = NULL, resolved_by = NULL, deadline = NULL,
                    policy = :policy, remind_at = :remind_at, escalate_at = :escalate_at, reminders = 0,
                    revision = revision + 1, revised_at = :now
WHERE run_key = :run_key AND visit = :visit AND name = :name AND status IN ('ANSWERED', 'EXPIRED')
RETURNING request_key, id, policy;

-- name: request_rebind
-- An operator lets the recorded answer stand for the changed question.
UPDATE requests SET question = :question, digest = :digest, digest_version = :digest_version
WHERE run_key = :run_key AND visit = :visit AND name = :name RETURNING request_key, id;

-- name: request_drop
-- An operator lets the visit end without an answer that its code no longer asks for.
UPDATE requests SET attempt = -1 WHERE run_key = :run_key AND visit = :visit AND name = :name RETURNING request_key, id;

-- name: run_cancel
UPDATE runs SET status = 'CANCELLED', attention = NULL, node_id = NULL, updated_at = :now, ended_at = :now,
                shared = (SELECT coalesce(v.parked, v.entry) FROM visits v
                          WHERE v.run_key = runs.run_key AND v.visit = runs.visit)
WHERE run_key = :run_key AND ended_at IS NULL RETURNING run_id;

-- name: requests_cancel_open
UPDATE requests SET status = 'CANCELLED', resolved_at = :now, resolved_by = :person
WHERE run_key = :run_key AND status = 'PENDING' RETURNING request_key, id;

-- name: run_retry
UPDATE runs SET status = 'RUNNING', visit = :next_visit, shared = NULL, error = NULL, ended_at = NULL, updated_at = :now,
                node_id = (SELECT v.node_id FROM visits v WHERE v.run_key = runs.run_key AND v.visit = runs.visit)
WHERE run_key = :run_key AND status = 'FAILED' RETURNING node_id;

-- name: visit_retry
UPDATE visits SET status = 'RUNNING', attempt = attempt + 1, first_attempt = attempt + 1, retry_at = NULL, error = NULL,
                  traceback = NULL, parked = NULL, ended_at = NULL
WHERE run_key = :run_key AND visit = :visit;

-- name: visit_again
INSERT INTO visits (run_key, visit, node_id, status, entry, definition_key, begun_at)
SELECT run_key, visit + 1, node_id, 'RUNNING', entry, definition_key, :now FROM visits
WHERE run_key = :run_key AND visit = :visit;

-- name: runs_to_recover
SELECT run_id FROM runs WHERE status = 'RUNNING' AND workflow = :workflow;

-- name: run_found
-- In the middle of a visit, and not waiting for its next attempt.
UPDATE runs SET cut_off = cut_off + 1
WHERE run_key = :run_key AND visit = :visit AND status = 'RUNNING'
  AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.run_key = runs.run_key AND v.visit = runs.visit AND v.retry_at > :now)
RETURNING cut_off;

-- name: run_not_cut_off
UPDATE runs SET cut_off = 0 WHERE run_key = :run_key AND cut_off > 0;

-- name: run_set_aside
UPDATE runs SET cut_off = -1 WHERE run_id = ? AND status = 'RUNNING';

-- name: runs_set_aside
UPDATE runs SET cut_off = -1 WHERE status = 'RUNNING' AND workflow = ?;

-- name: run_place
SELECT run_key, workflow, visit, node_id FROM runs WHERE run_id = ? AND ended_at IS NULL;

-- name: parked_node_first
-- One seek a node: the first node, by name, at which runs of the workflow stand.
SELECT node_id FROM runs WHERE workflow = :workflow AND ended_at IS NULL
ORDER BY node_id LIMIT 1;

-- name: parked_node_after
SELECT node_id FROM runs WHERE workflow = :workflow AND ended_at IS NULL AND node_id > :node_id
ORDER BY node_id LIMIT 1;

-- name: parked_runs
-- Those that wait, and those that go on with a question still open.
SELECT r.run_id, r.node_id, d.definition FROM runs r
JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit JOIN definitions d ON d.definition_key = v.definition_key
WHERE r.workflow = :workflow AND r.ended_at IS NULL AND (r.status = 'WAITING_FOR_INPUT' OR r.status = 'RUNNING'
  AND EXISTS (SELECT 1 FROM requests q WHERE q.run_key = r.run_key AND q.status = 'PENDING')) ORDER BY r.run_key;

-- name: runs_list
-- The newest first; each filter is off when null.
SELECT r.run_id, r.workflow, r.status, r.node_id, r.visit, r.error, r.attention, r.requested_by, r.created_at, r.updated_at,
       r.stops
FROM runs r
WHERE (CAST(:status AS TEXT) IS NULL OR r.status = :status)
      AND (CAST(:workflow AS TEXT) IS NULL OR r.workflow = :workflow)
ORDER BY r.run_key DESC LIMIT :limit;

-- name: runs_of_people
-- Those that some accounts started, the newest first; of each account, no more is read than is wanted.
SELECT r.run_id, r.workflow, r.status, r.node_id, r.visit, r.error, r.attention, r.requested_by, r.created_at, r.updated_at,
       r.stops
FROM json_each(:people) w CROSS JOIN runs r ON r.requested_by = w.value
WHERE r.run_key IN (SELECT x.run_key FROM runs x
                    WHERE x.requested_by = w.value AND (CAST(:status AS TEXT) IS NULL OR x.status = :status)
                      AND (CAST(:workflow AS TEXT) IS NULL OR x.workflow = :workflow)
                      AND (CAST(:prefix AS TEXT) IS NULL OR x.run_id >= :prefix AND x.run_id < :upto)
                    ORDER BY x.run_key DESC LIMIT :limit)
ORDER BY r.run_key DESC LIMIT :limit;

-- name: run_summary
SELECT r.run_id, r.workflow, r.status, r.node_id, r.visit, r.error, r.attention, r.requested_by, r.created_at, r.updated_at,
       r.stops
FROM runs r WHERE r.run_id = :run_id;

-- name: requests_pending
-- Those asked behind one, the oldest first.
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by, q.request_key
FROM requests q INDEXED BY requests_open CROSS JOIN runs r ON r.run_key = q.run_key
WHERE q.status = 'PENDING' AND q.request_key > :after ORDER BY q.request_key LIMIT :limit;

-- name: requests_pending_of_run
-- A run's open requests are those of the visit at which it stands.
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by, q.request_key
FROM runs r JOIN requests q ON q.run_key = r.run_key AND q.visit = r.visit
WHERE r.run_id = :run_id AND q.status = 'PENDING' AND q.request_key > :after ORDER BY q.request_key LIMIT :limit;

-- name: requests_pending_of_asker
-- Those that somebody asked from outside, by any of their ids.
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by, q.request_key
FROM requests q INDEXED BY requests_open CROSS JOIN runs r ON r.run_key = q.run_key
WHERE q.status = 'PENDING' AND q.request_key > :after
  AND r.workflow = :workflow AND r.requested_by IN (SELECT value FROM json_each(:askers))
ORDER BY q.request_key LIMIT :limit;

-- name: concerned_after
-- The open requests that concern somebody, behind one, the oldest first. `wanted` are pairs of role and entry; of each,
-- no more is read than is wanted.
SELECT DISTINCT c.request_key
FROM json_each(:wanted) w CROSS JOIN concerned c ON c.role = w.value ->> 0 AND c.entry = w.value ->> 1
WHERE c.request_key IN (SELECT x.request_key FROM concerned x
                        WHERE x.role = w.value ->> 0 AND x.entry = w.value ->> 1 AND x.request_key > :start
                        ORDER BY x.request_key LIMIT :limit)
ORDER BY c.request_key LIMIT :limit;

-- name: concerned_before
-- The same before one, the newest first.
SELECT DISTINCT c.request_key
FROM json_each(:wanted) w CROSS JOIN concerned c ON c.role = w.value ->> 0 AND c.entry = w.value ->> 1
WHERE c.request_key IN (SELECT x.request_key FROM concerned x
                        WHERE x.role = w.value ->> 0 AND x.entry = w.value ->> 1 AND x.request_key < :start
                        ORDER BY x.request_key DESC LIMIT :limit)
ORDER BY c.request_key DESC LIMIT :limit;

-- name: request_by_id
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by
FROM requests q JOIN runs r ON r.run_key = q.run_key WHERE q.id = :id;

-- name: request_ids
-- Those that begin so; a whole id comes first.
SELECT id FROM requests WHERE id >= :beginning AND id < :upto ORDER BY id LIMIT :limit;

-- name: run_ids
SELECT run_id FROM runs WHERE run_id >= :beginning AND run_id < :upto ORDER BY run_id LIMIT :limit;

-- name: requests_decided
-- Those that came to their end since then, the newest first: whom they concern, without what they ask. What a rule
-- or a grant decided has been put to nobody.
SELECT q.id, q.policy, q.requested_by FROM requests q
WHERE q.resolved_at >= :since AND substr(coalesce(q.resolved_by, ''), 1, 5) <> 'rule:'
      AND substr(coalesce(q.resolved_by, ''), 1, 6) <> 'grant:' ORDER BY q.resolved_at DESC LIMIT :limit;

-- name: requests_closed
-- Those that came to their end before a place, the newest first: whom they concern, and whether they are what is looked
-- for. No more is read than the limit, however little of it fits.
SELECT q.id, q.request_key, q.resolved_at, q.policy, q.requested_by,
       (:workflow IS NULL OR r.workflow = :workflow)
       AND (:outcome IS NULL OR :outcome = CASE WHEN q.status <> 'ANSWERED' THEN q.status
                                                WHEN q.answer = '"approve"' THEN 'APPROVED'
                                                WHEN q.answer = '"reject"' THEN 'REJECTED' ELSE q.status END)
       AND (NOT :mine OR q.requested_by IN (SELECT value FROM json_each(:people)))
       AND (NOT :voted OR EXISTS (SELECT 1 FROM votes v WHERE v.request_key = q.request_key
                                  AND v.person IN (SELECT value FROM json_each(:people))))
       AND (NOT :granted OR q.resolved_by GLOB 'grant:*')
       AND (:text = '' OR instr(lower(coalesce(q.question ->> '$.prompt', '') || ' ' || q.name || ' ' || r.workflow || ' '
                                      || r.run_id || ' ' || coalesce(q.question ->> '$.details', '')), lower(:text)) > 0) AS fits
FROM requests q INDEXED BY requests_resolved CROSS JOIN runs r ON r.run_key = q.run_key
WHERE q.resolved_at >= :since AND (q.resolved_at, q.request_key) < (:at, :key)
ORDER BY q.resolved_at DESC, q.request_key DESC LIMIT :limit;

-- name: audit_insert
INSERT INTO audit (sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash, position)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: audit_next_of_run
-- The next row's number, and the end of the run's chain: no position where it has none yet, whatever rows from before
-- the run has in the store's.
SELECT coalesce(a.sequence, 0) + 1 AS sequence, e.position, e.hash
FROM (SELECT max(sequence) AS sequence FROM audit) a
LEFT JOIN audit e ON e.sequence = (SELECT max(sequence) FROM audit WHERE run_id = ?);

-- name: audit_next_of_store
-- The same for the store's own chain, which holds the rows from before.
SELECT coalesce(a.sequence, 0) + 1 AS sequence, coalesce(e.position, e.sequence) AS position, e.hash
FROM (SELECT max(sequence) AS sequence FROM audit) a
LEFT JOIN audit e ON e.sequence = (SELECT max(sequence) FROM audit INDEXED BY audit_of_store
                                   WHERE run_id IS NULL OR position IS NULL);

-- name: audit_head
-- The last row of a trail of any schema.
SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1;

-- name: audit_last
SELECT facts, position FROM audit ORDER BY sequence DESC LIMIT 1;

-- name: audit_head_of_store
SELECT sequence, hash FROM audit INDEXED BY audit_of_store
WHERE run_id IS NULL OR position IS NULL ORDER BY sequence DESC LIMIT 1;

-- name: audit_last_anchor
-- No row of a run's chain is before the store's chain took the rows from before.
SELECT sequence FROM audit INDEXED BY audit_of_store
WHERE (run_id IS NULL OR position IS NULL) AND (kind = 'anchored' OR kind = 'chains_begun')
ORDER BY sequence DESC LIMIT 1;

-- name: audit_under_no_anchor
-- The rows of runs behind an anchor.
SELECT run_id, position, hash FROM audit
WHERE sequence > ? AND run_id IS NOT NULL AND position IS NOT NULL ORDER BY sequence;

-- name: audit_page
SELECT sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash,
       position FROM audit
WHERE sequence > :after ORDER BY sequence LIMIT :limit;

-- name: audit_news
-- Rows without what is in them, with the policy of their request, and who asked for it or for their run.
SELECT a.sequence, a.at, a.kind, a.run_id, a.request_id, q.policy,
       CASE WHEN a.request_id IS NULL THEN r.requested_by ELSE q.requested_by END AS requested_by
FROM audit a LEFT JOIN requests q ON q.id = a.request_id LEFT JOIN runs r ON r.run_id = a.run_id
WHERE a.sequence > :after ORDER BY a.sequence LIMIT :limit;

-- name: audit_page_of_run
SELECT sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash,
       position FROM audit
WHERE run_id = :run_id AND sequence > :after ORDER BY sequence LIMIT :limit;

-- name: audit_tail_of_run
-- The latest first.
SELECT sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash,
       position FROM audit
WHERE run_id = :run_id ORDER BY sequence DESC LIMIT :limit;

-- name: audit_redact
UPDATE audit SET payload = NULL WHERE run_id = :run_id AND payload IS NOT NULL;

-- name: tracebacks_drop
UPDATE visits SET traceback = NULL WHERE run_key = (SELECT run_key FROM runs WHERE run_id = :run_id);

-- name: prune
-- A bounded number at a time; everything of a run goes with it, but the audit trail stays.
DELETE FROM runs WHERE run_key IN (SELECT run_key FROM runs WHERE ended_at < :before ORDER BY ended_at LIMIT 500)
RETURNING run_id;

-- name: prune_count
SELECT count(*) AS runs FROM runs WHERE ended_at < :before;

-- name: credential_add
INSERT INTO credentials (hash, kind, person, made_at, expires_at, scopes, bounds)
VALUES (:hash, :kind, :person, :now, :expires_at, :scopes, :bounds)
ON CONFLICT (person) WHERE kind = 'TOKEN' DO NOTHING;

-- name: credentials_forget_expired
-- A token that has expired is kept until another takes its place, so that whoever calls with it hears why it fails.
DELETE FROM credentials
WHERE expires_at IS NOT NULL AND expires_at <= :now AND (kind <> 'TOKEN' OR (:kind = 'TOKEN' AND person = :person))
RETURNING hash;

-- name: link_replace
DELETE FROM credentials WHERE kind = 'LINK' AND person = :person RETURNING hash;

-- name: credential_take
-- A link works once: whoever deletes it has it.
DELETE FROM credentials WHERE hash = :hash AND kind = :kind AND (expires_at IS NULL OR expires_at > :now)
RETURNING person;

-- name: credential_person
SELECT person FROM credentials WHERE hash = :hash AND kind = :kind AND (expires_at IS NULL OR expires_at > :now);

-- name: credential_stands
SELECT 1 FROM credentials WHERE hash = :hash AND (expires_at IS NULL OR expires_at > :now);

-- name: token_find
SELECT kind, person, made_at, expires_at, scopes, bounds FROM credentials WHERE hash = :hash AND kind = 'TOKEN';

-- name: token_remove
DELETE FROM credentials WHERE kind = 'TOKEN' AND person = :person RETURNING hash;

-- name: sessions_remove
DELETE FROM credentials WHERE (kind = 'SESSION' OR kind = 'LINK') AND person = :person RETURNING hash;

-- name: credentials_list
-- With the tokens that have expired.
SELECT kind, person, made_at, expires_at, scopes, bounds FROM credentials
WHERE kind = 'TOKEN' OR expires_at > :now ORDER BY kind, person, made_at;

-- name: command_find
SELECT c.digest, r.run_id, c.request FROM commands c JOIN runs r USING (run_key) WHERE c.person = :person AND c.key = :key;

-- name: command_add
INSERT INTO commands (person, key, digest, run_key, request) VALUES (:person, :key, :digest, :run_key, :request)
ON CONFLICT DO NOTHING;

-- name: visits_of_run
-- The latest first.
SELECT v.visit, v.node_id, v.status, v.attempt, v.error, v.traceback, v.begun_at, v.ended_at
FROM runs r JOIN visits v USING (run_key) WHERE r.run_id = :run_id ORDER BY v.visit DESC LIMIT :limit;

-- name: visit_states
-- The state when each visit began, and as it left it: what the next one found, or the run's end, or where it is parked.
WITH states AS (
    SELECT v.visit, v.entry AS before,
           coalesce(n.entry, CASE WHEN v.visit = r.visit THEN r.shared END, v.parked, v.entry) AS after
    FROM runs r JOIN visits v ON v.run_key = r.run_key LEFT JOIN visits n ON n.run_key = v.run_key AND n.visit = v.visit + 1
    WHERE r.run_id = :run_id AND v.visit BETWEEN :first AND :last
)
SELECT visit, CASE WHEN length(before) <= :longest THEN before END AS before,
       CASE WHEN length(after) <= :longest THEN after END AS after
FROM states ORDER BY visit;

-- name: visits_steps
-- What is long is cut: whoever reads it sees its beginning.
SELECT s.visit, s.name, substr(s.arguments, 1, :longest) AS arguments, substr(s.result, 1, :longest) AS result,
       s.begun_at, s.ended_at
FROM runs r JOIN steps s ON s.run_key = r.run_key
WHERE r.run_id = :run_id AND s.visit BETWEEN :first AND :last ORDER BY s.step_key LIMIT :limit;

-- name: run_requests_after
-- What a run has asked, behind one, in the order of asking.
SELECT q.id, q.request_key FROM runs r CROSS JOIN requests q INDEXED BY requests_of_run ON q.run_key = r.run_key
WHERE r.run_id = :run_id AND q.request_key > :start ORDER BY q.request_key LIMIT :limit;

-- name: run_requests_before
SELECT q.id, q.request_key FROM runs r CROSS JOIN requests q INDEXED BY requests_of_run ON q.run_key = r.run_key
WHERE r.run_id = :run_id AND q.request_key < :start ORDER BY q.request_key DESC LIMIT :limit;

-- name: run_policies
-- Under which policies a run has asked, each once.
SELECT DISTINCT q.policy FROM runs r JOIN requests q ON q.run_key = r.run_key WHERE r.run_id = :run_id;

-- What the audit trail keeps digests of. A column that is added to a table is added here, or to `OUTSIDE` in
-- `store/_evidence.py` with the reason; a test holds the two against the schema.

-- name: evidence_runs
-- While a run is live, where it stands changes without a row of the trail.
SELECT run_id, workflow, CASE WHEN status = 'RUNNING' OR status = 'WAITING_FOR_INPUT' THEN 'LIVE' ELSE status END AS status,
       shared, error, attention, requested_by, created_at, ended_at, asked_in, stops, requester_ids
FROM runs WHERE run_id = ?;

-- name: evidence_requests
SELECT q.id, r.run_id, q.visit, q.name, q.node_id, q.attempt, q.question, q.digest, q.digest_version, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by, q.revised_at, q.remind_at, q.reminders, q.escalate_at, q.used_by
FROM requests q JOIN runs r ON r.run_key = q.run_key WHERE q.id = ?;

-- name: evidence_events
SELECT e.event, e.event_key, e.revision, e.person, e.via, e.value, e.comment, e.received_at, e.recorded_at, e.outcome,
       e.reason, e.break_glass
FROM requests q JOIN events e ON e.request_key = q.request_key WHERE q.id = ? AND e.event = ?;

-- name: evidence_votes
SELECT v.person, v.event, v.groups
FROM requests q JOIN votes v ON v.request_key = q.request_key WHERE q.id = ? ORDER BY v.person;

-- name: evidence_deliveries
SELECT d.destination, d.told_revision, d.mismatch_told
FROM requests q JOIN deliveries d ON d.request_key = q.request_key WHERE q.id = ? ORDER BY d.destination;

-- name: evidence_accounts
SELECT account, person, linked_at, is_form FROM accounts WHERE account = ?;

-- name: evidence_account_forms
SELECT form, account FROM account_forms WHERE form = ?;

-- name: evidence_credentials
-- Bounds are beside the scopes, so that the seals of tokens without them, and of earlier versions, stay as they are.
SELECT hash, kind, person, made_at, expires_at,
       CASE WHEN bounds IS NULL THEN scopes ELSE coalesce(scopes, '') || ' ' || bounds END AS "scopes, bounds"
FROM credentials WHERE hash = ?;

-- name: evidence_trail
SELECT sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash,
       position FROM audit ORDER BY sequence;

-- name: evidence_trail_by_run
SELECT sequence, at, kind, run_id, request_id, person, via, payload, payload_digest, facts, hash,
       position FROM audit
WHERE run_id IS NOT NULL ORDER BY run_id, sequence;

-- name: evidence_untold_runs
SELECT run_id FROM runs r WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.run_id = r.run_id);

-- name: evidence_live_runs
SELECT run_id, requested_by FROM runs WHERE ended_at IS NULL;

-- name: evidence_run
-- With what rows of the trail say in words, as is the next.
SELECT workflow, status, requested_by, created_at, ended_at FROM runs WHERE run_id = ?;

-- name: evidence_requests_of_run
SELECT q.id, q.name, q.node_id, q.question, q.digest, q.revision, q.policy, q.requested_by, q.note, q.asked_at, q.status,
       q.answer, q.resolved_at, q.resolved_by
FROM runs r JOIN requests q ON q.run_key = r.run_key WHERE r.run_id = ?;

-- name: evidence_events_of_request
SELECT e.event, e.person, e.recorded_at, e.outcome, e.value
FROM requests q JOIN events e ON e.request_key = q.request_key WHERE q.id = ?;

-- name: evidence_account_ids
SELECT account FROM accounts;

-- name: evidence_forms
SELECT form FROM account_forms;

-- name: evidence_credential_ids
SELECT hash, kind, person, expires_at FROM credentials;

-- name: evidence_begun
-- Whether there is anything that rows of the trail may have to tell of.
SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM credentials) AS anything;

-- name: evidence_stray_rows
-- Rows that belong to nothing, which only somebody who wrote into the file can have made.
SELECT "table", rowid FROM pragma_foreign_key_check;

-- name: request_for_use
SELECT q.request_key, q.status, q.answer, q.question, r.run_id, c.used_for, c.attempt, c.account, c.at
FROM requests q JOIN runs r ON r.run_key = q.run_key LEFT JOIN consumptions c ON c.request_key = q.request_key
WHERE q.id = :id;

-- name: consumption_add
INSERT INTO consumptions (request_key, used_for, attempt, account, at) VALUES (?, ?, ?, ?, ?);

-- name: callback_add
INSERT INTO callbacks (run_key, url, secret) VALUES (:run_key, :url, :secret);

-- name: callbacks_due
SELECT c.run_key, c.url, c.secret, c.attempts, q.id, q.resolved_at
FROM callbacks c INDEXED BY callbacks_open CROSS JOIN requests q ON q.run_key = c.run_key
WHERE c.secret IS NOT NULL AND q.status <> 'PENDING' AND (c.next_attempt IS NULL OR c.next_attempt <= :now)
ORDER BY q.resolved_at LIMIT :limit;

-- name: callback_next
SELECT min(next_attempt) AS at FROM callbacks WHERE secret IS NOT NULL AND next_attempt > :now;

-- name: callback_end
UPDATE callbacks SET secret = NULL, delivered_at = :at, last_error = :error, next_attempt = NULL WHERE run_key = :run_key;

-- name: callback_put_off
UPDATE callbacks SET attempts = attempts + 1, last_error = :error, next_attempt = :next_attempt
WHERE run_key = :run_key AND secret IS NOT NULL;

-- name: uploads_drop
DELETE FROM uploads WHERE at < :before;

-- name: uploads_size
SELECT coalesce(sum(length(content)), 0) AS size FROM uploads WHERE uploaded_by = :person AND sha256 <> :sha256;

-- name: upload_add
INSERT INTO uploads (sha256, uploaded_by, content, at) VALUES (:sha256, :person, :content, :now)
ON CONFLICT (sha256, uploaded_by) DO UPDATE SET at = excluded.at;

-- name: upload_find
-- Sent by somebody and not used up, or shown by a question of theirs.
SELECT content FROM uploads WHERE sha256 = :sha256 AND uploaded_by = :person
UNION ALL
SELECT f.content FROM files f WHERE f.sha256 = :sha256 AND EXISTS (
    SELECT 1 FROM request_files u JOIN requests q USING (request_key) JOIN runs r ON r.run_key = q.run_key
    WHERE u.sha256 = f.sha256 AND r.requested_by = :person)
LIMIT 1;

-- name: file_from_upload
INSERT INTO files (sha256, content) SELECT sha256, content FROM uploads WHERE sha256 = :sha256 LIMIT 1
ON CONFLICT DO NOTHING;

-- name: upload_used
DELETE FROM uploads WHERE sha256 = :sha256
                      AND uploaded_by = (SELECT requested_by FROM runs WHERE run_key = :run_key);

-- name: file_is_stored
SELECT 1 FROM files WHERE sha256 = :sha256;

-- name: grant_add
INSERT INTO grants (id, request_key, offer, coverage, asked_by, policy, version, person, account, via, groups, comment,
                    made_at, expires_at, uses)
VALUES (:id, :request_key, :offer, :coverage, :asked_by, :policy, :version, :person, :account, :via, :groups, :comment,
        :made_at, :expires_at, :uses);

-- name: grants_covering
-- Those that cover a question and stand, of whose granters somebody made sure since then if that is asked: first what is
-- not counted, then what lasts longest.
SELECT g.grant_key, g.id, q.id AS request, g.request_key, g.person, g.account, g.via, g.groups, g.expires_at, g.uses, g.used
FROM grants g JOIN requests q ON q.request_key = g.request_key
WHERE g.coverage IN (SELECT value FROM json_each(:covered)) AND g.revoked_at IS NULL
      AND g.made_at <= :now AND g.expires_at > :now AND (g.uses IS NULL OR g.used < g.uses)
      AND (CAST(:since AS BIGINT) IS NULL OR (g.vouched_at >= :since AND g.vouched_at <= :now))
ORDER BY g.uses IS NOT NULL, g.expires_at DESC, g.grant_key;

-- name: grant_vouch
UPDATE grants SET vouched_at = :at WHERE id = :id;

-- name: grant_use
-- Takes the next use of a grant; nothing unless it is that one.
UPDATE grants SET used = used + 1
WHERE id = :id AND used = :use - 1 AND revoked_at IS NULL AND expires_at > :now AND (uses IS NULL OR used < uses)
RETURNING grant_key, request_key, comment;

-- name: grant_use_add
INSERT INTO grant_uses (grant_key, use, request_key, at) VALUES (?, ?, ?, ?);

-- name: grant_for_change
SELECT g.grant_key, g.id, g.request_key, g.person, g.account, q.id AS request, r.run_id
FROM grants g JOIN requests q ON q.request_key = g.request_key JOIN runs r ON r.run_key = q.run_key WHERE g.id = :id;

-- name: grants_of_people
-- What stands of what some people granted, and of what was granted to their questions.
SELECT g.grant_key, g.id, g.request_key, q.id AS request, r.run_id
FROM grants g JOIN requests q ON q.request_key = g.request_key JOIN runs r ON r.run_key = q.run_key
WHERE g.revoked_at IS NULL AND g.expires_at > :now
      AND (g.person IN (SELECT value FROM json_each(:people)) OR g.account IN (SELECT value FROM json_each(:people))
           OR g.asked_by IN (SELECT value FROM json_each(:people)));

-- name: grant_revoke
-- Nothing for one that has ended already.
UPDATE grants SET revoked_at = :now, revoked_by = :by
WHERE grant_key = :grant_key AND revoked_at IS NULL AND expires_at > :now AND (uses IS NULL OR used < uses);

-- name: grants_list
-- Grants, the newest first; if wanted only those of some people, only what begins with a text, only one's, and only what
-- stands at an instant.
SELECT g.id, q.id AS request_id, r.run_id, q.question ->> '$.prompt' AS prompt, g.asked_by, g.policy, g.version,
       g.person AS granted_by, g.account, g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used, g.revoked_at,
       g.revoked_by
FROM grants g JOIN requests q ON q.request_key = g.request_key JOIN runs r ON r.run_key = q.run_key
WHERE (:beginning IS NULL OR (g.id >= :beginning AND g.id <= :upto))
      AND (:people IS NULL OR g.person IN (SELECT value FROM json_each(:people))
           OR g.account IN (SELECT value FROM json_each(:people)))
      AND (:now IS NULL OR (g.revoked_at IS NULL AND g.expires_at > :now AND (g.uses IS NULL OR g.used < g.uses)))
ORDER BY g.grant_key DESC LIMIT :limit;

-- name: grant_uses_of
-- The uses of a grant, the latest first.
SELECT u.use, q.id AS request_id, u.at
FROM grants g JOIN grant_uses u ON u.grant_key = g.grant_key JOIN requests q ON q.request_key = u.request_key
WHERE g.id = :id ORDER BY u.use DESC LIMIT :limit;
