"""How people fill the inputs of a modal in, and what Slack sends of it. What its app does not let them do raises
`Impossible`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sayso.testing.platform import Impossible
from sayso.testing.slack._inputs import PICKS_ONE, PICKS_SEVERAL, inputs_of, is_empty
from sayso.testing.slack._kept import unescaped
from sayso.testing.slack._state import Account, ViewState
from sayso.testing.slack._view import label_of
from sayso.testing.slack._world import World

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Values = Mapping[str, str | Sequence[str]]
"""What to fill in, by the labels of the inputs."""

_Offered = Callable[[dict[str, Any], dict[str, Any], str], Awaitable[list[dict[str, Any]]]]
"""The options that the app offers for what is typed into an input that searches: its block, its element, the text."""


class Filling:
    """Somebody who fills one modal in."""

    def __init__(self, world: World, account: Account, view: ViewState, offered: _Offered) -> None:
        self._world = world
        self._account = account
        self._view = view
        self._offered = offered

    async def fill(self, values: Values) -> None:
        """Change what these inputs hold."""
        inputs = list(inputs_of(self._view))
        if unknown := set(values) - {unescaped(block["label"]["text"]) for block in inputs}:
            raise Impossible(self._account.name, f"sees no input {unknown.pop()!r}")
        for block in inputs:
            label, element = unescaped(block["label"]["text"]), block["element"]
            if label in values:
                entered = await self._entered(block, element, values[label])
                state = {"type": element["type"], **entered}
                self._view.typed[block["block_id"]] = {element["action_id"]: state}

    def check(self) -> None:
        """Raise where Slack does not let the modal be sent."""
        held = self._world.input_states(self._view)
        for block in inputs_of(self._view):
            is_left_out = all(is_empty(state) for state in held[block["block_id"]].values())
            if is_left_out and not block.get("optional"):
                label = unescaped(block["label"]["text"])
                raise Impossible(self._account.name, f"Slack wants {label!r} filled in")

    async def _entered(
        self, block: dict[str, Any], element: dict[str, Any], given: str | Sequence[str] | None
    ) -> dict[str, Any]:
        kind, name = element["type"], self._account.name
        if kind in PICKS_SEVERAL:
            labels = [given] if isinstance(given, str) else list(given or ())
            return {"selected_options": [await self._option(block, element, label) for label in labels]}
        assert given is None or isinstance(given, str)
        if kind in PICKS_ONE:
            return {"selected_option": await self._option(block, element, given) if given else None}
        if kind == "datepicker":
            if given and not _DATE.fullmatch(given):
                raise Impossible(name, f"the calendar has no day {given!r}")
            return {"selected_date": given or None}
        if kind == "datetimepicker":
            return {"selected_date_time": self._instant(given) if given else None}
        if kind == "number_input" and given:
            allowed = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
            if not re.fullmatch(allowed, given):
                raise Impossible(name, f"Slack takes no number {given!r}")
        return {"value": self._world.typed_in(given) if given else None}

    def _instant(self, given: str) -> int:
        """A time as it is picked where they are."""
        return int(datetime.fromisoformat(given).replace(tzinfo=ZoneInfo(self._account.zone)).timestamp())

    async def _option(self, block: dict[str, Any], element: dict[str, Any], label: str) -> dict[str, Any]:
        options = element.get("options")
        if options is None:
            options = await self._offered(block, element, label)
        return dict(self._world.kept(option_called(options, label, self._account.name)))


def option_called(options: Sequence[dict[str, Any]], label: str, name: str) -> dict[str, Any]:
    """The option that somebody of this name sees under a label."""
    for option in options:
        if label in (label_of(option), option["text"]["text"]):
            return option
    raise Impossible(name, f"sees no option {label!r}")
