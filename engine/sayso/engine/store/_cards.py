"""The transactions behind cards: what is due at a place, what became of it, names of people, notes of surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._records import Delivery, RequestRecord
from sayso.engine.store._transaction import Transaction


def begin(tx: Transaction, delivery: Delivery) -> None:
    """Count an attempt, before it is made."""
    tx.run("delivery_begin", _where(delivery))


def refer(tx: Transaction, delivery: Delivery, reference: str) -> None:
    """The message exists; more may have to be done before the card is shown as it should be."""
    tx.run("delivery_reference", {**_where(delivery), "reference": reference})


def shown(
    tx: Transaction,
    delivery: Delivery,
    reference: str | None,
    quiet_until: datetime,
    request: RequestRecord | None,
) -> None:
    """The place shows the revision that was wanted when the delivery was read. What is not urgent waits until then.

    `request` is what the card that was sent asks; the trail keeps that it was shown there.
    """
    fields = {"reference": reference, "revision": delivery.revision_wanted}
    tx.run("delivery_shown", {**_where(delivery), **fields, "quiet_until": to_microseconds(quiet_until)})
    if request is None or tx.row("delivery_told", {**_where(delivery), "revision": request.revision}) is None:
        return
    said = {
        "destination": delivery.destination,
        "message": reference,
        "revision": request.revision,
        "digest": request.digest,
    }
    tx.audit("card_shown", said, run_id=request.run_id, request_id=request.id)


def failed(tx: Transaction, delivery: Delivery, error: str, next_attempt: datetime) -> None:
    """It did not succeed, or nobody knows whether it did; to be tried again."""
    fields = {"error": error, "next_attempt": to_microseconds(next_attempt)}
    tx.run("delivery_failed", {**_where(delivery), **fields})


def gone(tx: Transaction, delivery: Delivery) -> None:
    """The message is not there any more."""
    tx.mark_cards("delivery_gone", _where(delivery))


def bury(tx: Transaction, destination: str, error: str) -> bool:
    """Give a place up; whether it was not given up before."""
    known = {row["destination"] for row in tx.rows("dead_places", ())}
    tx.run("deliveries_bury", {"destination": destination, "error": error, "now": tx.now})
    if destination not in known:
        tx.audit("destination_dead", {"destination": destination, "error": error})
    return destination not in known


def revive(tx: Transaction, destinations: Sequence[str] | None) -> int:
    """Try places again that were given up, all of them where none is named; the number of cards that wait there."""
    places = (
        [row["destination"] for row in tx.rows("dead_places", ())] if destinations is None else destinations
    )
    return sum(tx.mark_cards("deliveries_revive", {"destination": place}).rowcount for place in places)


def post_anew(tx: Transaction, destinations: Sequence[str], notice: str) -> int:
    """Have the open cards of places sent as new messages with a line; the number of cards."""
    fields = [{"destination": place, "notice": notice} for place in destinations]
    return sum(tx.mark_cards("deliveries_post_anew", one).rowcount for one in fields)


def report_forgery(tx: Transaction, request_id: str, person: str, place: str) -> None:
    """Somebody pressed a button of a request in a message that shows something else: the trail says so, and its cards
    are drawn anew.
    """
    row = tx.row("request_place", (request_id,))
    if row is None:
        return
    tx.mark_cards("deliveries_mark", (row["request_key"],))
    tx.audit("card_forged", {"place": place}, run_id=row["run_id"], request_id=request_id, person=person)


def know(tx: Transaction, person: str, name: str) -> None:
    """What a person is called."""
    tx.run("person_known", {"person": person, "name": name, "now": tx.now})


def keep(tx: Transaction, surface: str, key: str, value: str | None) -> None:
    """Keep a note of a surface's own as JSON, or forget it."""
    if value is None:
        tx.run("note_forget", {"surface": surface, "key": key})
    else:
        tx.run("note_keep", {"surface": surface, "key": key, "value": value, "now": tx.now})


def _where(delivery: Delivery) -> dict[str, object]:
    return {"id": delivery.request_id, "destination": delivery.destination}
