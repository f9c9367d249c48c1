"""What callers hand to the store's transactions: plain frozen values with their JSON already encoded."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sayso.engine._policy import Fact, Policy
from sayso.engine._questions import PLAIN_VERSION
from sayso.engine._records import CardRecord, Rendering, RequestRecord, WorkflowStatus
from sayso.engine._rules import Ruling
from sayso.engine._values import Json


class CommandKey(msgspec.Struct, frozen=True, gc=False):
    """What makes a repeated command known: whose key it is, and a digest of what is wanted under it. `request` is the
    name of the one question of its run that was asked under it, if it is not the whole run's.
    """

    person: str
    key: str
    digest: str
    request: str | None = None


class Warrant(msgspec.Struct, frozen=True, gc=False):
    """What allows somebody to do something, checked again in the transaction that does it.

    `credential` is the hash of the secret that they used, which must still be valid. `accounts` are all their ids at
    the time they were looked up: if they have changed since, nothing is done. One of their ids must be among the
    `operators`. `refused` says why they have no access anywhere, if that is known already.
    """

    credential: str | None = None
    accounts: tuple[str, ...] | None = None
    operators: tuple[str, ...] | None = None
    refused: str | None = None


class Callback(msgspec.Struct, frozen=True, gc=False):
    """An address that the result of a question is reported to, and the secret that signs it: `whsec_` and 24 to 64
    bytes in Base64, as Standard Webhooks has it; or another text that says how, to the reporter.
    """

    url: str
    secret: str


class NewRun(msgspec.Struct, frozen=True, gc=False):
    """A run to be started at its first node; `shared` is JSON. `asked_in` is the chat in which it was asked for,
    `callback` where to report the result of its question. `keys` are those of questions that it asks.
    """

    run_id: str
    workflow: str
    definition_key: int
    node_id: str
    shared: str
    requested_by: str | None
    command: CommandKey | None = None
    asked_in: str | None = None
    warrant: Warrant | None = None
    callback: Callback | None = None
    keys: tuple[CommandKey, ...] = ()


class Place(msgspec.Struct, frozen=True, gc=False):
    """The visit that a transaction is about; it changes nothing once the run has left that visit."""

    run_key: int
    run_id: str
    workflow: str
    visit: int
    node_id: str
    definition_key: int


class Ask(msgspec.Struct, frozen=True, gc=False):
    """A question to be stored. Without a `policy`, or by one without stages, the first of the audience decides. `known`
    says that its name is recorded, under another digest. `places` are where its cards go, `files` the bytes that it
    shows, by their SHA-256, and `file_hashes` also those of what was stored before. Where it `asks_requester`, a card
    goes to where the run was started as well. With a `ruling`, a rule decides it as it is stored, and nobody is asked.
    `first_on_card` is the name of the question of the same visit whose card shows this one too; its own if it is first.
    """

    id: str
    name: str
    attempt: int
    text: str
    digest: str
    audience: tuple[str, ...]
    requested_by: str | None
    note: str | None
    expires_after: timedelta | None
    default: str | None
    known: bool
    policy: Policy | None = None
    places: tuple[str, ...] = ()
    version: int = PLAIN_VERSION
    files: tuple[tuple[str, bytes], ...] = ()
    file_hashes: tuple[str, ...] = ()
    asks_requester: bool = False
    ruling: Ruling | None = None
    first_on_card: str | None = None

    @property
    def is_timed(self) -> bool:
        """Whether something happens by itself while it is open."""
        policy = self.policy
        by_policy = policy is not None and (policy.remind_every or policy.escalate_after) is not None
        return self.expires_after is not None or by_policy


class Park(msgspec.Struct, frozen=True, gc=False):
    """The wish to park: the state as parked (None if as at the visit's begin) and the resolutions seen.

    `replayed` says that the visit runs again or has parked before, so that its row may hold other code or state.
    """

    shared: str | None
    resolutions: int
    replayed: bool = False


class Asked(msgspec.Struct, frozen=True, gc=False):
    """The result of asking questions: a record each (None: answered under its old text meanwhile), and whether it
    parked.
    """

    records: tuple[RequestRecord | None, ...]
    parked: bool


class VisitEnd(msgspec.Struct, frozen=True, gc=False):
    """The end of a visit: on to `next_node` with `shared`, or the run's end with `status`; without `shared` the state
    is as the visit found it. `withdraw` closes what is still open. `used` are the requests that it used as approvals.
    `traceback` is how it came to the `error`.
    """

    status: WorkflowStatus
    shared: str | None = None
    next_node: str | None = None
    error: str | None = None
    withdraw: bool = False
    used: tuple[str, ...] = ()
    traceback: str | None = None


class AnswerAttempt(msgspec.Struct, frozen=True, gc=False):
    """An attempt to answer, as one value from the surface to the transaction. `person` is who answers, `via` the
    surface, or the destination once that is known. With `break_glass`, they approve alone. `offer` is the key of what
    they grant beyond this one approval.
    """

    request_id: str
    revision: int
    value: Json
    person: str
    via: str
    event_key: str | None = None
    comment: str | None = None
    received_at: datetime | None = None
    facts: tuple[Fact, ...] = ()
    break_glass: bool = False
    warrant: Warrant | None = None
    offer: str | None = None


class Before(msgspec.Struct, frozen=True, gc=False):
    """The state before somebody answers a request, read at one instant: what its card shows, without the names of
    people; all ids of the person who answers; and the card as it was drawn where they answer it, if that is known.
    """

    card: CardRecord
    ids: tuple[str, ...]
    rendering: Rendering | None = None


class HandOver(msgspec.Struct, frozen=True, gc=False):
    """Somebody's wish to have another person, `to`, asked in their place. `places` are where that one's card goes,
    `to_facts` what was looked up of them by the ids `to_ids`.
    """

    request_id: str
    revision: int
    person: str
    via: str
    to: str
    places: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    warrant: Warrant | None = None
    to_ids: tuple[str, ...] = ()
    to_facts: tuple[Fact, ...] = ()
