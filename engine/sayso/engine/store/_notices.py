"""Messages beside the cards: who has to hear what, stored with what happened, and removed once sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sayso.engine._audience import chats, is_person
from sayso.engine._clock import to_microseconds
from sayso.engine._policy import Vote
from sayso.engine._records import Notice, NoticeKind
from sayso.engine._values import to_json
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._transaction import Transaction


def tell(
    tx: Transaction, request_key: int, places: Iterable[str], kind: NoticeKind, payload: dict[str, object]
) -> None:
    """Have a message sent at places."""
    text = to_json(payload)
    for place in places:
        tx.mark_cards("notice_add", (request_key, place, kind, text, tx.now))


def places_of(tx: Transaction, request_key: int) -> list[str]:
    """Where a request's cards are, but for places that were given up."""
    return [row["destination"] for row in tx.rows("places_of_request", (request_key,))]


def tell_of_vote(tx: Transaction, request_key: int, vote: Vote, needed: Sequence[str]) -> None:
    """A line below the card wherever several people see it, and where somebody does who is `needed` since that vote."""
    places = [
        place
        for place in places_of(tx, request_key)
        if not is_person(place) or (needed and not {place, *ids_of(tx, place)}.isdisjoint(needed))
    ]
    said: dict[str, object] = {
        "person": vote.person,
        "value": vote.value,
        "comment": vote.comment,
        "at": tx.now,
        **({"needed": list(needed)} if needed else {}),
    }
    tell(tx, request_key, places, NoticeKind.VOTE, said)


def tell_of_change(tx: Transaction, request_key: int, revision: int) -> None:
    """Where people have seen the question, a line that it is another one now."""
    places = [row["destination"] for row in tx.rows("places_shown", (request_key,))]
    tell(tx, request_key, places, NoticeKind.CHANGED, {"revision": revision})


def tell_of_break_glass(tx: Transaction, request_key: int, vote: Vote) -> None:
    """Everybody who was asked hears that somebody went ahead without them, and why."""
    said: dict[str, object] = {"person": vote.person, "comment": vote.comment}
    tell(tx, request_key, places_of(tx, request_key), NoticeKind.BREAK_GLASS, said)


def tell_requester(tx: Transaction, request_key: int, requested_by: str | None, asked_in: str | None) -> None:
    """Whoever asked hears what became of it: where they asked, else in their own chats; unless the card is there."""
    if requested_by is None and asked_in is None:
        return
    ids = () if requested_by is None else ids_of(tx, requested_by)
    asked_from = [one for one in (asked_in or requested_by,) if one is not None]
    places = chats(asked_from) or chats(ids)
    if places and set(places_of(tx, request_key)).isdisjoint([*places, *ids]):
        tell(tx, request_key, places, NoticeKind.RESULT, {"person": requested_by})


def sent(tx: Transaction, notice: Notice) -> None:
    """A message was sent, or never can be."""
    tx.run("notice_sent", (notice.notice_key,))


def failed(tx: Transaction, notice: Notice, next_attempt: datetime) -> None:
    """A message was not sent, or nobody knows; it is tried again."""
    tx.run("notice_failed", (to_microseconds(next_attempt), notice.notice_key))
