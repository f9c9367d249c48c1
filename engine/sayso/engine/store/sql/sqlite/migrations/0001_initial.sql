-- The first schema. Instants are integers: microseconds since 1970 in UTC. JSON is text that msgspec wrote.
-- States are checked by OR: an IN list costs a temporary table at every write.

CREATE TABLE schema_version (
    version INTEGER NOT NULL
) STRICT;

-- The graphs that runs were begun under, for `check-parked`.
CREATE TABLE definitions (
    definition_key INTEGER PRIMARY KEY,
    workflow       TEXT NOT NULL,
    definition     TEXT NOT NULL,
    CONSTRAINT definitions_unique UNIQUE (workflow, definition)
) STRICT;

-- One execution of a workflow. `resolutions` counts its requests' ends: a visit parks only if it has seen them all.
CREATE TABLE runs (
    run_key      INTEGER PRIMARY KEY,
    run_id       TEXT NOT NULL,
    workflow     TEXT NOT NULL,
    status       TEXT NOT NULL,
    visit        INTEGER NOT NULL,
    node_id      TEXT,
    resolutions  INTEGER NOT NULL DEFAULT 0,
    shared       TEXT,
    error        TEXT,
    attention    TEXT,
    requested_by TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    CONSTRAINT runs_run_id UNIQUE (run_id),
    CONSTRAINT runs_status CHECK (status = 'RUNNING' OR status = 'WAITING_FOR_INPUT' OR status = 'COMPLETED'
        OR status = 'FAILED' OR status = 'CANCELLED' OR status = 'NEEDS_ATTENTION'),
    CONSTRAINT runs_shared_at_end CHECK ((ended_at IS NULL) = (shared IS NULL)),
    CONSTRAINT runs_attention CHECK ((status = 'NEEDS_ATTENTION') = (attention IS NOT NULL))
) STRICT;

-- Every run that has not ended, by where it stands; and those in the middle of something, for recovery. An answer moves a
-- run in the second alone, which is small.
CREATE INDEX runs_live ON runs (workflow, node_id) WHERE ended_at IS NULL;
CREATE INDEX runs_running ON runs (workflow) WHERE status = 'RUNNING';
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- One execution of a node. `entry` is `shared` when it began, `parked` when it parked if that differs.
CREATE TABLE visits (
    visit_key      INTEGER PRIMARY KEY,
    run_key        INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    visit          INTEGER NOT NULL,
    node_id        TEXT NOT NULL,
    status         TEXT NOT NULL,
    attempt        INTEGER NOT NULL DEFAULT 1,
    first_attempt  INTEGER NOT NULL DEFAULT 1,
    retry_at       INTEGER,
    entry          TEXT NOT NULL,
    parked         TEXT,
    error          TEXT,
    definition_key INTEGER NOT NULL REFERENCES definitions,
    begun_at       INTEGER NOT NULL,
    ended_at       INTEGER,
    CONSTRAINT visits_number UNIQUE (run_key, visit),
    CONSTRAINT visits_status CHECK (status = 'RUNNING' OR status = 'COMPLETED' OR status = 'FAILED' OR status = 'CANCELLED'),
    CONSTRAINT visits_attempt CHECK (attempt >= first_attempt AND first_attempt >= 1)
) STRICT;

-- Named pieces of work; no result yet means started and unfinished.
CREATE TABLE steps (
    step_key   INTEGER PRIMARY KEY,
    run_key    INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    visit      INTEGER NOT NULL,
    name       TEXT NOT NULL,
    arguments  TEXT NOT NULL,
    result     TEXT,
    begun_at   INTEGER NOT NULL,
    ended_at   INTEGER,
    CONSTRAINT steps_name UNIQUE (run_key, visit, name),
    CONSTRAINT steps_ended CHECK ((result IS NULL) = (ended_at IS NULL))
) STRICT;

-- Questions. `question` is the text that `digest` is taken of. `attempt` 0 was asked outside `execute`.
CREATE TABLE requests (
    request_key    INTEGER PRIMARY KEY,
    id             TEXT NOT NULL,
    run_key        INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    visit          INTEGER NOT NULL,
    name           TEXT NOT NULL,
    node_id        TEXT NOT NULL,
    attempt        INTEGER NOT NULL,
    question       TEXT NOT NULL,
    digest         TEXT NOT NULL,
    digest_version INTEGER NOT NULL,
    revision       INTEGER NOT NULL DEFAULT 1,
    policy         TEXT NOT NULL,
    requested_by   TEXT,
    note           TEXT,
    asked_at       INTEGER NOT NULL,
    deadline       INTEGER,
    default_value  TEXT,
    status         TEXT NOT NULL,
    answer         TEXT,
    decided        TEXT,
    resolved_at    INTEGER,
    resolved_by    TEXT,
    CONSTRAINT requests_id UNIQUE (id),
    CONSTRAINT requests_name UNIQUE (run_key, visit, name),
    CONSTRAINT requests_status CHECK (status = 'PENDING' OR status = 'ANSWERED'
        OR status = 'EXPIRED' OR status = 'WITHDRAWN' OR status = 'CANCELLED'),
    CONSTRAINT requests_resolved CHECK ((status = 'PENDING') = (resolved_at IS NULL)),
    CONSTRAINT requests_answered CHECK (status <> 'ANSWERED' OR answer IS NOT NULL)
) STRICT;

CREATE INDEX requests_due ON requests (deadline) WHERE status = 'PENDING' AND deadline IS NOT NULL;

-- Every attempt to answer, append-only, numbered within its request. A key that a person repeats returns the outcome
-- recorded here.
CREATE TABLE events (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    event       INTEGER NOT NULL,
    event_key   TEXT,
    revision    INTEGER NOT NULL,
    person      TEXT NOT NULL,
    via         TEXT NOT NULL,
    value       TEXT NOT NULL,
    comment     TEXT,
    received_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    CONSTRAINT events_number PRIMARY KEY (request_key, event),
    CONSTRAINT events_key UNIQUE (request_key, person, event_key)
) STRICT, WITHOUT ROWID;

-- The current vote of each person on a request's current revision: the event that cast it.
CREATE TABLE votes (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    person      TEXT NOT NULL,
    event       INTEGER NOT NULL,
    CONSTRAINT votes_one_a_person PRIMARY KEY (request_key, person),
    CONSTRAINT votes_event FOREIGN KEY (request_key, event) REFERENCES events ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Repeated refusals are counted here instead of filling the audit trail.
CREATE TABLE refusals (
    request_key INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    person      TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    count       INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    CONSTRAINT refusals_counted PRIMARY KEY (request_key, person, outcome)
) STRICT, WITHOUT ROWID;

-- A card at a destination: the revision it should show and the one it shows. Every change of what
-- there is to show, an answer included, raises `revision_wanted`.
CREATE TABLE deliveries (
    request_key  INTEGER NOT NULL REFERENCES requests ON DELETE CASCADE,
    destination  TEXT NOT NULL,
    reference    TEXT,
    revision_wanted INTEGER NOT NULL DEFAULT 1,
    revision_shown  INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER,
    last_error   TEXT,
    CONSTRAINT deliveries_one_a_destination PRIMARY KEY (request_key, destination),
    CONSTRAINT deliveries_shown CHECK (revision_shown <= revision_wanted)
) STRICT, WITHOUT ROWID;

-- The audit trail: each row's hash covers the row and the hash before it; the payload only by its digest.
CREATE TABLE audit (
    sequence       INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    run_id         TEXT,
    request_id     TEXT,
    person         TEXT,
    via            TEXT,
    payload        TEXT,
    payload_digest TEXT NOT NULL,
    hash           TEXT NOT NULL
) STRICT;
