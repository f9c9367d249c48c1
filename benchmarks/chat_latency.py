"""How long a press takes in a chat: to its acknowledgement, and to the card that shows it.

    python -m benchmarks.chat_latency [--seconds 10]

The service has a process of its own, as in life. Against two floors of the same run: a commit of one row with
fdatasync, and the bare round trip of each platform to a bot that acknowledges and does nothing else, by aiohttp, with
presses on as many other cards of the same kind. Presses come at 1, 10 and 50 a second, each on a question of its own.
Round trips of look-ups are taken off what is beyond the bare one; the processor's time is the service's, with all that
follows a press (Linux only).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from benchmarks.api_latency import make_token
from benchmarks.chat_stage import CHANNEL, QUICK_SLACK, QUICK_TELEGRAM, Stage, a_stage
from sayso.testing.platform import Call

RATES = (1, 10, 50)
COMMITS = 300
CALLS = 200
ROOT = Path(__file__).parents[1]
LOOK_UPS = frozenset(
    {"auth.test", "users.info", "conversations.members", "usergroups.users.list", "getchatmember"}
)


class Platform(Protocol):
    """What both local platforms have that is waited for here."""

    calls: list[Call]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        ...


@dataclass(frozen=True, slots=True)
class Chat:
    """A platform as questions are asked and pressed on it: where they go, which calls send and edit cards, how the
    cards of questions are found by their numbers, how one is pressed, and a `bare` bot on it, while inside.
    """

    name: str
    platform: Platform
    place: str
    sends: str
    edits: str
    cards: Callable[[], Awaitable[dict[int, Any]]]
    press: Callable[[Any], Awaitable[object]]
    bare: Callable[[], AbstractAsyncContextManager[None]]

    def shown(self, since: int) -> list[int]:
        """The numbers of the questions that were edited to show an answer since so many calls."""
        texts = [
            str(one.parameters) for one in self.platform.calls[since:] if one.method.lower() == self.edits
        ]
        return [number_in(text) for text in texts if "✅ Approved ·" in text]


@dataclass(frozen=True, slots=True)
class Measured:
    """Presses at a rate: seconds to acknowledgement and to card of each, and of one press look-ups before its
    acknowledgement and the seconds of the service's processor time; the seconds of commits right before; and other
    cards that were left alone.
    """

    acknowledged: list[float]
    shown: list[float]
    look_ups: float
    processor: float
    commits: list[float]
    left: list[Any]


def number_in(text: str) -> int:
    """The number of the question that a text asks."""
    return int(text.partition("Release ")[2].partition("?")[0])


def quantile(values: list[float], part: float) -> float:
    """A quantile of measured seconds, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def floor_commit(folder: Path) -> list[float]:
    """Seconds of committing one row, as the store does it. What a disk takes differs from minute to minute."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(x);"
    )
    taken: list[float] = []
    for number in range(COMMITS):
        begin = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        taken.append(time.perf_counter() - begin)
    connection.close()
    return taken


BARE = """
import asyncio, json, sys
import aiohttp

async def slack(session, address, token):
    async with session.ws_connect(address) as socket:
        await socket.receive_json()
        print("there", flush=True)
        while True:
            envelope = await socket.receive_json()
            await socket.send_json({"envelope_id": envelope["envelope_id"]})

async def telegram(session, address, token):
    root, offset = f"{address}/bot{token}", 0
    print("there", flush=True)
    while True:
        asked = {"offset": offset, "timeout": 30}
        async with session.post(f"{root}/getUpdates", json=asked) as response:
            updates = (await response.json())["result"]
        for update in updates:
            offset = update["update_id"] + 1
            if "callback_query" in update:
                answer = {"callback_query_id": update["callback_query"]["id"]}
                async with session.post(f"{root}/answerCallbackQuery", json=answer) as response:
                    await response.read()

async def main(kind, address, token):
    async with aiohttp.ClientSession() as session:
        await {"slack": slack, "telegram": telegram}[kind](session, address, token)

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def process(folder: Path, *command: str) -> AsyncGenerator[tuple[str, int]]:
    """A process while inside: the first line that it says, and its id."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    started = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, env={**kept, "PYTHONPATH": str(ROOT)}
    )
    assert started.stdout is not None
    try:
        yield (await started.stdout.readline()).decode(), started.pid
    finally:
        started.terminate()
        await started.wait()


async def timed_call(stage: Stage, session: aiohttp.ClientSession) -> float:
    """The median of a call of a bot's, in milliseconds."""
    headers = {"Authorization": f"Bearer {stage.slack.bot_token}"}
    taken: list[float] = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        asked = {"user": stage.in_slack[0].id}
        async with session.post(f"{stage.slack.api_url}users.info", data=asked, headers=headers) as response:
            await response.read()
        taken.append(time.perf_counter() - begin)
    return quantile(taken, 0.5)


def configure(stage: Stage, folder: Path) -> None:
    """The service's folder: all that `sayso serve` reads."""
    (folder / "flow.py").write_text("from benchmarks.chat_stage import workflow\n")
    secrets = {"slack_bot": stage.slack.bot_token, "slack_app": stage.slack.app_token}
    for name, secret in {**secrets, "telegram": stage.telegram.token}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(secret)
    limits = [
        "\n".join(f"{name} = {value}" for name, value in one.items()) for one in (QUICK_SLACK, QUICK_TELEGRAM)
    ]
    in_slack = json.dumps([f"slack:{stage.slack.team_id}:{one.id}" for one in stage.in_slack])
    in_telegram = json.dumps([f"telegram:{one.id}" for one in stage.in_telegram])
    (folder / "sayso.toml").write_text(
        f"""
[[workflows]]
workflow = "flow:workflow"
[http]
port = 0
operators = ["token:bench"]
[log]
level = "error"
[destinations."{CHANNEL}"]
id = "{stage.channel.id}"
audience = {in_slack}
[destinations."{stage.group_name}"]
audience = {in_telegram}
[slack]
bot_token_file = "slack_bot"
app_token_file = "slack_app"
api_url = "{stage.slack.api_url}"
{limits[0]}
[telegram]
token_file = "telegram"
api_url = "{stage.telegram.url}"
{limits[1]}
"""
    )


@dataclass(frozen=True, slots=True)
class Service:
    """A running `sayso serve`."""

    session: aiohttp.ClientSession
    url: str
    token: str
    process_id: int

    async def ask(self, number: int, place: str) -> None:
        """Start a run that asks there."""
        body = {"workflow": "bench", "shared": {"number": number, "to": [place]}}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(f"{self.url}/api/v1/runs", json=body, headers=headers) as response:
            assert response.status < 300, await response.text()

    def processor(self) -> float:
        """Seconds of the processor's that it has used; 0 where the system does not say it in `/proc`."""
        found = Path(f"/proc/{self.process_id}/stat")
        if not found.exists():
            return 0.0
        fields = found.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def serving(stage: Stage, folder: Path, session: aiohttp.ClientSession) -> AsyncGenerator[Service]:
    """The service in a process of its own, connected to both platforms."""
    configure(stage, folder)
    sayso = str(Path(sys.executable).with_name("sayso"))
    async with process(folder, sayso, "serve", "--json") as (said, process_id):
        token = await asyncio.to_thread(make_token, sayso, folder, "bench", "operate", "start")
        await stage.slack.until(lambda: stage.slack.connections == 2)
        await stage.telegram.until(lambda: stage.telegram.is_polled)
        yield Service(session, json.loads(said)["url"], token, process_id)


def in_slack(stage: Stage, folder: Path) -> Chat:
    """Ana in Slack."""
    ana = stage.in_slack[0]

    async def cards() -> dict[int, Any]:
        seen = [one for one in ana.messages(stage.channel) if not one.is_ephemeral]
        return {number_in(one.text): one for one in seen if "Release " in one.text}

    async def press(card: Any) -> None:
        await (await ana.press(card, "✅ approve")).result()

    @asynccontextmanager
    async def bare() -> AsyncGenerator[None]:
        await stage.slack.until(lambda: stage.slack.connections == 0)
        async with process(folder, sys.executable, "bare.py", "slack", stage.slack.new_ticket(), "none"):
            yield

    return Chat("Slack", stage.slack, CHANNEL, "chat.postmessage", "chat.update", cards, press, bare)


def in_telegram(stage: Stage, folder: Path) -> Chat:
    """Ana in Telegram."""
    ana = stage.in_telegram[0]

    async def cards() -> dict[int, Any]:
        seen = [one for one in await ana.sees(stage.group) if one.labels]
        return {number_in(one.text): one for one in seen if "Release " in one.text}

    async def press(card: Any) -> None:
        await ana.press(card, "✅ approve")

    @asynccontextmanager
    async def bare() -> AsyncGenerator[None]:
        url, token = stage.telegram.url, stage.telegram.token
        await stage.telegram.until(lambda: not stage.telegram.is_polled)
        async with process(folder, sys.executable, "bare.py", "telegram", url, token):
            await stage.telegram.until(lambda: stage.telegram.is_polled)
            yield

    return Chat(
        "Telegram", stage.telegram, stage.group_name, "sendmessage", "editmessagetext", cards, press, bare
    )


async def paced(chat: Chat, rate: int, cards: Sequence[Any]) -> list[float]:
    """Seconds to the acknowledgement of a press on each card, at a steady rate."""
    taken: list[float] = []

    async def press(card: Any) -> None:
        began = time.perf_counter()
        await chat.press(card)
        taken.append(time.perf_counter() - began)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for position, card in enumerate(cards):
            await asyncio.sleep(max(0.0, begin + position / rate - time.perf_counter()))
            group.create_task(press(card))
    return taken


async def presses(chat: Chat, service: Service, rate: int, numbers: list[int], folder: Path) -> Measured:
    """Ask, and have Ana press every second question at a steady rate, while one task looks for what is shown."""
    calls, began, shown = chat.platform.calls, dict[int, float](), dict[int, float]()
    sent = len(calls)
    for number in numbers:
        await service.ask(number, chat.place)
    await chat.platform.until(
        lambda: sum(one.method.lower() == chat.sends for one in calls[sent:]) >= len(numbers)
    )
    cards, commits, pressed = await chat.cards(), floor_commit(folder), numbers[::2]
    first, processor = len(calls), service.processor()

    async def press(number: int) -> None:
        began[number] = time.perf_counter()
        await chat.press(cards[number])

    async def watch() -> None:
        seen = first
        while len(shown) < len(pressed):
            await chat.platform.until(lambda: len(calls) > seen)  # noqa: B023 - awaited at once
            for number in chat.shown(seen):
                shown.setdefault(number, time.perf_counter() - began[number])
            seen = len(calls)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        acknowledged = await paced(replace(chat, press=press), rate, pressed)
    looked_up = sum(one.method.lower() in LOOK_UPS for one in calls[first:])
    used, count = service.processor() - processor, len(pressed)
    left = [cards[number] for number in numbers[1::2]]
    return Measured(acknowledged, [*shown.values()], looked_up / count, used / count, commits, left)


async def run(seconds: float) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        async with a_stage(folder, quick=True) as stage, aiohttp.ClientSession() as session:
            chats, call = (
                (in_slack(stage, folder), in_telegram(stage, folder)),
                await timed_call(stage, session),
            )
            taken: dict[tuple[int, str], Measured] = {}
            async with serving(stage, folder, session) as service:
                first = 0
                for rate in RATES:
                    for chat in chats:
                        numbers = list(range(first, first + 2 * max(3, int(rate * seconds))))
                        first += len(numbers)
                        taken[rate, chat.name] = await presses(chat, service, rate, numbers, folder)
            bare: dict[tuple[int, str], float] = {}
            for chat in chats:
                async with chat.bare():
                    for rate in RATES:
                        found = await paced(chat, rate, taken[rate, chat.name].left)
                        bare[rate, chat.name] = quantile(found, 0.5)
            print(f"a look-up takes {call:.2f} ms")
            print(
                "| | presses a second | floor commit p50 | acknowledged p50 | p99 | bare round trip p50 "
                "| look-ups a press | beyond the bare round trip and look-ups | card p50 | p99 | processor a press |"
            )
            print("|---|---|---|---|---|---|---|---|---|---|---|")
            for (rate, platform), measured in taken.items():
                line(platform, rate, measured, bare[rate, platform], call)
            print(f"problems: {[*stage.slack.problems, *stage.telegram.problems]}")


def line(name: str, rate: int, taken: Measured, bare: float, call: float) -> None:
    """One line of the table; a bare round trip and a call in milliseconds."""
    p50 = quantile(taken.acknowledged, 0.5)
    commit = quantile(taken.commits, 0.5)
    beyond = p50 - bare - taken.look_ups * call
    cells = [
        name,
        str(rate),
        f"{commit:.2f} ms",
        f"{p50:.1f} ms",
        f"{quantile(taken.acknowledged, 0.99):.1f} ms",
        f"{bare:.1f} ms",
        f"{taken.look_ups:.2f}",
        f"{beyond:.1f} ms, {beyond / commit:.1f} commits",
        f"{quantile(taken.shown, 0.5):.1f} ms",
        f"{quantile(taken.shown, 0.99):.1f} ms",
        f"{1000 * taken.processor:.1f} ms",
    ]
    print(f"| {' | '.join(cells)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    asyncio.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
