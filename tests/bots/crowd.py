"""Many open requests in a store, for what must not depend on how many there are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sayso.engine import Question, Store
from sayso.engine._questions import question_digest
from sayso.engine.store import Ask, NewRun, Park

OTHERS = ("person:somebody-else",)
_AT_ONCE = 500


async def crowd(
    store: Store,
    many: int,
    to: Sequence[str] = OTHERS,
    *,
    prompt: str = "Go?",
    requested_by: str | None = None,
    run_id: str = "crowd",
) -> list[str]:
    """Open requests of a run whose workflow nobody has loaded, without cards in chats; their ids, in their order."""
    text = Question(prompt, ["approve", "reject"], "select", None, None).text()
    definition = await store.define("crowd", "{}")
    place = await store.start(NewRun(run_id, "crowd", definition, "ask", "{}", requested_by))
    ids: list[str] = []
    for first in range(0, many, _AT_ONCE):
        asks = [
            Ask(
                id=secrets.token_hex(16),
                name=f"request-{number:06}",
                attempt=0,
                text=text,
                digest=question_digest(text),
                audience=tuple(to),
                requested_by=requested_by,
                note=None,
                expires_after=None,
                default=None,
                known=False,
            )
            for number in range(first, min(first + _AT_ONCE, many))
        ]
        assert await store.ask(place, asks, None) is not None
        ids += [one.id for one in asks]
    assert await store.park(place, Park(None, 0))
    return ids
