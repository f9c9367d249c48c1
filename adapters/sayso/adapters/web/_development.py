"""What pages say about code that is being written (`sayso dev`): which code is loaded, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from sayso.engine import Finding, Severity


class LoadedCode(msgspec.Struct, frozen=True):
    """The code that a development server runs: a `workflow`, found by its `reference`. `number` grows with whatever
    changes here, `start` differs with each process that loads it. `problem` is why newer code could not be loaded,
    `findings` what the code means for parked runs.
    """

    number: int
    start: int
    reference: str
    workflow: str
    loaded_at: datetime
    problem: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def changes(self) -> list[Finding]:
        """The parked runs that the code does not fit, or may not."""
        return [one for one in self.findings if one.severity is not Severity.SAME]

    @property
    def summary(self) -> str:
        """How many parked runs were checked, and with which result; empty where there are none."""
        return _parked_words(self.findings)


class DevelopmentBar(Protocol):
    """What each page of a development server begins with: the names that its author can answer by, and the code."""

    @property
    def people(self) -> Sequence[str]: ...
    @property
    def code(self) -> LoadedCode: ...


def _parked_words(findings: Sequence[Finding]) -> str:
    """How many parked runs were checked, and with which result; empty where there are none."""
    if not findings:
        return ""
    count = Counter(one.severity for one in findings)
    words = ((Severity.BROKEN, "broken"), (Severity.CHANGED, "changed"), (Severity.SAME, "unchanged"))
    found = ", ".join(f"{count[severity]} {word}" for severity, word in words if count[severity])
    return f"{len(findings)} parked {'run' if len(findings) == 1 else 'runs'} checked: {found}."
