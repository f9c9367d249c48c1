"""Starting a workflow in a modal: which one, then what it starts with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sayso.adapters.console import Rejected
from sayso.adapters.slack import (
    COMMAND,
    Commanded,
    Filled,
    StartPicked,
    StartSubmitted,
    View,
    pick_start_view,
    read_start,
    start_view,
    words_view,
)
from sayso.bots.answers import Start, Starts
from sayso.bots.people import Arrival
from sayso.bots.slack._views import TRIGGER_LIVES, Views, shown_instead
from sayso.engine import Locale, PersonId

_NOT_OURS = "This was out of date. Nothing was started. Please type the command again."
_NOT_YOURS = "You may no longer start this. Nothing was started."


class Starting:
    """Opens and takes the modals. Whoever may start nothing, or gives all in the command, needs none."""

    def __init__(self, starts: Starts, views: Views) -> None:
        self._starts = starts
        self._views = views

    async def view_for(self, event: Commanded, person: PersonId, locale: Locale) -> View | None:
        """What a command asks for a modal with; None where it is answered without one."""
        asked = await self._starts.to_ask(person, event.text) if event.verb == "start" else {}
        if event.text.strip() in asked:
            return start_view(event.text.strip(), asked[event.text.strip()].fields, locale)
        return pick_start_view(list(asked)) if asked else None

    async def open(self, event: Commanded, view: View) -> None:
        """Show a modal, at once. Raises `DeliveryProblem`."""
        async with asyncio.timeout(TRIGGER_LIVES):
            await self._views.show(await self._views.open(event.trigger_id), view)

    async def picked(self, event: StartPicked, person: PersonId, locale: Locale) -> None:
        """Show the form of the workflow that was picked."""
        await self._views.show(event.view_id, await self.form(event.name, person, locale))

    async def form(self, name: str, person: PersonId, locale: Locale, filled: Filled | None = None) -> View:
        """The form of a workflow, or that they may not start it; `filled` as in `start_view`."""
        workflow = (await self._starts.of(person)).get(name)
        if workflow is None:
            return words_view(((_NOT_YOURS,),))
        return start_view(name, workflow.fields, locale, filled)

    async def submitted(
        self, event: StartSubmitted, person: PersonId, arrival: Arrival, locale: Locale
    ) -> dict[str, Any]:
        """Start it, or say what is wrong by field. Raises `StoreError`."""
        if not await self._views.is_ours(event, arrival.look_up_by):
            return shown_instead(words_view(((_NOT_OURS,),)))
        workflow = (await self._starts.of(person)).get(event.name)
        if workflow is None:
            return shown_instead(words_view(((_NOT_YOURS,),)))
        read = read_start(workflow.inputs, workflow.fields, event.values, locale)
        if isinstance(read, Rejected):
            return {"response_action": "errors", "errors": read.errors}
        shared = read.value if isinstance(read.value, dict) else {}
        start = Start(person, event.name, replace(arrival, key=event.key))
        begun = await self._starts.begin(start, shared, f"{COMMAND} ")
        return shown_instead(words_view((begun.words,)))
