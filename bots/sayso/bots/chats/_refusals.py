"""Places that refused what was sent: how often in a row, whether they were given up, and when they are tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a place is tried before it counts as unreachable, and how from then on.

    After a refusal that may be temporary, or one that is not known, it is tried again up to `times`, with pauses that
    double from `first`. An unreachable place is tried again after pauses that double from `again` to `longest`, so
    nobody has to say that the trouble is over.
    """

    times: int = 4
    first: timedelta = timedelta(seconds=1)
    again: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=1)


@dataclass(slots=True)
class _Refusing:
    borne: int = 0
    tries: int = 0
    again_at: float | None = None


class Refusals:
    """The places that refuse at present. Times are seconds of the loop's clock."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._places: dict[str, _Refusing] = {}

    def bear(self, place: str) -> timedelta | None:
        """Note a refusal that may be temporary: how long to wait before the next try; None if it counts as unreachable
        now.
        """
        found = self._places.setdefault(place, _Refusing())
        if found.tries or found.borne >= self._patience.times:
            return None
        found.borne += 1
        return self._patience.first * (1 << (found.borne - 1))

    def give_up(self, place: str, now: float) -> bool:
        """Try a destination again much later. Whether that is new: it accepted something since, or was never tried."""
        found = self._places.setdefault(place, _Refusing())
        pause = min(self._patience.again * (1 << min(found.tries, 16)), self._patience.longest)
        found.tries += 1
        found.again_at = now + pause.total_seconds()
        return found.tries == 1

    def took(self, place: str) -> bool:
        """A place accepted something; returns whether it was unreachable."""
        found = self._places.pop(place, None)
        return found is not None and found.tries > 0

    def due(self, now: float) -> list[str]:
        """The places that are to be tried again now; none of them a second time before it has refused again."""
        due = [
            place for place, one in self._places.items() if one.again_at is not None and one.again_at <= now
        ]
        for place in due:
            self._places[place].again_at = None
        return due

    def wait(self, now: float) -> float | None:
        """In how many seconds a place is to be tried again."""
        return min(
            (one.again_at - now for one in self._places.values() if one.again_at is not None), default=None
        )
