"""What can go wrong. Each error survives pickling, with its fields: engines keep the errors of steps so.

SaysoError
├── InvalidAddress      nothing was sent: where the service is has not been said, or is no address
├── Refused             the service refused; nothing was done
│   ├── KeyReused       the key stands for another question
│   ├── NotApproved     there is no approval to use
│   └── AlreadyUsed     the approval was used for something else
└── Unreachable         no answer was heard; whether the call was carried out is unknown
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SaysoError(Exception):
    """The root of the client's errors."""


class InvalidAddress(SaysoError):
    """The service's address is missing or cannot be used. Nothing was sent."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"{self.reason}. Set SAYSO_URL, or pass url=, for example http://127.0.0.1:8765"


class Refused(SaysoError):
    """The service refused. `kind` is the error's name, `problem` all that the service said (RFC 9457), `exit_code` what
    the command line exits with, and `status` the HTTP status.
    """

    def __init__(self, kind: str, detail: str, status: int, problem: Mapping[str, Any]) -> None:
        self.kind = kind
        self.detail = detail
        self.status = status
        self.problem = problem
        super().__init__(kind, detail, status, problem)

    def __str__(self) -> str:
        return self.detail

    @property
    def exit_code(self) -> int:
        """What the command line exits with for this error; never 0."""
        found = self.problem.get("exit_code")
        return found if isinstance(found, int) and found > 0 else 1


class KeyReused(Refused):
    """The key stands for another question. Nothing was asked."""


class NotApproved(Refused):
    """The request is not decided, or was not approved: what it is about must not run."""


class AlreadyUsed(Refused):
    """The approval was used before: what it is about must not run again."""


class Unreachable(SaysoError):
    """No answer of the service was heard, so whether the call was carried out is unknown. A call repeated with the same
    key is done once.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"the sayso service did not answer ({self.reason})"
