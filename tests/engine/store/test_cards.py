"""Cards: what is due where and in which order, what a card shows, and what happens to places that take nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sayso.engine import Delivery, Kept, Rendering, RequestStatus, Store, WorkflowStatus
from sayso.engine.store import Place, VisitEnd
from tests.engine.store.situation import GatedClock, a_vote, begin, put, rows
from tests.engine.support import ANA, START

SLACK = "slack:#releases"
TELEGRAM = "telegram:-100"
BOTH = ("operator", SLACK, TELEGRAM)


async def due(store: Store, destination: str = SLACK) -> Delivery:
    found = await store.reader.due(destination, store.clock.now())
    assert isinstance(found, Delivery)
    return found


async def nothing_due(store: Store, destination: str = SLACK) -> datetime | None:
    found = await store.reader.due(destination, store.clock.now())
    assert not isinstance(found, Delivery)
    return found


async def show(store: Store, destination: str = SLACK, *, quiet: timedelta = timedelta(0)) -> Delivery:
    """Do what the outbox does when a platform takes everything."""
    delivery = await due(store, destination)
    await store.begin_delivery(delivery)
    reference = delivery.reference or f"message of {delivery.request_id[:4]}"
    await store.end_delivery(delivery, reference, store.clock.now() + quiet)
    return delivery


async def end_run(store: Store, place: Place, status: WorkflowStatus, error: str | None = None) -> None:
    assert await store.end_visit(place, VisitEnd(status, "{}", error=error))


async def drawn(store: Store, request_id: str, number: int) -> Rendering | None:
    before = await store.reader.before_answer(request_id, "local:ana", number)
    return None if before is None else before.rendering


async def test_a_question_is_due_at_each_of_its_chats(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    assert await store.reader.places_waiting() == [SLACK, TELEGRAM]
    delivery = await due(store, TELEGRAM)
    assert (delivery.request_id, delivery.reference, delivery.revision_shown) == (request_id, None, 0)


async def test_what_was_shown_is_due_no_more(store: Store) -> None:
    await put(store, await begin(store), to=BOTH)
    await show(store)
    assert await nothing_due(store) is None
    assert await store.reader.places_waiting() == [TELEGRAM]


async def test_new_questions_are_due_in_the_order_in_which_they_were_asked(store: Store) -> None:
    asked = [await put(store, await begin(store, f"run{n}"), to=BOTH) for n in range(5)]
    assert [(await show(store)).request_id for _ in asked] == asked


async def test_what_is_decided_goes_before_what_is_new(store: Store) -> None:
    first = await put(store, await begin(store, "run1"), to=BOTH)
    await show(store)
    await put(store, await begin(store, "run2"), to=BOTH)
    await store.answer(a_vote(first))
    assert (await due(store)).request_id == first


async def test_news_that_come_while_a_card_is_sent_are_still_due(store: Store) -> None:
    """The delivery that was read says what was shown; what was wanted since is not lost."""
    request_id = await put(store, await begin(store), to=BOTH)
    delivery = await due(store)
    await store.answer(a_vote(request_id))
    await store.end_delivery(delivery, "1.2", START)
    again = await due(store)
    assert (again.reference, again.revision_shown, again.revision_wanted) == ("1.2", 1, 2)


KEPT = Kept("d" * 64, {"text": "t" * 32})


async def rendered(store: Store, delivery: Delivery, message: str, kept: Kept | None = KEPT) -> int:
    """Do what the outbox does when the platform has answered; the number."""
    rendering = await store.begin_delivery(delivery)
    assert rendering is not None
    await store.refer_delivery(delivery, f"{message}/0", rendering, message, kept)
    return rendering


async def test_each_attempt_has_a_number_of_its_own_and_what_was_kept_under_it(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    first = await rendered(store, await due(store), "C1/1.2")
    other = await rendered(store, await due(store, TELEGRAM), "-100/7", None)
    assert first != other, "a number says at which place it was"
    assert await drawn(store, request_id, first) == Rendering(first, SLACK, "C1/1.2", KEPT)
    assert await drawn(store, request_id, other) == Rendering(other, TELEGRAM, None, None)
    assert await drawn(store, request_id, 99) is None


async def test_late_presses_find_the_latest_renderings_and_no_number_comes_twice(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    delivery = await due(store)
    numbers = [await rendered(store, delivery, "C1/1.2") for _ in range(20)]
    assert numbers == sorted(set(numbers))
    kept = [number for number in numbers if await drawn(store, request_id, number)]
    assert kept == numbers[-8:]


async def test_what_a_message_shows_is_known_to_have_been_drawn_later(store: Store) -> None:
    """At its own place, in its own message, after that number; or last in a way that nobody has heard of."""
    request_id = await put(store, await begin(store), to=BOTH)
    delivery = await due(store)
    first, second = [await rendered(store, delivery, "C1/1.2") for _ in range(2)]
    later = store.reader.is_drawn_later
    assert await later(request_id, first, SLACK, "C1/1.2", KEPT.digest)
    assert not await later(request_id, second, SLACK, "C1/1.2", KEPT.digest)
    assert not await later(request_id, first, SLACK, "C1/9.9", KEPT.digest)
    assert not await later(request_id, first, TELEGRAM, "C1/1.2", KEPT.digest)
    assert not await later(request_id, first, SLACK, "C1/1.2", "other")
    unheard = await rendered(store, delivery, "C1/1.2", None)
    assert await later(request_id, second, SLACK, "C1/1.2", "other")
    await rendered(store, delivery, "C1/1.2")
    assert not await later(request_id, first, SLACK, "C1/1.2", "other"), f"{unheard} is not the last any more"


async def test_a_card_that_shows_its_decision_has_no_renderings(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    delivery = await due(store)
    number = await rendered(store, delivery, "C1/1.2")
    await store.end_delivery(delivery, "C1/1.2/0", store.clock.now())
    assert await drawn(store, request_id, number) is not None
    await store.answer(a_vote(request_id))
    await store.end_delivery(await due(store), "C1/1.2/0", store.clock.now())
    assert await drawn(store, request_id, number) is None


async def test_a_message_to_be_closed_outlives_a_card_that_is_shown_meanwhile(store: Store) -> None:
    """Somebody pressed in a message that is none of ours, while the card itself was on its way."""
    request_id = await put(store, await begin(store), to=BOTH)
    before = await due(store)
    await store.close_later(request_id, SLACK, "C1/0.1/0")
    await store.end_delivery(before, "C1/1.2/0", store.clock.now())
    delivery = await due(store)
    assert (delivery.reference, delivery.former) == ("C1/1.2/0", "C1/0.1/0")
    await store.end_delivery(delivery, "C1/1.2/0", store.clock.now())
    assert (await store.reader.deliveries(request_id))[0].former is None


async def test_a_mismatch_is_told_once_for_each_card(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    told = [
        await store.report_mismatch(request_id, place, ANA, "slack:C1", ["text"])
        for place in (SLACK, SLACK, TELEGRAM, None)
    ]
    assert told == [True, False, True, False]
    (first, _) = [row async for row in store.reader.audit() if row.kind == "card_forged"]
    assert (first.payload, first.person) == ({"place": "slack:C1", "parts": ["text"]}, ANA)


async def test_only_the_message_that_was_pressed_is_replaced(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    await show(store)
    (reference,) = [
        one.reference for one in await store.reader.deliveries(request_id) if one.destination == SLACK
    ]
    assert reference is not None
    await store.replace_message(request_id, SLACK, "another")
    assert await nothing_due(store) is None
    await store.replace_message(request_id, SLACK, reference)
    assert ((await due(store)).reference, (await due(store)).former) == (None, reference)


async def test_a_reference_is_kept_before_everything_is_sent(store: Store) -> None:
    """A crash between the card and the rest of its text must not send the card again."""
    await put(store, await begin(store), to=BOTH)
    await store.refer_delivery(await due(store), "1.2", 1, "1.2", None)
    found = await due(store)
    assert (found.reference, found.revision_shown) == ("1.2", 0)


async def test_an_attempt_is_counted_before_it_is_made(store: Store) -> None:
    await put(store, await begin(store), to=BOTH)
    await store.begin_delivery(await due(store))
    assert (await due(store)).attempts == 1


async def test_what_failed_is_due_again_at_its_time(store: Store, clock: GatedClock) -> None:
    await put(store, await begin(store), to=BOTH)
    later = START + timedelta(seconds=30)
    await store.fail_delivery(await due(store), "throttled", later)
    assert await nothing_due(store) == later
    clock.advance(timedelta(seconds=30))
    assert (await due(store)).last_error == "throttled"


async def test_an_answer_does_not_wait_for_a_back_off(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    await show(store)
    await store.answer(a_vote(request_id))
    await store.fail_delivery(await due(store), "a hiccup", START + timedelta(hours=1))
    await store.cancel("run", ANA, "console")
    assert (await due(store)).request_id == request_id


async def test_progress_waits_and_the_end_does_not(store: Store, clock: GatedClock) -> None:
    """A run that hurries through its nodes must not use up a chat's budget; its end is news at once."""
    place = await begin(store)
    await store.answer(a_vote(await put(store, place, to=BOTH)))
    await show(store, quiet=timedelta(seconds=3))
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.RUNNING, "{}", next_node="publish"))
    assert await nothing_due(store) == START + timedelta(seconds=3)
    following = Place(place.run_key, "run", "flow", 2, "publish", place.definition_key)
    await end_run(store, following, WorkflowStatus.COMPLETED)
    assert isinstance(await due(store), Delivery)


async def test_a_dead_place_is_given_up_and_news_only_once(store: Store) -> None:
    for number in range(3):
        await put(store, await begin(store, f"run{number}"), to=BOTH)
    assert await store.bury(SLACK, "the channel is archived")
    assert not await store.bury(SLACK, "the channel is archived")
    assert await store.reader.places_waiting() == [TELEGRAM]
    [dead] = await store.reader.dead_places()
    assert (dead.destination, dead.reason, dead.cards) == (SLACK, "the channel is archived", 3)
    kinds = [row.kind async for row in store.reader.audit()]
    assert kinds.count("destination_dead") == 1


async def test_a_place_that_is_given_up_again_can_be_no_news(store: Store) -> None:
    """Whoever tried it in between knows that operators have heard of it."""
    await put(store, await begin(store), to=BOTH)
    assert await store.bury(SLACK, "archived")
    await store.revive([SLACK])
    assert not await store.bury(SLACK, "archived", is_news=False)
    assert [row.kind async for row in store.reader.audit()].count("destination_dead") == 1
    assert [one.destination for one in await store.reader.dead_places()] == [SLACK]


async def test_a_card_that_is_refused_waits_for_news_or_another_start(store: Store) -> None:
    """And is told once for each reason."""
    request_id = await put(store, await begin(store), to=BOTH)
    await store.fail_delivery(await due(store), "invalid_blocks", START)
    assert await store.refuse_delivery(await due(store), "invalid_blocks")
    assert await store.reader.places_waiting() == [TELEGRAM]
    await store.revive()
    assert not await store.refuse_delivery(await due(store), "invalid_blocks")
    await store.redraw(request_id, SLACK)
    assert await store.refuse_delivery(await due(store), "msg_too_long")
    said = [row.payload async for row in store.reader.audit() if row.kind == "card_refused"]
    assert said == [{"destination": SLACK, "error": one} for one in ("invalid_blocks", "msg_too_long")]
    await store.redraw(request_id, SLACK)
    await show(store)
    await store.revive()
    assert await nothing_due(store) is None


async def test_a_chat_that_moved_gets_its_open_cards_once(store: Store) -> None:
    """However often and by whomever that is said; the place itself is taken up again."""
    for number in range(2):
        await put(store, await begin(store, f"run{number}"), to=BOTH)
    delivery = await show(store)
    await store.bury(SLACK, "group chat was deactivated")
    moves = [store.move_chat("slack", "moved:-1", -100, [SLACK], "upgraded") for _ in range(2)]
    assert [await one for one in moves] == [True, False]
    assert await store.kept("slack", "moved:-1") == -100
    anew = await due(store)
    assert (anew.request_id, anew.reference, anew.notice) == (delivery.request_id, None, "upgraded")
    [row] = [row async for row in store.reader.audit() if row.kind == "chat_moved"]
    assert row.payload == {"destinations": [SLACK], "chat": -100}


async def test_a_place_that_takes_cards_again_gets_those_that_waited(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    await store.bury(SLACK, "kicked")
    assert await store.revive() == 1
    assert (await due(store)).request_id == request_id
    assert await store.reader.dead_places() == []


async def test_a_deleted_message_is_sent_anew(store: Store) -> None:
    await put(store, await begin(store), to=BOTH)
    delivery = await show(store)
    await store.forget_message(delivery)
    assert (await due(store)).reference is None


async def test_open_cards_are_posted_anew_with_a_line(store: Store) -> None:
    still_open = await put(store, await begin(store, "run1"), to=BOTH)
    decided = await put(store, await begin(store, "run2"), to=BOTH)
    for _ in range(2):
        await show(store)
    await store.answer(a_vote(decided))
    await show(store)
    assert await store.post_anew("slack", "offline from 12:03 to 12:19") == 1
    delivery = await due(store)
    assert (delivery.request_id, delivery.reference) == (still_open, None)
    assert delivery.former == f"message of {still_open[:4]}"
    assert delivery.notice == "offline from 12:03 to 12:19"
    await store.end_delivery(delivery, "new", START)
    assert await nothing_due(store) is None


async def test_a_card_shows_who_decided_and_how_the_run_stands(store: Store) -> None:
    place = await begin(store, requested_by="slack:T1:U9")
    request_id = await put(store, place, to=BOTH)
    await store.know(ANA, "Ana")
    await store.know("slack:T1:U9", "Chris")
    await store.answer(a_vote(request_id, "no", comment="too late"))
    card = await store.reader.card(request_id)
    assert card is not None
    assert card.request.status is RequestStatus.ANSWERED
    assert [(vote.person, vote.value, vote.comment) for vote in card.votes] == [(ANA, "no", "too late")]
    assert (card.workflow, card.run_status, card.run_node) == ("flow", WorkflowStatus.RUNNING, "ask")
    assert card.request.resolved_by == ANA
    assert card.names == {ANA: "Ana"}
    await end_run(store, place, WorkflowStatus.FAILED, "connection refused")
    ended = await store.reader.card(request_id)
    assert ended is not None
    assert (ended.run_node, ended.run_ended_at) == ("ask", START)


async def test_an_answer_whose_node_is_gone_shows_as_held(store: Store) -> None:
    request_id = await put(store, await begin(store), to=BOTH)
    store.set_nodes("flow", ["another"])
    await store.answer(a_vote(request_id))
    card = await store.reader.card(request_id)
    assert card is not None
    assert card.held


async def test_an_unknown_request_has_no_card(store: Store) -> None:
    await begin(store)
    assert await store.reader.card("0" * 32) is None


async def test_names_follow_what_surfaces_say(store: Store, database: Path) -> None:
    await store.know(ANA, "Ana")
    await store.know(ANA, "Ana Maria")
    assert rows(database, "SELECT person, name FROM people") == [(ANA, "Ana Maria")]


async def test_notes_are_kept_and_forgotten(store: Store) -> None:
    await store.keep("telegram", "moved:-1", -100)
    await store.keep("telegram", "moved:-2", {"to": -200})
    await store.keep("slack", "moved:-1", "elsewhere")
    assert await store.kept("telegram", "moved:-1") == -100
    await store.keep("telegram", "moved:-1", None)
    assert await store.kept("telegram", "moved:-1") is None
    assert await store.kept_all("telegram", "moved:") == {"moved:-2": {"to": -200}}


async def test_counts_say_what_is_open_and_undelivered(store: Store) -> None:
    await put(store, await begin(store), to=BOTH)
    await show(store)
    counts = await store.reader.counts()
    assert (counts.pending, counts.oldest, counts.undelivered, counts.held) == (1, START, 1, 0)


@pytest.mark.parametrize("call", ["ask", "answer", "cancel"])
async def test_who_shows_cards_hears_of_news_after_the_commit(store: Store, call: str) -> None:
    import asyncio

    place = await begin(store)
    request_id = await put(store, place, to=BOTH) if call != "ask" else ""
    heard = asyncio.Event()
    listener = store.hub.listen_cards(asyncio.get_running_loop(), heard.set)
    if call == "ask":
        await put(store, place, to=BOTH)
    elif call == "answer":
        await store.answer(a_vote(request_id))
    else:
        await store.cancel("run", ANA, "console")
    async with asyncio.timeout(10):
        await heard.wait()
    store.hub.ignore_cards(listener)


async def test_the_end_of_a_run_that_asked_for_ever_edits_its_latest_cards_alone(
    store: Store, database: Path
) -> None:
    """Each card before those was edited once more when the run had left it behind, and says so."""
    place = await begin(store)
    ids = [await put(store, place, f"q{number:02}", park=False, to=(SLACK,)) for number in range(40)]
    for one in ids:
        await store.answer(a_vote(one, via=SLACK))
    wanted = (
        "SELECT revision_wanted FROM deliveries d JOIN requests q USING (request_key) ORDER BY request_key"
    )
    before = [number for (number,) in rows(database, wanted)]
    assert await store.end_visit(place, VisitEnd(WorkflowStatus.COMPLETED, "{}"))
    after = [number for (number,) in rows(database, wanted)]
    assert [new - old for old, new in zip(before, after, strict=True)] == [0] * 15 + [1] * 25
    assert before == [3] * 15 + [2] * 25
    cards = [await store.reader.card(one) for one in ids]
    assert [card is not None and card.follows for card in cards] == [False] * 15 + [True] * 25


async def test_an_open_question_of_a_run_that_is_cancelled_is_told_everywhere(
    store: Store, database: Path
) -> None:
    """However many it had asked."""
    place = await begin(store)
    for number in range(40):
        await put(store, place, f"q{number:02}", park=False, to=(SLACK,))
    before = rows(database, "SELECT revision_wanted FROM deliveries ORDER BY request_key")
    await store.cancel("run", ANA, "console")
    after = rows(database, "SELECT revision_wanted FROM deliveries ORDER BY request_key")
    assert all(new > old for (old,), (new,) in zip(before, after, strict=True))
