"""The transactions behind cards: what is due at a place, what became of it, names of people, notes of surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sayso.engine._clock import to_microseconds
from sayso.engine._people import fold_name
from sayso.engine._records import Delivery, Kept, RequestRecord
from sayso.engine._values import to_json
from sayso.engine.store._transaction import Transaction

_RENDERINGS_KEPT = 8
"""How many of the latest renderings of a card a late press may come from."""

_FIRST = "\x01"
"""Sorts before all that can stand behind a destination's name."""
_REFUSED = "refused: "
_ADOPTED = "adopted"
"""The note that says that `adopt` was done."""


def begin(tx: Transaction, delivery: Delivery) -> int | None:
    """Count an attempt before it is made; the number of its rendering, None if the request was pruned."""
    tx.run("delivery_begin", _where(delivery))
    return begin_rendering(tx, delivery.request_id, delivery.destination)


def begin_rendering(tx: Transaction, request_id: str, destination: str) -> int | None:
    """The number of the next rendering of a card; None if the request was pruned."""
    row = tx.row("rendering_begin", {"id": request_id, "destination": destination})
    return None if row is None else int(row["rendering"])


def keep_rendering(
    tx: Transaction, request_id: str, destination: str, rendering: int, message: str, kept: Kept
) -> None:
    """Store what the platform reports that a message shows under this number."""
    where = {"id": request_id, "destination": destination}
    parts = to_json(dict(kept.parts))
    fields = {"rendering": rendering, "message": message, "digest": kept.digest, "parts": parts}
    tx.run("rendering_keep", {**where, **fields})
    tx.run("renderings_trim", {**where, "kept": _RENDERINGS_KEPT})


def refer(
    tx: Transaction, delivery: Delivery, reference: str, rendering: int, message: str, kept: Kept | None
) -> None:
    """The platform has answered: the message exists, and shows this. More may have to be done before the card is shown
    as it should be.
    """
    if reference != delivery.reference:
        tx.run("delivery_reference", {**_where(delivery), "reference": reference})
    if kept is not None:
        keep_rendering(tx, delivery.request_id, delivery.destination, rendering, message, kept)


def shown(
    tx: Transaction,
    delivery: Delivery,
    reference: str | None,
    quiet_until: datetime,
    request: RequestRecord | None = None,
) -> None:
    """The place shows the revision that was wanted when the delivery was read. What is not urgent waits until then.

    `request` is what the card that was sent asks; the trail keeps that it was shown there.
    """
    fields = {"reference": reference, "former": delivery.former, "revision": delivery.revision_wanted}
    tx.run("delivery_shown", {**_where(delivery), **fields, "quiet_until": to_microseconds(quiet_until)})
    tx.run("renderings_end", _where(delivery))
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
    """The attempt failed, or nobody knows; it is tried again."""
    fields = {"error": error, "next_attempt": to_microseconds(next_attempt)}
    tx.run("delivery_failed", {**_where(delivery), **fields})


def gone(tx: Transaction, delivery: Delivery) -> None:
    """The message no longer exists."""
    tx.mark_cards("delivery_gone", _where(delivery))


def refused(tx: Transaction, delivery: Delivery, error: str) -> bool:
    """The platform refused the content of a card: it waits until the card changes, or for the next start. Whether this
    is new.
    """
    row = tx.row("request_place", (delivery.request_id,))
    if row is None:
        return False
    mark = {**_where(delivery), "error": f"{_REFUSED}{error}"}
    is_news = bool(tx.rows("delivery_refusal_is_news", mark))
    tx.run("delivery_refused", {**mark, "revision": delivery.revision_wanted})
    if is_news:
        said = {"destination": delivery.destination, "error": error}
        tx.audit("card_refused", said, run_id=row["run_id"], request_id=delivery.request_id)
    return is_news


def bury(tx: Transaction, destination: str, error: str, *, is_news: bool = True) -> bool:
    """Mark a place as unreachable; returns whether it was reachable until now."""
    known = {row["destination"] for row in tx.rows("dead_places", ())}
    tx.run("deliveries_bury", {"destination": destination, "error": error, "now": tx.now})
    if is_news := is_news and destination not in known:
        tx.audit("destination_dead", {"destination": destination, "error": error})
    return is_news


def revive(tx: Transaction, destinations: Sequence[str] | None = None) -> int:
    """Try unreachable places again, all of them if none is named, and then cards that were refused as well; returns
    the number of cards that wait there.
    """
    if destinations is None:
        tx.mark_cards("deliveries_retry_refused", ())
    places = (
        [row["destination"] for row in tx.rows("dead_places", ())] if destinations is None else destinations
    )
    return sum(tx.mark_cards("deliveries_revive", {"destination": place}).rowcount for place in places)


def post_anew(tx: Transaction, platform: str, notice: str) -> int:
    """Send the open cards on a platform again as new messages, with a line; the number of cards."""
    return _post_anew(tx, f"{platform}:", f"{platform};", notice)


def _post_anew(tx: Transaction, lowest: str, upto: str, notice: str) -> int:
    fields = {"lowest": lowest, "upto": upto, "notice": notice}
    return tx.mark_cards("deliveries_post_anew", fields).rowcount


def move_chat(
    tx: Transaction, surface: str, key: str, chat: int, destinations: Sequence[str], notice: str
) -> bool:
    """A chat is another one from now on: its open cards are posted there, once, and the operators hear of it. Whether
    this is news.
    """
    known, value = tx.row("note", {"surface": surface, "key": key}), str(chat)
    if known is not None and known["value"] == value:
        return False
    keep(tx, surface, key, value)
    for destination in destinations:
        _post_anew(tx, destination, f"{destination}{_FIRST}", notice)
    revive(tx, destinations)
    tx.audit("chat_moved", {"destinations": list(destinations), "chat": chat})
    return True


def report_webhook(tx: Transaction, platform: str, error: str) -> None:
    """A platform cannot reach the service: notify the operators."""
    tx.audit("webhook_failing", {"platform": platform, "error": error})


def redraw(tx: Transaction, request_id: str, destination: str) -> None:
    """Edit the open card at a destination, whatever it shows."""
    tx.mark_cards("delivery_redraw", {"id": request_id, "destination": destination})


def replace_message(tx: Transaction, request_id: str, destination: str, reference: str) -> None:
    """Replace a message that cannot be compared by a new one, if it is still the card's."""
    fields = {"id": request_id, "destination": destination, "reference": reference}
    tx.mark_cards("delivery_replace", fields)


def close_later(tx: Transaction, request_id: str, destination: str, message: str) -> None:
    """Lock a message that sayso did not post, once the card itself is there."""
    tx.mark_cards("delivery_close_later", {"id": request_id, "destination": destination, "message": message})


def report_mismatch(
    tx: Transaction, request_id: str, destination: str | None, person: str, place: str, parts: Sequence[str]
) -> bool:
    """Record that somebody pressed a button in a message that does not show what was sent, once for each card. Whether
    this is new.
    """
    row = tx.row("request_place", (request_id,))
    if row is None:
        return False
    fields = {"id": request_id, "destination": destination}
    if not tx.rows("deliveries_tell_mismatch", fields):
        return False
    said = {"place": place, "parts": list(parts)}
    tx.audit("card_forged", said, run_id=row["run_id"], request_id=request_id, person=person)
    return True


def know(tx: Transaction, person: str, name: str) -> None:
    """Store the name of a person."""
    tx.run("person_known", {"person": person, "name": name, "folded": fold_name(name), "now": tx.now})


def keep(tx: Transaction, surface: str, key: str, value: str | None) -> None:
    """Keep a note of a surface's own as JSON, or forget it."""
    if value is None:
        tx.run("note_forget", {"surface": surface, "key": key})
    else:
        tx.run("note_keep", {"surface": surface, "key": key, "value": value, "now": tx.now})


def forget_kept(tx: Transaction, surface: str, prefix: str, before: datetime) -> None:
    """Forget notes of a surface whose keys have this prefix and which are older."""
    _forget(tx, surface, prefix, to_microseconds(before))


def claim(tx: Transaction, surface: str, key: str, lives: timedelta) -> bool:
    """Store a key of a surface; whether it is new. Keys older than `lives` are forgotten."""
    _forget(tx, surface, "", tx.now - lives // timedelta(microseconds=1))
    return tx.run("note_claim", {"surface": surface, "key": key, "now": tx.now}).rowcount == 1


def adopt(tx: Transaction, surface: str, within: str, prefixes: Sequence[str]) -> None:
    """Put the messages of a surface, and its notes whose keys have this prefix, under something, such as a workspace:
    its id goes before theirs, after the prefix. Done once for each database.
    """
    if tx.run("note_claim", {"surface": surface, "key": _ADOPTED, "now": tx.now}).rowcount == 0:
        return
    fields = {"within": within, "lowest": f"{surface}:", "upto": f"{surface};"}
    tx.run("deliveries_adopt", fields)
    tx.run("renderings_adopt", fields)
    for prefix in prefixes:
        upto = f"{prefix}\U0010ffff"
        tx.run("notes_adopt", {"surface": surface, "prefix": prefix, "upto": upto, "within": within})


def _forget(tx: Transaction, surface: str, prefix: str, before: int) -> None:
    end = f"{prefix}\U0010ffff"
    tx.run("notes_forget", {"surface": surface, "prefix": prefix, "end": end, "before": before})


def _where(delivery: Delivery) -> dict[str, object]:
    return {"id": delivery.request_id, "destination": delivery.destination}
