"""What people do in a chaos run, and how they hear what became of it; every press goes into the ledger."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks.chaos_forgeries import (
    AND_MORE,
    LABELS,
    MARK,
    ON_CARD,
    PIZZA,
    SLACK_KINDS,
    TELEGRAM_KINDS,
    Bait,
    Forger,
    Rows,
    rows_of,
)
from benchmarks.chaos_ledger import APPROVE, FINAL, OLD, ONCE, REPEATED, TWICE, Ledger, Pressed, told_by
from benchmarks.chaos_service import prompt_of
from benchmarks.chaos_stage import ChaosStage, Human, Question
from sayso.adapters.slack import Submitted, parse_event
from sayso.testing import slack as local_slack
from sayso.testing import telegram as local_telegram
from sayso.testing.platform import Impossible

LABEL_OF = {APPROVE: LABELS[0][0], "reject": LABELS[0][1]}
LOOK_EVERY = 0.1
_PROMPT = re.compile(prompt_of(0).replace("0", r"(\d+)").replace("?", r"\?"))
WORDS_WITHIN, TOAST_WITHIN = 6.0, 20.0
ASKS_WHY = "Not recorded yet"
LEFT_OUT = "Reject without a reason"
T = TypeVar("T")


async def soon(look: Callable[[], Awaitable[T | None]], seconds: float) -> T | None:
    """What is there to be seen within so many seconds, or None."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        found = await look()
        if found is not None or loop.time() > end:
            return found
        await asyncio.sleep(LOOK_EVERY)


class People:
    """Everybody's hands and eyes."""

    def __init__(self, stage: ChaosStage, ledger: Ledger, forger: Forger, chance: random.Random) -> None:
        self.disturbances: Callable[[], object] = object
        """Differs from one call to the next where something went wrong between them."""
        self._stage = stage
        self._ledger = ledger
        self._forger = forger
        self._chance = chance

    # --- seeing ------------------------------------------------------------------------------------

    def in_slack(self, asked: Question, human: Human) -> local_slack.SeenMessage | None:
        """The newest message in the channel that is the card, as far as a person can see."""
        if asked.channel is None or human.slack is None:
            return None
        for seen in reversed(human.slack.messages(asked.channel)):
            is_card = asked.prompt in seen.text and seen.labels == LABELS and seen.notification != MARK
            if is_card and not {seen.ts} & (asked.forged | asked.shunned):
                asked.seen_in_slack = asked.seen_in_slack or seen
                return seen
        return None

    async def in_telegram(self, asked: Question, human: Human) -> local_telegram.SeenMessage | None:
        """The same in the group."""
        if asked.group is None or human.telegram is None:
            return None
        for seen in reversed(await human.telegram.sees(asked.group)):
            text = seen.text.replace("\u2060", "")
            is_card = asked.prompt in text and seen.labels == LABELS and AND_MORE not in text
            is_known = not {str(seen.message_id)} & (asked.forged | asked.shunned)
            if is_card and is_known and seen.document is None:
                asked.seen_in_telegram = asked.seen_in_telegram or seen
                return seen
        return None

    async def open_cards(self) -> list[tuple[Question, str]]:
        """All messages that anybody would take for an open card, with their names."""
        questions = {one.number: one for one in self._ledger.questions}
        found: dict[str, Question] = {}
        for human in self._stage.approvers:
            posts = [
                (seen.text, seen.labels, f"{seen.channel}/{seen.ts}", seen.ts)
                for channel in self._stage.channels
                if human.slack is not None
                for seen in human.slack.messages(channel)
                if seen.notification != MARK
            ]
            for group in self._stage.groups if human.telegram is not None else ():
                assert human.telegram is not None
                posts += [
                    (
                        one.text.replace("\u2060", ""),
                        one.labels,
                        f"{one.chat_id}/{one.message_id}",
                        str(one.message_id),
                    )
                    for one in await human.telegram.sees(group)
                    if one.document is None and AND_MORE not in one.text
                ]
            for text, labels, name, number in posts:
                prompt = _PROMPT.search(text)
                asked = None if prompt is None else questions.get(int(prompt[1]))
                if asked is not None and labels == LABELS and number not in asked.forged | asked.shunned:
                    found[name] = asked
        return [(asked, name) for name, asked in found.items()]

    async def is_shown(self, asked: Question) -> bool:
        """Whether somebody sees the card."""
        for human in self._stage.approvers:
            if self.in_slack(asked, human) is not None or await self.in_telegram(asked, human) is not None:
                return True
        return False

    # --- pressing ----------------------------------------------------------------------------------

    async def press(self, asked: Question, human: Human, value: str, how: str = "honest") -> Pressed | None:
        """Press in the card, wherever it is seen, and hear what comes of it; None where there is no card to press."""
        async with human.busy:
            if human.slack is None or (human.telegram is not None and self._chance.random() < 0.5):
                return await self._tap(asked, human, value, how) or await self._click(
                    asked, human, value, how
                )
            return await self._click(asked, human, value, how) or await self._tap(asked, human, value, how)

    async def press_old_view(self, asked: Question, human: Human, value: str) -> None:
        """Press what an app shows that was offline since the card came."""
        async with human.busy:
            try:
                if asked.seen_in_slack is not None and human.slack is not None:
                    seen, how = asked.seen_in_slack, "on an old view"
                    press = await human.slack.press(seen, LABEL_OF[value], old_view=True, forged=True)
                    await self._hear_slack(
                        self._clicked(asked, human, value, how, press), press, seen.channel
                    )
                elif asked.seen_in_telegram is not None and human.telegram is not None:
                    tap = await human.telegram.tap(asked.seen_in_telegram, LABEL_OF[value], old_view=True)
                    await self._hear_telegram(self._tapped(asked, human, value, "on an old view", tap), tap)
            except Impossible:
                return  # the message is gone

    async def _click(self, asked: Question, human: Human, value: str, how: str) -> Pressed | None:
        async with asked.turn:
            card = self.in_slack(asked, human)
            if card is None or human.slack is None:
                return None
            await _close(human.slack)
            # Buttons show to those alone who are asked; others need a client of their own.
            is_hidden = asked.may(human, value) is not True
            press = await human.slack.press(card, LABEL_OF[value], forged=is_hidden)
            pressed = self._clicked(asked, human, value, ONCE if how == OLD else how, press)
            if how == TWICE:
                # Which of the two is heard first, and which words are whose, is nobody's to say.
                pressed.keys.append(
                    _key(human.slack, await human.slack.press(card, LABEL_OF[value], forged=is_hidden))
                )
            elif how == REPEATED:
                await human.slack.press_again(press)
        await self._hear_slack(pressed, press, card.channel)
        if (pressed.words or "").startswith("This message isn't the card"):
            asked.shunned.add(card.ts)
        return pressed

    async def _tap(self, asked: Question, human: Human, value: str, how: str) -> Pressed | None:
        async with asked.turn:
            card = await self.in_telegram(asked, human)
            if card is None or human.telegram is None:
                return None
            is_old = how == OLD
            tap = await human.telegram.tap(card, LABEL_OF[value], inaccessible=is_old)
            pressed = self._tapped(asked, human, value, how, tap)
            if how == TWICE:
                pressed.keys.append(self._newest_key(await human.telegram.tap(card, LABEL_OF[value])))
            elif how == REPEATED:
                await human.telegram.press_again(tap)
                pressed.keys.append(self._newest_key(tap))
        await self._hear_telegram(pressed, tap)
        if (pressed.words or "").startswith("This message isn't the card"):
            asked.shunned.add(str(card.message_id))
        return pressed

    def _clicked(
        self, asked: Question, human: Human, value: str, how: str, press: local_slack.SlackPress
    ) -> Pressed:
        assert human.slack is not None
        return self._note(Pressed(human, human.accounts[0], asked, value, how, [_key(human.slack, press)]))

    def _tapped(
        self, asked: Question, human: Human, value: str, how: str, tap: local_telegram.Press
    ) -> Pressed:
        return self._note(Pressed(human, human.accounts[-1], asked, value, how, [self._newest_key(tap)]))

    def _note(self, pressed: Pressed) -> Pressed:
        self._ledger.presses.append(pressed)
        return pressed

    def _newest_key(self, tap: local_telegram.Press) -> str:
        """What the store calls a press that was made just now."""
        bot = self._stage.telegram.token.partition(":")[0]
        update = next(
            one
            for one in reversed(self._stage.telegram.pending_updates)
            if one.body.get("id") == tap.query_id
        )
        return f"telegram:{bot}:{update.update_id}"

    async def _hear_slack(self, pressed: Pressed, press: local_slack.SlackPress, channel: str) -> None:
        human = pressed.human.slack
        assert human is not None
        place = next(one for one in self._stage.channels if one.id == channel)
        before = len(human.words(place))

        async def words() -> str | None:
            told, view = human.words(place)[before:], human.view
            if told or view is None:
                return told[0] if told else None
            if view.submit is not None:
                return ASKS_WHY if pressed.question.prompt in view.text else None
            return None if view.text.startswith("One moment") else view.text

        with self._timed(pressed):
            result = await press.result()
            pressed.words = await soon(words, WORDS_WITHIN) if result.is_acknowledged else None
        if pressed.words == ASKS_WHY:
            with self._timed(pressed):
                result = await self._send_without_a_reason(pressed, human)
        await _close(human)
        pressed.told = told_by(pressed.words, is_acknowledged=result.is_acknowledged)

    async def _send_without_a_reason(
        self, pressed: Pressed, human: local_slack.SlackPerson
    ) -> local_slack.PressResult:
        """Send the modal that asks why, as it is."""
        sent = await human.submit({})
        event = parse_event("interactive", sent.payload)
        assert isinstance(event, Submitted)
        pressed.keys.append(event.key)
        result = await sent.result()
        view = human.view if result.is_acknowledged else None
        pressed.words = None if view is None else "\n".join(view.errors.values()) or view.text
        return result

    async def _hear_telegram(self, pressed: Pressed, tap: local_telegram.Press) -> None:
        try:
            with self._timed(pressed):
                async with asyncio.timeout(TOAST_WITHIN):
                    result = await tap.result()
        except TimeoutError:
            return
        pressed.words = result.text
        pressed.told = told_by(result.text, is_acknowledged=result.is_acknowledged)
        if (result.text or "").startswith(ASKS_WHY):
            await self._go_on_without_a_reason(pressed)

    async def _go_on_without_a_reason(self, pressed: Pressed) -> None:
        """Press the button of the message that asks why, if it comes."""
        person, asked = pressed.human.telegram, pressed.question
        assert person is not None
        begins = f"{person.name}: Why reject? {asked.prompt}"

        async def asks() -> local_telegram.SeenMessage | None:
            for seen in reversed(await person.sees(asked.group)):
                if seen.text.replace("\u2060", "").startswith(begins) and [LEFT_OUT, "Cancel"] in seen.labels:
                    return seen
            return None

        shown = await soon(asks, WORDS_WITHIN)
        if shown is None:
            return
        with suppress(Impossible):  # somebody else has just decided
            tap = await person.tap(shown, LEFT_OUT)
            pressed.keys.append(self._newest_key(tap))
            await self._hear_telegram(pressed, tap)

    @contextmanager
    def _timed(self, pressed: Pressed) -> Generator[None]:
        """Note how long somebody waits for words, and whether anything went wrong meanwhile."""
        begin, before = asyncio.get_running_loop().time(), self.disturbances()
        try:
            yield
        finally:
            is_undisturbed = pressed.how not in (TWICE, REPEATED) and before == self.disturbances()
            pressed.is_undisturbed = is_undisturbed and (pressed.heard_at is None or pressed.is_undisturbed)
            pressed.heard_at = datetime.now(UTC)
            pressed.seconds = max(pressed.seconds, asyncio.get_running_loop().time() - begin)

    # --- forgeries ---------------------------------------------------------------------------------

    async def deceive(self, asked: Question, victim: Human) -> None:
        """Somebody forges around a card, and a person presses there, unless it is put right just then."""
        async with victim.busy, asked.turn:
            with suppress(Impossible):
                await self._deceive(asked, victim)

    async def _deceive(self, asked: Question, victim: Human) -> None:
        if victim.slack is not None and (victim.telegram is None or self._chance.random() < 0.5):
            await self._deceive_in_slack(asked, victim)
        else:
            await self._deceive_in_telegram(asked, victim)

    async def _deceive_in_slack(self, asked: Question, victim: Human) -> None:
        card = self.in_slack(asked, victim)
        if card is None or victim.slack is None:
            return
        asked.is_attacked = True
        bait = await self._forger.in_slack(self._chance.choice(SLACK_KINDS), card, victim.slack.id)
        if bait is None:
            return
        if bait.message != card.ts:
            asked.forged.add(bait.message)
        for seen in victim.slack.messages(asked.channel):
            if seen.ts == bait.message and seen.notification == MARK:
                await self._click_forgery(asked, victim, seen, bait)

    async def _click_forgery(
        self, asked: Question, victim: Human, seen: local_slack.SeenMessage, bait: Bait
    ) -> None:
        labels = [label for row in seen.labels for label in row]
        if victim.slack is None or not labels:
            return
        label = labels[bait.button % len(labels)]
        number = 1 if bait.kind == ON_CARD and len(seen.labels) > 1 else 0
        label = LABELS[0][0] if number else label
        press = await victim.slack.press(seen, label, number=number, forged=True)
        pressed = self._clicked(asked, victim, APPROVE, f"forged: {bait.kind}", press)
        await self._hear_slack(pressed, press, seen.channel)

    async def _deceive_in_telegram(self, asked: Question, victim: Human) -> None:
        card = await self.in_telegram(asked, victim)
        rows: Rows | None = rows_of(self._stage.telegram, asked.prompt)
        if card is None or victim.telegram is None or rows is None:
            return
        asked.is_attacked = True
        bait = await self._forger.in_telegram(self._chance.choice(TELEGRAM_KINDS), card, rows)
        if bait is None:
            return
        if bait.message != str(card.message_id):
            asked.forged.add(bait.message)
        for seen in await victim.telegram.sees(asked.group):
            if str(seen.message_id) == bait.message and _is_forged(asked, seen):
                tap = await victim.telegram.tap(seen, position=bait.button)
                await self._hear_telegram(
                    self._tapped(asked, victim, APPROVE, f"forged: {bait.kind}", tap), tap
                )

    async def press_what_is_forged(self, asked: Question, victim: Human) -> bool:
        """Press in a card that was edited, and that nobody has pressed since; whether there was one."""
        async with victim.busy, asked.turn:
            try:
                return await self._press_what_is_forged(asked, victim)
            except Impossible:
                return False  # it has been closed

    async def _press_what_is_forged(self, asked: Question, victim: Human) -> bool:
        if asked.channel is not None and victim.slack is not None:
            for seen in victim.slack.messages(asked.channel):
                mine = asked.seen_in_slack is not None and seen.ts == asked.seen_in_slack.ts
                if seen.notification == MARK and seen.labels and (mine or asked.prompt in seen.text):
                    kind = ON_CARD if seen.attachments else "found later"
                    await self._click_forgery(asked, victim, seen, Bait(kind, seen.ts))
                    return True
        if asked.group is not None and victim.telegram is not None:
            for post in await victim.telegram.sees(asked.group):
                known = asked.seen_in_telegram
                mine = known is not None and post.message_id == known.message_id
                is_ours = [LEFT_OUT, "Cancel"] in post.labels
                if (
                    post.labels
                    and not is_ours
                    and _is_forged(asked, post)
                    and (mine or asked.prompt in post.text)
                ):
                    tap = await victim.telegram.tap(post, position=0)
                    pressed = self._tapped(asked, victim, APPROVE, "forged: found later", tap)
                    await self._hear_telegram(pressed, tap)
                    return True
        return False

    # --- commands ----------------------------------------------------------------------------------

    async def type_in_slack(self, human: Human, text: str) -> str | None:
        """`/sayso TEXT` in the first channel; the answer, which nobody else sees, or None where none comes."""
        assert human.slack is not None
        place = self._stage.channels[0]
        async with human.busy:
            before = len(human.slack.words(place))
            await (await human.slack.command("/sayso", text, place)).result()

            async def words() -> str | None:
                assert human.slack is not None
                said = [one for one in human.slack.words(place)[before:] if not one.startswith("One moment")]
                return said[0] if said else None

            return await soon(words, WORDS_WITHIN)

    async def type_in_telegram(self, human: Human, text: str) -> str | None:
        """A command in somebody's own chat with the bot, and its answer likewise."""
        person = human.telegram
        assert person is not None
        async with human.busy:
            typed = await person.command(None, text)

            async def words() -> str | None:
                said = [one for one in await person.sees(None) if one.message_id > typed.message_id]
                return said[-1].text.replace("\u2060", "") if said else None

            return await soon(words, WORDS_WITHIN)


async def _close(person: local_slack.SlackPerson) -> None:
    """Close whatever modals are open."""
    while person.view is not None:
        await person.close_view()


def _key(person: local_slack.SlackPerson, press: local_slack.SlackPress) -> str:
    """What the store calls a press."""
    action = press.payload["actions"][0]
    return f"slack:action:{person.id}:{action['action_ts']}:{action['action_id']}"


def is_final(pressed: Pressed | None) -> bool:
    """Whether nothing is left to do for whoever pressed."""
    return pressed is not None and pressed.told in FINAL


def _is_forged(asked: Question, seen: local_telegram.SeenMessage) -> bool:
    text = seen.text.replace("\u2060", "")
    return (
        seen.labels != LABELS
        or PIZZA in text
        or AND_MORE in text
        or seen.document is not None
        or str(seen.message_id) in asked.forged
    )
