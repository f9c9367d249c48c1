"""A run's approvals as its store recorded them, and which visit used each: it is good for one, with its retries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from sayso.engine._records import Approval
from sayso.engine._values import Json, decode
from sayso.engine.store import Place, VisitEnd

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Shared by all runs of which there is nothing to say."""


class Approvals:
    """A run's approvals, by the ids of their requests. What a visit uses is recorded with its end, for no other visit
    of the run comes before that.
    """

    def __init__(self, stored: Mapping[str, Approval] | None = None) -> None:
        self._recorded: Mapping[str, Approval] = stored or NOTHING

    def add(self, request_id: str, approval: Approval) -> None:
        """Take an approval that was just recorded, or is returned again; a use of it that is known stays."""
        known = self._recorded.get(request_id)
        used_by = None if known is None else known.used_by
        self._record(request_id, msgspec.structs.replace(approval, used_by=used_by))

    def use(self, place: Place, request_id: str, run_id: str, digest: str, votes: Json) -> str | None:
        """Use an approval in a visit; the reason where that is none of this run's, or another visit used it."""
        if run_id != place.run_id:
            return "it was given to another run"
        recorded = self._recorded.get(request_id)
        if recorded is None:
            return "this run has recorded no such approval"
        if (recorded.digest, decode(recorded.decided)) != (digest, votes):
            return "it differs from the approval that this run recorded"
        if recorded.reusable:
            return None
        if recorded.used_by is None:
            self._record(request_id, msgspec.structs.replace(recorded, used_by=place.visit))
        elif recorded.used_by != place.visit:
            return f"it was used already, by visit {recorded.used_by} of this run"
        return None

    def _record(self, request_id: str, approval: Approval) -> None:
        self._recorded = {**self._recorded, request_id: approval}

    def recorded(self, place: Place, end: VisitEnd) -> VisitEnd:
        """A visit's end with the approvals that it used."""
        used = tuple(one for one, approval in self._recorded.items() if approval.used_by == place.visit)
        return msgspec.structs.replace(end, used=used) if used else end
