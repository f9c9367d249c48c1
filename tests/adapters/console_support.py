"""What the tests of the console adapter share: requests as stored, and what a terminal would show."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType

from sayso.engine import Json, Question, RequestRecord, RequestStatus

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def question(
    input_type: str = "text",
    *,
    prompt: str | None = "Go?",
    options: list[Json] | None = None,
    schema: dict[str, Json] | None = None,
    details: Json = None,
) -> Question:
    return Question(prompt, options, input_type, schema, details)


def request(asked: Question, **changes: Any) -> RequestRecord:
    fields: dict[str, Any] = {
        "id": "ab" * 16,
        "name": "publish",
        "run_id": "run-1",
        "node_id": "Review",
        "visit": 1,
        "attempt": 1,
        "text": asked.text(),
        "digest": "",
        "revision": 1,
        "audience": ("operator",),
        "requested_by": "local:ana",
        "note": None,
        "asked_at": NOW,
        "deadline": None,
        "default": None,
        "status": RequestStatus.PENDING,
    }
    return RequestRecord(**{**fields, **changes})


def shown(renderable: RenderableType, *, width: int = 80) -> str:
    """The characters that a terminal would get."""
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=None, highlight=False).print(renderable)
    return file.getvalue()
