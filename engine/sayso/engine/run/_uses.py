"""Which visit used an approval: it is good for one, with its retries."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from sayso.engine.store import Place, VisitEnd


class Uses:
    """A run's approvals that were used, by the ids of their requests. What a visit uses is recorded with its end, for
    no other visit of the run comes before that.
    """

    def __init__(self, stored: Mapping[str, int] | None = None) -> None:
        self._visits = dict(stored or {})

    def use(self, place: Place, request_id: str, run_id: str) -> str | None:
        """Use an approval in a visit; the reason where another visit or run did."""
        if run_id != place.run_id:
            return "it was given to another run"
        visit = self._visits.setdefault(request_id, place.visit)
        return None if visit == place.visit else f"it was used already, by visit {visit} of this run"

    def recorded(self, place: Place, end: VisitEnd) -> VisitEnd:
        """A visit's end with the approvals that it used."""
        used = tuple(one for one, visit in self._visits.items() if visit == place.visit)
        return replace(end, used=used) if used else end
