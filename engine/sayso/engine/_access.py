"""What gives somebody access over HTTP, as values: sign-in links, sessions, and tokens with what they allow."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class CredentialKind(StrEnum):
    """What gives access over HTTP: a sign-in link, which works once; a session; a program's token."""

    LINK = "LINK"
    SESSION = "SESSION"
    TOKEN = "TOKEN"  # noqa: S105 - a kind, no secret


class Scope(StrEnum):
    """What a program's token may do: start runs; ask, and withdraw what it asked; read what concerns it; answer; and
    what operators do, if its name is an operator's.
    """

    START = "start"
    ASK = "ask"
    READ = "read"
    ANSWER = "answer"
    OPERATE = "operate"


class Bounds(msgspec.Struct, frozen=True):
    """What a program may ask with and start: the policies that its questions may name, whom they may name in `to`, and
    the workflows it may start. Nothing else is allowed: with policies alone, no question names anybody, and the other
    way round. Without either, every question is allowed; without workflows, every start.
    """

    policies: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.policies or self.to or self.workflows)

    def __str__(self) -> str:
        """In words, such as `policy release; to person:ana`."""
        said = {"policy": self.policies, "to": self.to, "workflow": self.workflows}
        return "; ".join(f"{what} {', '.join(names)}" for what, names in said.items() if names)


class Credential(msgspec.Struct, frozen=True):
    """A sign-in link, session or token, without its secret. `scopes` are those of a token, as are `bounds`, None where
    it has none; `expires_at` is None for tokens of earlier versions, which never expire.
    """

    kind: CredentialKind
    person: str
    made_at: datetime
    expires_at: datetime | None
    scopes: tuple[Scope, ...] = ()
    bounds: Bounds | None = None
