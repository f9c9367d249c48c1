"""Transactions about questions that were asked from outside: their approvals are used once, whoever asked is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sayso.engine._binding import asks_approval
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._content import FILES_LIMIT
from sayso.engine._outcomes import NOT_FOUND, Outcome, OutcomeKind
from sayso.engine._policy import is_approval
from sayso.engine._questions import question_from_text
from sayso.engine._records import RequestStatus
from sayso.engine._values import decode
from sayso.engine.store._commands import Warrant
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import check

UPLOADS_LIMIT = 2 * FILES_LIMIT
"""The most bytes of pictures and files that a program can have sent which no question shows yet."""

_KEPT = timedelta(days=1)


class Use(msgspec.Struct, frozen=True, gc=False):
    """What an approval is to be used for, `key`, by the program `person`. `attempt` is the key of this call: one that
    comes again under it is the same call.
    """

    request_id: str
    key: str
    person: str
    via: str
    attempt: str | None = None
    warrant: Warrant | None = None


class Used(msgspec.Struct, frozen=True, gc=False):
    """An approval as it was used: for what and when. `repeated` says that this call had done it before."""

    key: str
    at: datetime
    repeated: bool


class DueCallback(msgspec.Struct, frozen=True, gc=False):
    """Where to report the result of a request now: the address, and its signing secret. `attempts` have failed."""

    run_key: int
    request_id: str
    url: str
    secret: str
    attempts: int
    resolved_at: datetime


def use(tx: Transaction, wish: Use) -> Used | Outcome:
    """Use an approval, once for all: how it was used, or why it was not. Raises `RightLapsed`."""
    check(tx, wish.warrant, wish.person)
    row = tx.row("request_for_use", {"id": wish.request_id})
    if row is None:
        return Outcome(OutcomeKind.UNKNOWN, NOT_FOUND)
    if row["status"] == RequestStatus.PENDING:
        return Outcome(OutcomeKind.INVALID, "Nobody has decided this yet, so it is not approved.")
    is_yes = row["status"] == RequestStatus.ANSWERED and is_approval(decode(row["answer"]))
    if not (is_yes and asks_approval(question_from_text(row["question"]))):
        return Outcome(OutcomeKind.INVALID, "This was not approved, so there is nothing to use.")
    if row["at"] is not None:
        is_same = wish.attempt is not None and (row["attempt"], row["account"], row["used_for"]) == (
            wish.attempt, wish.person, wish.key,
        )  # fmt: skip
        if is_same:
            return Used(wish.key, from_microseconds(row["at"]), repeated=True)
        return Outcome(OutcomeKind.DUPLICATE, "This approval was used already. Ask again for another run.")
    tx.run(
        "consumption_add",
        (row["request_key"], wish.key, wish.attempt, wish.person, tx.now),
    )
    tx.audit(
        "approval_used",
        {"key": wish.key},
        run_id=row["run_id"],
        request_id=wish.request_id,
        person=wish.person,
        via=wish.via,
    )
    return Used(wish.key, tx.instant, repeated=False)


def upload(tx: Transaction, person: str, sha256: str, content: bytes) -> bool:
    """Keep the bytes of a picture or file for a question of a program, for a day; False where it has too many."""
    tx.run("uploads_drop", {"before": to_microseconds(tx.instant - _KEPT)})
    named = {"person": person, "sha256": sha256}
    if tx.row("uploads_size", named)["size"] + len(content) > UPLOADS_LIMIT:
        return False
    tx.run("upload_add", {**named, "content": content, "now": tx.now})
    return True


def uploaded(tx: Transaction, person: str, sha256: str) -> bytes | None:
    """The bytes that a program has sent; None where it has not, or where they are gone."""
    row = tx.row("upload_find", {"person": person, "sha256": sha256})
    return None if row is None else bytes(row["content"])


def due_callbacks(tx: Transaction, limit: int) -> list[DueCallback]:
    """Those who have to be told now, the one that waits longest first."""
    return [
        DueCallback(
            row["run_key"],
            row["id"],
            row["url"],
            row["secret"],
            row["attempts"],
            from_microseconds(row["resolved_at"]),
        )
        for row in tx.rows("callbacks_due", {"now": tx.now, "limit": limit})
    ]


def next_callback(tx: Transaction) -> datetime | None:
    """When the next of those is due whose turn was put off; None where nobody waits."""
    row = tx.row("callback_next", {"now": tx.now})
    return None if row is None or row["at"] is None else from_microseconds(row["at"])


def callback_told(tx: Transaction, run_key: int) -> None:
    """Record that somebody has been told."""
    tx.run("callback_end", {"run_key": run_key, "at": tx.now, "error": None})


def callback_failed(tx: Transaction, run_key: int, error: str, again_after: timedelta | None) -> None:
    """Record that somebody could not be told, and when that is tried again; with None, never."""
    if again_after is None:
        tx.run("callback_end", {"run_key": run_key, "at": None, "error": error})
        return
    again = to_microseconds(tx.instant + again_after)
    tx.run("callback_put_off", {"run_key": run_key, "error": error, "next_attempt": again})
