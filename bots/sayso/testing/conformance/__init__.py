"""What every chat platform of sayso must do, as tests.

A platform's author writes a `Driver` for a local server of the platform, and a subclass of `Conformance` that gives it;
docs/reference/conformance.md shows both. The tests start `sayso serve` in a folder of its own against the driver's
local server, and use both from outside: what people see, press and are told, the API, signals. They need pytest and
pytest-asyncio, which only the fixtures need.
"""

import pytest

for _part in ("_answers", "_presses", "_reasons", "_restarts", "_sending", "_stage"):
    pytest.register_assert_rewrite(f"{__name__}.{_part}")

from sayso.testing.conformance._driver import (  # noqa: E402 - what is imported before is not rewritten
    Budget,
    Chosen,
    Driver,
    Failure,
    FilledIn,
    Given,
    Place,
    Seen,
    Sending,
    Typed,
)
from sayso.testing.conformance._reasons import Reasons, ReasonsDriver  # noqa: E402
from sayso.testing.conformance._suite import Conformance  # noqa: E402

__all__ = [
    "Budget",
    "Chosen",
    "Conformance",
    "Driver",
    "Failure",
    "FilledIn",
    "Given",
    "Place",
    "Reasons",
    "ReasonsDriver",
    "Seen",
    "Sending",
    "Typed",
]
