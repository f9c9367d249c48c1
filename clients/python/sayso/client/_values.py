"""What is asked, and the result, as the service's JSON has it. Members that a newer service adds are ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from sayso.client._content import Content

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]

InputType: TypeAlias = Literal["text", "select", "multiselect", "confirm", "number", "date", "form"]

Outcome: TypeAlias = Literal["approved", "rejected", "answered", "expired", "withdrawn", "cancelled"]


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people are asked. What is left out is as the service has it.

    An `approval` is approved or rejected; an `input` asks for a value of `input_type`. `details` are shown by their
    names, in order; values may be `Code`, `Diff`, `Link`, `Table`, `Markdown`,
    `Image` or `File`, and `rich` names others that are such
    objects already. `to` names destinations or people, `policy` one of the service's policies. `expires_after` is in
    seconds; then an input is answered with `on_expiry`, if given, and an approval never is.
    """

    prompt: str
    kind: Literal["approval", "input"] = "approval"
    details: Mapping[str, Any] | None = None
    rich: Sequence[str] = ()
    input_type: InputType | None = None
    options: Sequence[Any] | None = None
    schema: Mapping[str, Any] | None = None
    to: str | Sequence[str] | None = None
    policy: str | None = None
    expires_after: float | None = None
    on_expiry: Any = None
    note: str | None = None
    requested_by: str | None = None
    read_all: bool = False
    reject_reasons: Sequence[str] = ()
    callback: Mapping[str, str] | None = None

    def as_body(self) -> dict[str, Any]:
        """The JSON that asks it."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        rich = [name for name, value in (self.details or {}).items() if isinstance(value, Content)]
        if rich:
            body["rich"] = list(dict.fromkeys([*self.rich, *rich]))
        return body


class Rule(msgspec.Struct, frozen=True):
    """The rule of a policy that decided without people: the policy and its version, which of its rules, by whom."""

    policy: str | None
    version: str
    number: int
    written_by: str


class GrantUse(msgspec.Struct, frozen=True):
    """The use of a grant that approved without asking again: the grant, who made it, which use this is and of how many,
    and when the grant ends.
    """

    id: str
    granted_by: str
    use: int
    of: int | None
    expires_at: Instant


class Vote(msgspec.Struct, frozen=True):
    """One person's vote: by which way it came, from which account, and when. With a `rule` or a `grant`, that decided,
    and `person` names it.
    """

    person: str
    via: str
    value: Any
    at: Instant
    comment: str | None = None
    account: str | None = None
    break_glass: bool = False
    rule: Rule | None = None
    grant: GrantUse | None = None


class Decision(msgspec.Struct, frozen=True):
    """The result of a request. `approved` is true only for an explicit yes of
    people, be it for a while, or of a rule that an operator wrote; `by` are those whose votes
    decided; `digest` is that of the question that they saw.
    """

    outcome: Outcome
    approved: bool
    decided_at: Instant | None
    value: Any = None
    by: tuple[str, ...] = ()
    comment: str | None = None
    votes: tuple[Vote, ...] = ()
    digest: str | None = None


class Request(msgspec.Struct, frozen=True):
    """A request as it stood when the service was asked. `decision` is None while it is open; `url` is its place in the
    inbox.
    """

    id: str
    kind: Literal["approval", "input"]
    revision: int
    prompt: str | None
    input_type: InputType
    status: str
    decision: Decision | None
    asked_at: Instant
    to: tuple[str, ...] = ()
    options: tuple[Any, ...] | None = None
    schema: dict[str, Any] | None = None
    details: Any = None
    rich: tuple[str, ...] = ()
    note: str | None = None
    requested_by: str | None = None
    deadline: Instant | None = None
    url: str | None = None
    run_id: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether people can still answer."""
        return self.decision is None

    @property
    def approved(self) -> bool:
        """Whether people explicitly said yes. False for whatever is open, expired, withdrawn or answered otherwise."""
        return self.decision is not None and self.decision.approved


class Consumption(msgspec.Struct, frozen=True):
    """The use of an approval. `repeated` says that this very attempt was recorded before, and its answer was lost."""

    request: str
    key: str
    used_at: Instant
    repeated: bool = False
