"""The trail of one run, folded row by row into what must stand in the tables, and compared with what does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from sayso.engine._audience import canonical
from sayso.engine._clock import to_microseconds
from sayso.engine._outcomes import ACCEPTED
from sayso.engine._questions import question_digest
from sayso.engine._records import AuditRow
from sayso.engine._values import Json
from sayso.engine.audit._claims import (
    Claims,
    claim_after_attention,
    claim_of_request,
    claim_of_run,
    differing,
)
from sayso.engine.audit._problems import Findings
from sayso.engine.store import EventClaims, RequestClaims, RunEvidence, Thing, decoded, read_facts

_ENDS = frozenset({"run_ended", "run_cancelled"})


_Accepted: TypeAlias = tuple[str, str, int]
"""An accepted answer: of which request, from whom, when."""


class Pruned(msgspec.Struct, frozen=True, gc=False):
    """A row that says that runs were deleted, from before the trail named them."""

    sequence: int
    ended_before: int


class RunTrail:
    """What the rows of a run say, in their order."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._thing: Thing = ("runs", run_id)
        self._seals: dict[Thing, tuple[str | None, int]] = {}
        self._run: Claims = {}
        self._requests: dict[str, Claims] = {}
        self._asked_before: dict[str, int] = {}
        self._accepted_before: Counter[_Accepted] = Counter()
        self._said_before: dict[_Accepted, Json] = {}
        self._begun_before = False
        self._ended: AuditRow | None = None
        self._full: list[int] = []
        self._emptied: list[int] = []
        self._last = 0

    def take(self, row: AuditRow, findings: Findings) -> None:
        """The next row of the run."""
        self._last = row.sequence
        self._follow_redaction(row, findings)
        if row.kind == "run_started":
            self._forget()
            self._begun_before = row.facts is None
        for thing, seal in read_facts(row.facts):
            self._seals[thing] = seal, row.sequence
            if thing == self._thing and seal is None:
                self._forget()
                self._seals[thing] = seal, row.sequence
        if row.request_id is not None:
            self._take_of_request(row, row.request_id)
        else:
            self._run = claim_of_run(row, self._run)
            if row.kind == "attention_given":
                self._requests = {
                    one: claim_after_attention(row, said) for one, said in self._requests.items()
                }
            if row.kind in _ENDS:
                self._ended = row

    def compare(self, stored: RunEvidence, pruned: Sequence[Pruned], findings: Findings) -> None:
        """Hold what the rows said against what stands in the tables."""
        for sequence in self._emptied:
            findings.row(sequence, "its payload was removed, and no later row says that it was redacted")
        if self._thing not in stored.seals and self._is_gone(pruned, findings):
            return
        for thing, seal in stored.seals.items():
            findings.checked(str(thing[0]))
            if thing in self._seals:
                self._compare_sealed(thing, seal, stored, findings)
            else:
                self._compare_unsealed(thing, stored, findings)
        self._find_missing(stored, findings)

    def _forget(self) -> None:
        """The run begins, or is gone with all that belongs to it."""
        self._seals, self._run, self._requests, self._asked_before = {}, {}, {}, {}
        self._accepted_before, self._said_before = Counter(), {}
        self._begun_before, self._ended = False, None

    def _take_of_request(self, row: AuditRow, request_id: str) -> None:
        if row.kind == "requested" and row.facts is None:
            self._asked_before[request_id] = row.sequence
        if row.kind == "answer_accepted" and row.facts is None:
            key = (request_id, canonical(row.person or ""), to_microseconds(row.at))
            self._accepted_before[key] += 1
            if isinstance(row.payload, dict):
                self._said_before[key] = row.payload.get("value")
        self._requests[request_id] = claim_of_request(row, self._requests.get(request_id, {}))

    def _follow_redaction(self, row: AuditRow, findings: Findings) -> None:
        """A redaction empties every row of the run so far, and nothing else does."""
        if row.kind == "redacted":
            for sequence in self._full:
                findings.row(sequence, f"row {row.sequence} removed its payload, and somebody put it back")
            self._full, self._emptied = [], []
        (self._emptied if row.payload is None else self._full).append(row.sequence)

    def _is_gone(self, pruned: Sequence[Pruned], findings: Findings) -> bool:
        """Whether the trail says that the run was deleted."""
        if self._seals.get(self._thing, ("", 0))[0] is None:
            return True
        ended = self._ended
        if ended is None or ended.facts is not None:
            return False
        at = to_microseconds(ended.at)
        known = any(one.sequence > ended.sequence and one.ended_before > at for one in pruned)
        findings.before += known
        return known

    def _compare_sealed(self, thing: Thing, seal: str, stored: RunEvidence, findings: Findings) -> None:
        said, sequence = self._seals[thing]
        if thing[0] == "events":
            self._was_accepted_before(thing, stored)
        if said == seal:
            return
        reason = f"it differs from what row {sequence} of the trail left"
        if said is None:
            reason = f"it is there, and was not after row {sequence} of the trail"
        elif thing[0] == "requests":
            columns = self._columns(stored.requests[str(thing[1])])
            reason += f": different from the trail: {', '.join(columns)}" if columns else ""
        self._find(thing, sequence, reason, findings)

    def _columns(self, request: RequestClaims) -> list[str]:
        """The columns of a request that differ from what the rows say in words."""
        columns = differing(self._requests.get(request.id, {}), _readable(request))
        if not _is_digest(request) and "question" not in columns:
            columns.append("question")
        return columns

    def _compare_unsealed(self, thing: Thing, stored: RunEvidence, findings: Findings) -> None:
        """Compare what is from before the trail kept digests; anything else was put there by hand."""
        table, name = str(thing[0]), str(thing[1])
        if table == "runs":
            self._compare_run_before(stored, findings)
        elif table == "events":
            self._compare_event_before(thing, stored, findings)
        elif name not in self._asked_before:
            self._find(thing, 0, "no row of the trail says that it was created", findings)
        else:
            findings.before += 1
            columns = self._columns(stored.requests[name]) if table == "requests" else []
            if columns:
                reason = f"different from the trail: {', '.join(columns)}"
                self._find(thing, self._asked_before[name], reason, findings)

    def _compare_run_before(self, stored: RunEvidence, findings: Findings) -> None:
        if not self._begun_before:
            self._find(self._thing, 0, "no row of the trail says that it was started", findings)
            return
        findings.before += 1
        columns = differing(self._run, stored.run)
        if columns:
            reason = f"different from the trail: {', '.join(columns)}"
            self._find(self._thing, self._last, reason, findings)

    def _compare_event_before(self, thing: Thing, stored: RunEvidence, findings: Findings) -> None:
        if stored.events[thing].outcome not in ACCEPTED:
            return  # a refusal that was repeated, which is counted and not appended
        if self._was_accepted_before(thing, stored):
            findings.before += 1
            event = stored.events[thing]
            said = self._said_before.get(_accepted(thing, event), decoded(event.value))
            if differing({"value": said}, {"value": decoded(event.value)}):
                self._find(thing, 0, "its value is not what the trail says was accepted", findings)
        else:
            self._find(thing, 0, "no row of the trail accepted this answer", findings)

    def _was_accepted_before(self, thing: Thing, stored: RunEvidence) -> bool:
        """Whether an event is one that a row without digests accepted; each such row is for one."""
        event = stored.events[thing]
        key = _accepted(thing, event)
        known = self._accepted_before[key] > 0
        self._accepted_before[key] -= known
        return known

    def _find_missing(self, stored: RunEvidence, findings: Findings) -> None:
        for thing, (seal, sequence) in self._seals.items():
            if seal is not None and thing not in stored.seals:
                self._find(thing, sequence, f"it is missing, and was there after row {sequence}", findings)
        for request_id, sequence in self._asked_before.items():
            if request_id not in stored.requests and ("requests", request_id) not in self._seals:
                self._find(("requests", request_id), sequence, "it is missing", findings)
        if self._begun_before and self._thing not in stored.seals and self._thing not in self._seals:
            self._find(self._thing, self._last, "it is missing", findings)
        for (request_id, person, _), number in self._accepted_before.items():
            if number:
                self._find(("events", request_id), 0, f"an accepted answer of {person} is missing", findings)

    def _find(self, thing: Thing, sequence: int, reason: str, findings: Findings) -> None:
        table, *name = thing
        findings.stored(str(table), " ".join(str(one) for one in name), sequence, reason)


def _accepted(thing: Thing, event: EventClaims) -> _Accepted:
    return str(thing[1]), canonical(event.person), event.recorded_at


def _is_digest(request: RequestClaims) -> bool:
    try:
        return question_digest(request.question) == request.digest
    except ValueError:
        return False


def _readable(request: RequestClaims) -> dict[str, Json]:
    """A request's columns with their JSON decoded, as rows of the trail say them."""
    found: dict[str, Json] = msgspec.structs.asdict(request)
    for column in ("question", "policy", "answer"):
        found[column] = decoded(getattr(request, column))
    return found
