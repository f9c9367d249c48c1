"""What slack-bolt makes of what the handler does with a payload."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.bots.slack._listeners import Listeners
from sayso.engine import StoreFull

PRESS = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "actions": [{"action_id": "sayso:a", "type": "button"}],
}
PAYLOADS: list[tuple[str, dict[str, Any]]] = [
    ("interactive", PRESS),
    ("interactive", {"type": "block_suggestion", "user": {"id": "U1"}, "action_id": "sayso:s", "value": "b"}),
    (
        "interactive",
        {"type": "view_submission", "user": {"id": "U1"}, "view": {"callback_id": "sayso:answer"}},
    ),
    ("slash_commands", {"command": "/sayso", "user_id": "U1"}),
    ("events_api", {"type": "event_callback", "event": {"type": "app_home_opened", "user": "U1"}}),
    ("events_api", {"type": "event_callback", "event": {"type": "nobody_listens"}}),
    ("interactive", {"type": "shortcut", "user": {"id": "U1"}, "callback_id": "another"}),
    ("interactive", {**PRESS, "user": 5}),
    ("interactive", {**PRESS, "actions": [{"action_id": None}]}),
]


@pytest.mark.parametrize(("kind", "payload"), PAYLOADS)
async def test_each_payload_comes_to_the_handler_once_and_carries_its_answer(
    kind: str, payload: dict[str, Any]
) -> None:
    """Also one that Bolt has no listener for, or cannot read: somebody may have to be told."""
    came: list[tuple[str, dict[str, Any]]] = []

    async def handle(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        came.append((kind, payload))
        return {"text": "heard"}

    response = await Listeners(handle).take(kind, payload)
    assert (response.status, response.body) == (200, '{"text": "heard"}')
    assert came == [(kind, payload)]


@pytest.mark.parametrize(("kind", "payload"), PAYLOADS)
@pytest.mark.parametrize("error", [StoreFull("sayso.db"), RuntimeError("a fault")])
async def test_what_was_not_committed_is_not_acknowledged(
    kind: str, payload: dict[str, Any], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(_kind: str, _payload: dict[str, Any]) -> dict[str, Any]:
        raise error

    assert (await Listeners(handle).take(kind, payload)).status == 500
    assert str(error) in caplog.text
