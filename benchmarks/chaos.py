"""The account of a chaos run: what people, attackers, faults and `kill -9` come to.

    python -m benchmarks.chaos [--seconds 180] [--questions 240] [--seed 1]

Against the local Slack (Enterprise Grid, people of other organisations in the channels) and the local Telegram, with a
real process of the service that is killed again and again, also by its users' code, which exits, blocks and worse; and
the file is swapped for another for a moment. People press at once, twice, late, on old views and again; people press
who may not; whoever has the bots' tokens forges cards; Lin links and unlinks accounts, votes are handed over. Then it
is quiet, whoever is still asked answers, and the ledger of what everybody did and was told is held against the store.
Exits 1 where something is wrong. Not acknowledged is unknown: such a press may count once.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.chaos_forgeries import Forger
from benchmarks.chaos_ledger import APPROVE, OLD, ONCE, REPEATED, TWICE, Account, Ledger, Told, references
from benchmarks.chaos_people import People, is_final, soon
from benchmarks.chaos_service import BLOCKS_FOR, HARMS, UNRULY, Service, Swap
from benchmarks.chaos_stage import ChaosStage, Human, Question, a_chaos_stage
from benchmarks.faults import break_something
from sayso.bots.chats import Reference
from sayso.engine import SQLiteReader, WorkflowStatus

LIVES = (5.0, 13.0)
"""Seconds from a start of the service to its kill."""

FAULT_EVERY, MOST_PLANNED = 1.5, 3
TRIES, TRIES_WHEN_QUIET = 6, 3
CARD_WITHIN, QUIET_WITHIN = 30.0, 150.0
HEALTHY_WITHIN, TRUE_WITHIN = 20.0, 30.0
UNRULY_EVERY, SWAP_EVERY, SWAPPED_FOR = 9.0, 45.0, 2.0
AT_ONCE, AT_ONCE_WHEN_QUIET = 40, 8
HOWS = {ONCE: 55, TWICE: 15, REPEATED: 15, OLD: 15}
"""How people press first, and how often so."""


class Chaos:
    """The play."""

    def __init__(
        self,
        stage: ChaosStage,
        chance: random.Random,
        people: People,
        ledger: Ledger,
        lives: tuple[float, float],
    ) -> None:
        self.stage = stage
        self.chance = chance
        self._lives = lives
        self.people = people
        self.ledger = ledger
        self.service = Service(stage.database, stage.settings())
        self.faults = Counter[str]()
        self._serves, self._quiet, self._is_left_alone = (asyncio.Event() for _ in range(3))
        self._holds = 0
        self.swap = Swap(stage.database)
        people.disturbances = self._disturbances

    async def run(self, seconds: float, count: int) -> None:
        """Play for so long, then let all of it come to rest."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            life = group.create_task(self._live())
            around = [
                group.create_task(one)
                for one in (
                    self._break_things(),
                    self._link_and_unlink(),
                    self._run_unruly_code(),
                    self._swap_files(),
                )
            ]
            gate = asyncio.Semaphore(AT_ONCE)
            await self._serves.wait()
            begin = loop.time()
            scenes: list[asyncio.Task[None]] = []
            for number in range(count):
                await asyncio.sleep(max(0.0, begin + number * seconds / count - loop.time()))
                asked = self.stage.question(number, self.chance)
                self.ledger.questions.append(asked)
                scenes.append(group.create_task(_within(gate, self._play(asked))))
            await asyncio.wait(scenes, timeout=max(1.0, begin + seconds - loop.time()))
            self._quiet.set()
            await asyncio.wait([*scenes, *around])
            await self._is_left_alone.wait()
            await self._ill(HEALTHY_WITHIN)  # a chat that it has not reached yet hears no press
            await self._come_to_rest()
            await self.service.stop()
            await life

    async def _live(self) -> None:
        """Start the service, kill it, start it again, and leave it alone once it is quiet."""
        async with asyncio.TaskGroup() as group:
            while True:
                async with self.swap.turn:  # a service that starts on another file is another service
                    serves = await self.service.start()
                if not serves:
                    continue
                self._serves.set()
                heard = group.create_task(self.service.listen())
                is_quiet = group.create_task(self._is_quiet_within(self.chance.uniform(*self._lives)))
                await asyncio.wait([heard, is_quiet], return_when=asyncio.FIRST_COMPLETED)
                if is_quiet.done() and is_quiet.result():
                    self._is_left_alone.set()
                    break
                async with self.swap.turn:
                    await self.service.kill()
                await heard
                is_quiet.cancel()

    async def _is_quiet_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._quiet.wait()
        except TimeoutError:
            return False

    # --- what the platforms do ---------------------------------------------------------------------

    async def _break_things(self) -> None:
        slack, telegram = self.stage.slack, self.stage.telegram
        while not await self._is_quiet_within(FAULT_EVERY):
            match self.chance.choices(
                ["call", "drop", "disconnect", "turn away", "hold"], [60, 10, 10, 5, 15]
            )[0]:
                case "drop":
                    slack.drop()
                    self.faults["sockets dropped"] += 1
                case "disconnect":
                    await slack.disconnect(still_delivers=self.chance.random() < 0.5)
                    self.faults["new sockets asked for"] += 1
                case "turn away":
                    slack.turn_away(1)
                    self.faults["sockets refused"] += 1
                case "hold":
                    hold = (
                        slack.hold("users.info")
                        if self.chance.random() < 0.5
                        else telegram.hold("getChatMember")
                    )
                    self.faults["look-ups held"] += 1
                    self._holds += 1
                    await self._is_quiet_within(self.chance.uniform(1.0, 4.0))
                    hold.release()
                    self._holds -= 1
                case _ if slack.faults.remaining + telegram.faults.remaining < MOST_PLANNED:
                    break_something(self.chance, slack, telegram)
                    self.faults["calls broken"] += 1
                case _:
                    pass

    def _disturbances(self) -> object:
        """What went wrong so far; never the same while something does. A look-up that hangs is no excuse."""
        slack, telegram = self.stage.slack, self.stage.telegram
        if slack.faults.remaining or telegram.faults.remaining or self.swap.is_made or self.service.is_gone:
            return object()
        broken = {name: often for name, often in self.faults.items() if name != "look-ups held"}
        return broken, self.service.kills, self.service.deaths, self.swap.count, self.service.url

    async def _run_unruly_code(self) -> None:
        """Start runs whose code does what it should not; one that kills the process is held at the third start."""
        number = 0
        while not await self._is_quiet_within(self.chance.uniform(0.5, 1.5) * UNRULY_EVERY):
            harm = HARMS[number % len(HARMS)]
            self.faults[f"code that {harm}"] += 1
            await self.service.ask(f"unruly-{number}", {"harm": harm}, of=UNRULY)
            number += 1

    async def _swap_files(self) -> None:
        """Put another file in the place of the database for a moment: what is acknowledged meanwhile would be lost."""
        while not await self._is_quiet_within(self.chance.uniform(0.5, 1.5) * SWAP_EVERY):
            async with self.swap.turn:
                if self.service.is_gone:
                    continue
                with self.swap:
                    await self._is_quiet_within(SWAPPED_FOR)

    # --- what people do ----------------------------------------------------------------------------

    async def _link_and_unlink(self) -> None:
        """Lin makes their two accounts one person, and two again, as often as it works."""
        lin, people = self.stage.lin, self.people
        while not await self._is_quiet_within(self.chance.uniform(2.0, 8.0)):
            code = (await people.type_in_slack(lin, "link") or "").split()
            if len(code) < 4 or len(code[3]) < 9:
                continue
            for _ in range(2):
                await people.type_in_telegram(lin, f"/link {code[3].rstrip(',')}")
                await people.type_in_telegram(lin, f"/link {code[3].rstrip(',')} yes")
                said = await people.type_in_slack(lin, f"link {code[3].rstrip(',')} yes")
                if said is not None and "one person" in said:
                    break
            await self._is_quiet_within(self.chance.uniform(4.0, 12.0))
            await people.type_in_slack(lin, "unlink")

    async def _play(self, asked: Question) -> None:
        """One question: ask it, and let everybody do what they do."""
        stage = self.stage
        requester = None if asked.requester is None else asked.requester.accounts[0]
        await self.service.ask(asked.run_id, stage.shared(asked), requester)

        async def look() -> bool | None:
            return True if await self.people.is_shown(asked) else None

        if await soon(look, CARD_WITHIN) is None:
            return
        acts: list[Coroutine[Any, Any, None]] = []
        if self.chance.random() < 0.5:
            acts.append(self.people.deceive(asked, self.chance.choice(stage.approvers)))
        if self.chance.random() < 0.5:
            acts.append(self._intrude(asked))
        if asked.named and self.chance.random() < 0.6:
            acts.append(self._hand_over(asked))
        for human in self.chance.sample(stage.approvers, self.chance.choice([1, 2, 3])):
            value = APPROVE if self.chance.random() < 0.8 else "reject"
            acts.append(self._answer(asked, human, value))
        self.chance.shuffle(acts)
        async with asyncio.TaskGroup() as group:
            for act in acts:
                group.create_task(self._later(act, self.chance.uniform(0.0, 2.0)))
        if asked.seconds is not None:
            await self._is_quiet_within(asked.seconds)
        if self.chance.random() < 0.4 or asked.seconds is not None:
            value = self.chance.choice([APPROVE, "reject"])
            await self.people.press_old_view(asked, self.chance.choice(stage.approvers), value)

    async def _later(self, act: Coroutine[Any, Any, None], seconds: float) -> None:
        await self._is_quiet_within(seconds)
        await act

    async def _answer(self, asked: Question, human: Human, value: str) -> None:
        """Press, and press again where that did not count, as people do; what is left is for when it is quiet."""
        how = self.chance.choices(list(HOWS), list(HOWS.values()))[0]
        for attempt in range(TRIES):
            pressed = await self.people.press(asked, human, value, how if attempt == 0 else "honest: again")
            if is_final(pressed) or self._quiet.is_set():
                return
            await self._is_quiet_within(0.5 + 0.5 * attempt)

    async def _intrude(self, asked: Question) -> None:
        """Somebody presses who may not."""
        strangers = [
            one for one in [*self.stage.others, *self.stage.approvers] if asked.may(one, APPROVE) is False
        ]
        pressed = await self.people.press(
            asked, self.chance.choice(strangers), APPROVE, "by whom it is not for"
        )
        if pressed is not None and pressed.told is Told.UNHEARD:
            await self.people.press(asked, pressed.human, APPROVE, "by whom it is not for")

    async def _hand_over(self, asked: Question) -> None:
        """One of those who are named has somebody else asked in their place, who answers."""
        givers = [one for one in asked.named if one.slack is not None]
        takers = [one for one in self.stage.approvers if one not in asked.named and one is not self.stage.lin]
        giver, taker = self.chance.choice(givers or [self.stage.zoe]), self.chance.choice(takers)
        asked.unsure |= {giver, taker}
        async with SQLiteReader(self.stage.database) as reader:
            waiting = await reader.pending(asked.run_id)
        if waiting:
            to = self.stage.entry(taker)
            await self.people.type_in_slack(
                giver, f"reassign {waiting[0].id[:12]}@{waiting[0].revision} {to}"
            )
            await self._answer(asked, taker, APPROVE)

    # --- rest --------------------------------------------------------------------------------------

    async def _come_to_rest(self) -> None:
        """Nothing breaks any more: whoever is asked answers, until all is decided."""
        gate = asyncio.Semaphore(AT_ONCE_WHEN_QUIET)
        end = asyncio.get_running_loop().time() + QUIET_WITHIN
        while asyncio.get_running_loop().time() < end:
            waiting = await self._waiting()
            if not waiting:
                await self._look_at_health()
                await self._look_at_cards()
                await self._let_code_end()
                return
            async with asyncio.TaskGroup() as group:
                for asked in waiting:
                    group.create_task(_within(gate, self._decide(asked)))
        self.ledger.refused += [f"{one.run_id} is open in the end" for one in await self._waiting()]

    async def _look_at_health(self) -> None:
        """Everything is well again: the service says so itself."""
        said = await self._ill(HEALTHY_WITHIN)
        if said is not None:
            self.ledger.unhealthy.append(said)

    async def _ill(self, within: float) -> str | None:
        """What the service says of itself after so many seconds; None once it is well, before that."""
        said: list[str] = []
        async with aiohttp.ClientSession() as session:

            async def look() -> bool | None:
                async with session.get(f"{self.service.url}/readyz") as response:
                    said.append(await response.text())
                    return True if response.ok else None

            return None if await soon(look, within) else said[-1]

    async def _look_at_cards(self) -> None:
        """No card that sayso knows asks any more; what it could never know of is closed at the first press."""

        async def look() -> bool | None:
            return None if await self.people.open_cards() else True

        if await soon(look, TRUE_WITHIN) is None:
            known = {Reference.decode(one).name for one in references(self.stage.database)}
            for asked, name in await self.people.open_cards():
                if name in known:
                    self.ledger.false_cards.append(f"{asked.run_id}: {name} still asks")
                else:
                    await self._press_once(asked)
            if await soon(look, TRUE_WITHIN) is None:
                found = [
                    f"{asked.run_id}: {name} is never closed"
                    for asked, name in await self.people.open_cards()
                ]
                self.ledger.false_cards += found

    async def _let_code_end(self) -> None:
        """Code that blocks needs its time; whatever runs longer is in the account."""

        async def look() -> bool | None:
            async with SQLiteReader(self.stage.database) as reader:
                return None if await reader.runs(status=WorkflowStatus.RUNNING) else True

        await soon(look, 2 * BLOCKS_FOR)

    async def _press_once(self, asked: Question) -> None:
        """The first of those who see the card presses there."""
        for human in self.stage.approvers:
            how = "on a card that was never known"
            if await self.people.press(asked, human, APPROVE, how) is not None:
                return

    async def _waiting(self) -> list[Question]:
        async with SQLiteReader(self.stage.database) as reader:
            runs = {one.run_id for one in await reader.pending()}
        return [one for one in self.ledger.questions if one.run_id in runs]

    async def _decide(self, asked: Question) -> None:
        """Those who may approve do, one after the other, until it is decided."""
        humans = sorted(self.stage.approvers, key=lambda one: asked.may(one, APPROVE) is not True)
        for human in [one for one in humans if asked.may(one, APPROVE) is not False]:
            pressed = None
            for _ in range(TRIES_WHEN_QUIET):
                pressed = await self.people.press(asked, human, APPROVE, "honest: when quiet")
                if pressed is None:
                    if not await self.people.press_what_is_forged(asked, human):
                        break
                elif is_final(pressed):
                    break
            if pressed is not None and not is_final(pressed):
                self.ledger.refused.append(f"after {TRIES_WHEN_QUIET} presses: {pressed}")
            if pressed is not None and pressed.told is Told.CLOSED:
                return


async def _within(gate: asyncio.Semaphore, work: Coroutine[Any, Any, None]) -> None:
    async with gate:
        await work


async def chaos(
    folder: Path, seconds: float, count: int, seed: int, lives: tuple[float, float] = LIVES
) -> Account:
    """One run, and its account. An odd seed is an app that is installed in the whole organisation; the service lives
    between so many seconds until it is killed.
    """
    async with (
        a_chaos_stage(folder, is_org_wide=seed % 2 == 1) as stage,
        aiohttp.ClientSession() as session,
    ):
        ledger, chance = Ledger(), random.Random(seed)
        people = People(stage, ledger, Forger(stage.slack, stage.telegram, session), chance)
        play = Chaos(stage, chance, people, ledger, lives)
        await play.run(seconds, count)
        account = await ledger.account(stage.database, stage.log)
        account.problems += [*stage.slack.problems, *stage.telegram.problems]
        account.counts["kills"] = play.service.kills
        account.counts["deaths by code of users"] = play.service.deaths
        account.counts["files swapped"] = play.swap.count
        account.faults.update(play.faults)
        return account


def show(account: Account) -> None:
    """Print the account."""
    for kind, often in account.faults.items():
        account.counts[f"faults: {kind}"] = often
    _table("what happened", account.counts)
    print("\n| presses | | what people were told |\n|---|---|---|")
    for how, told in sorted(account.told.items()):
        heard = ", ".join(f"{often} {what}" for what, often in told.most_common())
        print(f"| {how} | {sum(told.values())} | {heard} |")
    _table("must be 0", {name: len(found) for name, found in account.must_be_none.items()})
    for name, found in account.must_be_none.items():
        for line in found:
            print(f"{name}: {line}")


def _table(title: str, rows: Mapping[str, int]) -> None:
    print(f"\n| {title} | |\n|---|---|")
    for name, often in rows.items():
        print(f"| {name} | {often} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--questions", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder in which the database and the log stay")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) if given.keep is None else given.keep
        folder.mkdir(parents=True, exist_ok=True)
        account = asyncio.run(chaos(folder, given.seconds, given.questions, given.seed))
    show(account)
    raise SystemExit(0 if account.is_right else 1)


if __name__ == "__main__":
    main()
