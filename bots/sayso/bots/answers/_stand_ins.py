"""In development, whoever is signed in stands for everybody who is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from sayso.bots.answers._ways_in import WayIn, WaysIn, entries_of
from sayso.bots.people import Arrival
from sayso.engine import Before, Fact

_LATELY = timedelta(days=1)
_MOST_READ = 1000


class StandIns(WaysIn):
    """Takes everybody who is signed in for a member of every chat and group that is asked, and for every person: so one
    author can answer all questions of their workflow. What that amounts to, such as how many must approve, and who may
    not, the policy says as ever.
    """

    async def look_up(self, before: Before, person: str, via: str, arrival: Arrival) -> WayIn:
        """As somebody who is all of those whom the request is put to."""
        return await self.of(before, person, via, arrival)

    async def of(
        self,
        before: Before,
        person: str,
        via: str,
        arrival: Arrival,
        enough: Callable[[WayIn], bool] = lambda _: False,
    ) -> WayIn:
        """As somebody who is all of those whom the request is put to; somebody who does not use a page is only
        themselves.
        """
        if not person.startswith("web:"):
            return await super().of(before, person, via, arrival, enough)
        return WayIn(before.ids, via, self._facts(entries_of(before.card)))

    async def standing(self, person: str, via: str | None = None, by: float | None = None) -> WayIn:  # noqa: ARG002
        """As somebody who is all of those whom anything is put to that is open, or was decided within a day."""
        reader = self._store.reader
        named: set[str] = set()
        async for _, request in reader.open_requests():
            named.update(request.concerned)
            named.update(() if request.policy is None else request.policy.escalate_to)
        for one in await reader.decided(self._store.clock.now() - _LATELY, _MOST_READ):
            named.update(one.concerned)
        return WayIn(await reader.ids_of(person), via or person.partition(":")[0], self._facts(sorted(named)))

    def _facts(self, entries: Iterable[str]) -> tuple[Fact, ...]:
        now = self._store.clock.now()
        return tuple(Fact(one, value=True, as_of=now) for one in dict.fromkeys(entries))
