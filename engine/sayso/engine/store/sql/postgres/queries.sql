-- What only PostgreSQL is asked, and statements that it needs in words of its own.

-- name: tables
SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema();

-- name: definition_key
SELECT definition_key FROM definitions
WHERE workflow = :workflow AND md5(definition) = md5(:definition) AND definition = :definition;

-- name: run_insert
-- Its number was never one of a run that was deleted.
INSERT INTO runs (run_key, run_id, workflow, status, visit, node_id, requested_by, created_at, updated_at, asked_in,
                  requester_ids)
VALUES (1 + greatest(coalesce((SELECT max(run_key) FROM runs), 0), (SELECT max(run_key) FROM deleted_runs)),
        ?, ?, 'RUNNING', 1, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
RETURNING run_key;

-- name: node_statuses
SELECT DISTINCT ON (node_id) node_id, status, visit FROM visits
WHERE run_key = (SELECT run_key FROM runs WHERE run_id = :run_id) ORDER BY node_id, visit DESC;

-- name: card
SELECT q.id, q.name, r.run_id, q.node_id, q.visit, q.attempt, q.question, q.digest, q.revision, q.policy,
       q.requested_by, q.note, q.asked_at, q.deadline, q.default_value, q.status, q.answer, q.decided, q.resolved_at,
       q.resolved_by,
       r.workflow, r.status AS run_status, coalesce(r.node_id, v.node_id) AS run_node,
       r.ended_at AS run_ended_at, q.revised_at,
       NOT EXISTS (SELECT 1 FROM requests n WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT coalesce(json_agg(json_build_array(v.person, coalesce(a.person, v.person), e.via, e.value::json, e.received_at,
                                           e.comment, coalesce((SELECT json_agg(o.account) FROM accounts o WHERE o.person = a.person),
                                          '[]'),
                                           v.groups::json, e.break_glass, v.event)), '[]')::text
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT coalesce(json_agg(json_build_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by)), '[]')::text
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
       NOT EXISTS (SELECT 1 FROM requests n WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT coalesce(json_agg(json_build_array(v.person, coalesce(a.person, v.person), e.via, e.value::json, e.received_at,
                                           e.comment, coalesce((SELECT json_agg(o.account) FROM accounts o WHERE o.person = a.person),
                                          '[]'),
                                           v.groups::json, e.break_glass, v.event)), '[]')::text
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT coalesce(json_agg(json_build_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by)), '[]')::text
        FROM grants g WHERE g.request_key = q.request_key) AS grants,
       (SELECT coalesce(json_agg(own.id), '[]')::text
        FROM (SELECT a.person AS id FROM accounts a WHERE a.account = :account
              UNION ALL SELECT o.account FROM accounts a JOIN accounts o ON o.person = a.person WHERE a.account = :account
              UNION ALL SELECT o.account FROM accounts o WHERE o.person = :account) own) AS ids,
       (SELECT json_build_array(g.rendering, g.destination, g.message, g.digest, g.parts::json)::text
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
       NOT EXISTS (SELECT 1 FROM requests n WHERE n.run_key = q.run_key
                   AND n.request_key > q.request_key ORDER BY n.request_key LIMIT 1 OFFSET 24) AS follows,
       (SELECT coalesce(json_agg(json_build_array(v.person, coalesce(a.person, v.person), e.via, e.value::json, e.received_at,
                                           e.comment, coalesce((SELECT json_agg(o.account) FROM accounts o WHERE o.person = a.person),
                                          '[]'),
                                           v.groups::json, e.break_glass, v.event)), '[]')::text
        FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
        LEFT JOIN accounts a ON a.account = v.person
        WHERE v.request_key = q.request_key AND q.status = 'PENDING') AS open_votes,
       (SELECT coalesce(json_agg(json_build_array(g.id, q.id, r.run_id, NULL, g.asked_by, g.policy, g.version, g.person, g.account,
                                           g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used,
                                           g.revoked_at, g.revoked_by)), '[]')::text
        FROM grants g WHERE g.request_key = q.request_key) AS grants, q.request_key
FROM json_array_elements_text(:keys) WITH ORDINALITY wanted (value, key) JOIN requests q ON q.request_key = wanted.value::bigint
JOIN runs r ON r.run_key = q.run_key JOIN visits v ON v.run_key = r.run_key AND v.visit = r.visit
WHERE q.status = 'PENDING' ORDER BY wanted.key;

-- name: votes_current
-- With whose account each came from, and with that person's other accounts.
SELECT coalesce(json_agg(json_build_array(v.person, coalesce(a.person, v.person), e.via, e.value::json, e.received_at, e.comment,
                                   coalesce((SELECT json_agg(o.account) FROM accounts o WHERE o.person = a.person),
                                          '[]'),
                                   v.groups::json, e.break_glass, v.event)), '[]')::text AS votes
FROM votes v JOIN events e ON e.request_key = v.request_key AND e.event = v.event
LEFT JOIN accounts a ON a.account = v.person
WHERE v.request_key = ?;

-- name: people_names
-- With whose account each is, an account by which somebody can be told who is none, and everybody who is called alike;
-- then, with `folded`, everybody of some names, without people who are nobody any more.
SELECT wanted.value AS person, p.name, coalesce(a.person, wanted.value) AS whose,
       (SELECT coalesce(json_agg(coalesce(oa.person, o.person)), '[]')::text FROM people o LEFT JOIN accounts oa ON oa.account = o.person
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

-- name: person_excluded
-- Whether somebody may not approve an open question, which they asked for or made by any account.
SELECT count(*) AS questions FROM requests q, sayso_entries(q.policy::jsonb -> 'excluded') excluded (value)
WHERE q.status = 'PENDING'
  AND (excluded.value = :person OR excluded.value IN (SELECT account FROM accounts WHERE person = :person));

-- name: concerned_after
-- The open requests that concern somebody, behind one, the oldest first. `wanted` are pairs of role and entry; of each,
-- no more is read than is wanted.
SELECT DISTINCT c.request_key
FROM json_array_elements(:wanted) w (value) JOIN concerned c ON c.role = w.value ->> 0 AND c.entry = w.value ->> 1
WHERE c.request_key IN (SELECT x.request_key FROM concerned x
                        WHERE x.role = w.value ->> 0 AND x.entry = w.value ->> 1 AND x.request_key > :start
                        ORDER BY x.request_key LIMIT :limit)
ORDER BY c.request_key LIMIT :limit;

-- name: concerned_before
-- The same before one, the newest first.
SELECT DISTINCT c.request_key
FROM json_array_elements(:wanted) w (value) JOIN concerned c ON c.role = w.value ->> 0 AND c.entry = w.value ->> 1
WHERE c.request_key IN (SELECT x.request_key FROM concerned x
                        WHERE x.role = w.value ->> 0 AND x.entry = w.value ->> 1 AND x.request_key < :start
                        ORDER BY x.request_key DESC LIMIT :limit)
ORDER BY c.request_key DESC LIMIT :limit;

-- name: requests_closed
-- Those that came to their end before a place, the newest first: whom they concern, and whether they are what is looked
-- for. No more is read than the limit, however little of it fits.
SELECT q.id, q.request_key, q.resolved_at, q.policy, q.requested_by,
       (CAST(:workflow AS TEXT) IS NULL OR r.workflow = :workflow)
       AND (CAST(:outcome AS TEXT) IS NULL OR :outcome = CASE WHEN q.status <> 'ANSWERED' THEN q.status
                                                WHEN q.answer = '"approve"' THEN 'APPROVED'
                                                WHEN q.answer = '"reject"' THEN 'REJECTED' ELSE q.status END)
       AND (:mine = 0 OR q.requested_by IN (SELECT value FROM json_each(:people)))
       AND (:voted = 0 OR EXISTS (SELECT 1 FROM votes v WHERE v.request_key = q.request_key
                                  AND v.person IN (SELECT value FROM json_each(:people))))
       AND (:granted = 0 OR q.resolved_by LIKE 'grant:%')
       AND (:text = '' OR strpos(lower(coalesce(sayso_text(q.question, 'prompt'), '') || ' ' || q.name || ' ' || r.workflow || ' '
                                      || r.run_id || ' ' || coalesce(sayso_text(q.question, 'details'), '')), lower(:text)) > 0) AS fits
FROM requests q JOIN runs r ON r.run_key = q.run_key
WHERE q.resolved_at >= :since AND (q.resolved_at, q.request_key) < (:at, :key)
ORDER BY q.resolved_at DESC, q.request_key DESC LIMIT :limit;

-- name: grants_list
-- Grants, the newest first; if wanted only those of some people, only what begins with a text, only one's, and only what
-- stands at an instant.
SELECT g.id, q.id AS request_id, r.run_id, sayso_text(q.question, 'prompt') AS prompt, g.asked_by, g.policy, g.version,
       g.person AS granted_by, g.account, g.via, g.offer, g.comment, g.made_at, g.expires_at, g.uses, g.used, g.revoked_at,
       g.revoked_by
FROM grants g JOIN requests q ON q.request_key = g.request_key JOIN runs r ON r.run_key = q.run_key
WHERE (CAST(:beginning AS TEXT) IS NULL OR (g.id >= :beginning AND g.id <= :upto))
      AND (CAST(:people AS TEXT) IS NULL OR g.person IN (SELECT value FROM json_each(:people))
           OR g.account IN (SELECT value FROM json_each(:people)))
      AND (CAST(:now AS BIGINT) IS NULL OR (g.revoked_at IS NULL AND g.expires_at > :now AND (g.uses IS NULL OR g.used < g.uses)))
ORDER BY g.grant_key DESC LIMIT :limit;

-- name: audit_next_of_run
SELECT nextval(pg_get_serial_sequence('audit', 'sequence')) AS sequence, e.position, e.hash
FROM (SELECT 1) one
LEFT JOIN (SELECT position, hash FROM audit WHERE run_id = ? ORDER BY sequence DESC LIMIT 1) e ON true;

-- name: audit_next_of_store
SELECT nextval(pg_get_serial_sequence('audit', 'sequence')) AS sequence, e.position, e.hash
FROM (SELECT 1) one
LEFT JOIN (SELECT coalesce(position, sequence) AS position, hash FROM audit
           WHERE run_id IS NULL OR position IS NULL ORDER BY sequence DESC LIMIT 1) e ON true;

-- name: evidence_stray_rows
-- PostgreSQL lets no row stand that belongs to nothing.
SELECT NULL, NULL WHERE false;

-- name: server
SELECT clock_timestamp() AS now, has_schema_privilege(current_schema(), 'CREATE') AS may_create;

-- name: standbys
SELECT application_name AS name, sync_state FROM pg_stat_replication ORDER BY application_name;

-- name: database_moved_from
SELECT payload FROM audit WHERE kind = 'database_moved';

-- name: lock
-- Held by the session until it ends.
SELECT pg_advisory_lock(hashtextextended('sayso writer ' || current_schema(), 0));

-- name: backend
-- This connection, as the server knows it.
SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid();

-- name: end_backend
-- End a connection, if it is still the same.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ? AND backend_start::text = ?;

-- name: transaction_status
SELECT pg_xact_status(CAST(? AS xid8));
