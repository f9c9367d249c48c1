"""Which message shows the requests of one card at a place: the one that is there, or a new one for all of them."""

from __future__ import annotations

import msgspec
import pytest

from sayso.bots.chats._together import to_show
from sayso.engine import CardRecord, Delivery, RequestStatus
from tests.adapters.card_records import QUESTIONS, closed, pending

OPEN = pending(QUESTIONS["select"])
CLOSED = closed(RequestStatus.WITHDRAWN)
FIRST, SECOND = "C1/1/0", "C1/2/0"

NOTHING = Delivery("r", "slack:#sre", None, None, None, 1, 0, 0, None, None, None)


def at(
    record: CardRecord, reference: str | None = None, former: str | None = None
) -> tuple[CardRecord, Delivery]:
    return record, msgspec.structs.replace(NOTHING, reference=reference, former=former)


@pytest.mark.parametrize(
    ("found", "reference", "formers"),
    [
        ([at(OPEN)], None, []),
        ([at(OPEN, FIRST)], FIRST, []),
        ([at(OPEN, None, FIRST)], None, ["C1/1"]),
        ([at(CLOSED, None, FIRST)], FIRST, []),
        ([at(OPEN, SECOND, FIRST)], SECOND, ["C1/1"]),
        ([at(OPEN), at(OPEN), at(CLOSED)], None, []),
        ([at(OPEN, FIRST), at(CLOSED, FIRST)], FIRST, []),
        ([at(CLOSED, FIRST), at(OPEN, None, FIRST)], None, ["C1/1"]),
        ([at(OPEN, FIRST), at(OPEN)], None, ["C1/1"]),
        ([at(OPEN, FIRST), at(CLOSED)], FIRST, []),
        ([at(CLOSED), at(CLOSED, None, FIRST)], FIRST, []),
        ([at(OPEN, FIRST), at(OPEN, "C1/1/abc")], FIRST, []),
        ([at(OPEN, FIRST), at(OPEN, SECOND)], FIRST, ["C1/2"]),
    ],
)
def test_an_open_request_without_a_message_takes_the_others_into_a_new_one(
    found: list[tuple[CardRecord, Delivery]], reference: str | None, formers: list[str]
) -> None:
    shown = to_show(found)
    assert shown is not None
    assert (shown.reference, [one.name for one in shown.formers]) == (reference, formers)
    assert [record for record, _ in shown.found] == [record for record, _ in found]
    assert {delivery.reference for _, delivery in shown.found} == {reference}


def test_what_was_decided_before_it_was_shown_needs_no_message() -> None:
    assert to_show([at(CLOSED), at(CLOSED)]) is None
