"""JSON that is typed on a command line."""

from __future__ import annotations

from typing import Any, cast

from sayso.bots.cli._problems import UsageProblem
from sayso.engine import Json, Unclear, read_json


def read_value(text: str | None, argument: str) -> Json:
    """The value of an argument; None where it was left out. Raises `UsageProblem`."""
    if text is None:
        return None
    try:
        return read_json(text)
    except Unclear as error:
        raise UsageProblem(f"{argument}: {error}.") from error


def read_object(text: str | None, argument: str) -> dict[str, Any] | None:
    """The object of an argument. Raises `UsageProblem`."""
    value = read_value(text, argument)
    if text is not None and not isinstance(value, dict):
        raise UsageProblem(f'{argument} must be a JSON object, for example \'{{"title": "Tea"}}\'.')
    return cast("dict[str, Any] | None", value)
