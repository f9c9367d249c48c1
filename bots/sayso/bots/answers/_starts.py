"""Starting workflows from a chat: which of them somebody may start, and the start itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.adapters.cards import ToType, Words
from sayso.adapters.console import visible_line
from sayso.bots.answers._offers import Offers
from sayso.bots.answers._ways_in import WaysIn
from sayso.bots.people import Arrival
from sayso.engine import InvalidInputs, PersonId, RunExists, Runtime, Store, UnstorableValue, Workflow


@dataclass(frozen=True, slots=True)
class Start:
    """Somebody's wish to start a workflow. `asked_in` is the chat in which everybody saw it, where cards can go."""

    person: PersonId
    name: str
    arrival: Arrival
    asked_in: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What became of a start, in words; with `is_refused` nothing was started, and something else might be."""

    words: Words
    is_refused: bool = False


class Starts:
    """Starts workflows for those who are listed as their starters."""

    def __init__(self, store: Store, runtime: Runtime, ways_in: WaysIn, offers: Offers) -> None:
        self._store = store
        self._runtime = runtime
        self._ways_in = ways_in
        self._starters = offers.starters
        self._workflows = offers.workflows

    async def of(self, person: str) -> dict[str, Workflow]:
        """The workflows that somebody may start, by name."""
        ids = await self._store.reader.ids_of(person)
        return {
            name: self._workflows[name]
            for name, people in sorted(self._starters.items())
            if not people.isdisjoint(ids)
        }

    async def to_ask(self, person: str, text: str) -> dict[str, Workflow]:
        """Those among which a form asks, or whose form it is, where somebody types this behind the command; nothing
        where that is answered without a form.
        """
        mine = await self.of(person)
        name = text.strip()
        if not name:
            return mine
        return {name: mine[name]} if name in mine and mine[name].fields else {}

    def place_of(self, person: str, chat: str | None) -> str | None:
        """The destination that a chat is, where cards can go there."""
        return None if chat is None else self._ways_in.place_of(person.partition(":")[0], chat)

    async def begin(self, start: Start, shared: Mapping[str, Any], prefix: str) -> Begun:
        """Start it: the same event starts the same run, so a repetition finds it there. Raises `StoreError`."""
        run_id = hashlib.sha256(start.arrival.key.encode()).hexdigest()[:32]
        name = visible_line(start.name)
        try:
            await self._runtime.start(
                start.name, shared, run_id, requested_by=start.person, asked_in=start.asked_in
            )
        except RunExists:
            return Begun((f"{name} was started already: run {run_id[:8]}.",))
        except UnstorableValue as error:
            return Begun((f"Not started: {visible_line(str(error))}",), is_refused=True)
        except InvalidInputs as error:
            where = f"{visible_line(error.field)}: " if error.field else ""
            return Begun((f"Not started: {where}{visible_line(error.reason)}.",), is_refused=True)
        return Begun((f"Started {name}: run {run_id[:8]}. ", ToType(f"{prefix}status {run_id[:8]}")))
