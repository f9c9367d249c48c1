"""People, two places and a service in front of a platform: what the suite plays on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from sayso.testing.conformance._driver import Driver, Given, Place, Seen
from sayso.testing.conformance._service import DATABASE, PATIENCE, Service, log_of, run_sayso
from sayso.testing.conformance._words import EARLY, REDRAWN, STUCK
from sayso.testing.conformance._workflow import NAME, SOURCE
from sayso.testing.platform import free_port

T = TypeVar("T")
DECISION: Mapping[str, Any] = {"input_type": "select", "options": ["approve", "reject"]}
REASONS = ("Not tested", "Release freeze")
"""What the policies `suggests` and `requires` suggest to who rejects; the second wants a reason."""

_TWO = "two"
_MOST_CHANGES = 500
_PUT_IN = dict.fromkeys(map(ord, "\u2060\u200b"))
"""Characters that show nothing and that platforms' adapters may put into words."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Ana, Bo and Cy are in both places; questions asked there are for Ana and Bo."""

    ana: str
    bo: str
    cy: str
    place: Place
    other: Place

    @classmethod
    async def build(cls, driver: Driver) -> Self:
        """Add them to the platform."""
        ana, bo, cy = [await driver.add_person(name) for name in ("Ana", "Bo", "Cy")]
        place, other = [await driver.add_place(title, [ana, bo, cy]) for title in ("Releases", "Archive")]
        return cls(ana, bo, cy, place, other)

    def destinations(self) -> str:
        """The places, for `sayso.toml`."""
        lines = ""
        for place in (self.place, self.other):
            lines += f"[destinations.{json.dumps(place.entry)}]\n"
            lines += f"audience = {json.dumps([self.ana, self.bo])}\n"
            lines += "" if place.id is None else f"id = {json.dumps(place.id)}\n"
        return lines


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked. No other has its `words`; `name` is its name in its run."""

    run_id: str
    request_id: str
    words: str
    name: str
    file: Path


class Stage:
    """A service that can be stopped, killed and started again, and the people before it."""

    def __init__(self, driver: Driver, cast: Cast, folder: Path, port: int) -> None:
        self.driver = driver
        self.cast = cast
        self._folder = folder
        self._variables = {**driver.environment(), "SAYSO_HTTP__PORT": str(port)}
        self._numbers = count(1)
        self._service: Service | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, driver: Driver, folder: Path) -> AsyncGenerator[Self]:
        """The stage while inside, with a service that runs. At its end the platform has seen nothing wrong, and the
        trail verifies and shows no answer that was counted twice.
        """
        cast, port = await Cast.build(driver), free_port()
        (folder / f"{NAME}.py").write_text(SOURCE)
        (folder / "sayso.toml").write_text(_settings(driver, cast, port))
        stage = cls(driver, cast, folder, port)
        try:
            await stage.start()
            yield stage
            await stage.stop()
            await stage._check()
        finally:
            if stage._service is not None:
                await stage._service.kill()

    async def _check(self) -> None:
        assert list(self.driver.problems) == []
        code, said = await run_sayso(self._folder, self._variables, "audit", "verify")
        assert code == 0, said
        _, said = await run_sayso(self._folder, self._variables, "audit", "export")
        rows = [json.loads(line) for line in said.splitlines()]
        votes = Counter(
            (row["request_id"], row["person"]) for row in rows if row["kind"] == "answer_accepted"
        )
        assert [vote for vote, times in votes.items() if times > 1] == [], "an answer was counted twice"

    # The service.

    @property
    def service(self) -> Service:
        """The service that runs."""
        assert self._service is not None, "the service was stopped"
        return self._service

    async def start(self, database: str = DATABASE) -> None:
        """Start the service, and return once people reach it."""
        self._service = await Service.start(self._folder, self._variables, database)
        async with self._patience("the platform reaches the service"):
            await self.driver.connected(self._service.url)

    async def stop(self) -> None:
        """Stop the service in order."""
        await self._end(self.service.stop)

    async def kill(self) -> None:
        """Kill the service, as `kill -9` does."""
        await self._end(self.service.kill)

    async def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        await end()
        self._service = None
        async with self._patience("the platform knows that the service has ended"):
            await self.driver.disconnected()

    # Asking.

    async def ask(self, prompt: str = "Release 4.2.0?", **question: Any) -> Asked:
        """Have one question asked in the place, or where `to` says: one to approve unless it says otherwise."""
        (asked,) = await self.ask_at_once({"question": {"prompt": prompt, **question}})
        return asked

    async def ask_at_once(self, questions: Mapping[str, Mapping[str, Any]]) -> list[Asked]:
        """Have one run ask several questions by name, in this order; returns once all are asked."""
        file = self._folder / f"questions-{next(self._numbers)}.json"
        words = {
            name: f"Question no. {next(self._numbers)}: {one['prompt']}" for name, one in questions.items()
        }
        usual = {"to": [self.cast.place.entry]}
        full = {
            name: {**usual, **({} if "input_type" in one else DECISION), **one, "prompt": words[name]}
            for name, one in questions.items()
        }
        file.write_text(json.dumps(full))
        run = await self.service.post("/runs", workflow=NAME, shared={"file": file.name})
        await self.service.get(f"/runs/{run['run_id']}", wait=PATIENCE, until="rests")
        requests = (await self.service.get(f"/runs/{run['run_id']}/requests"))["requests"]
        ids = {one["request_id"]: one["id"] for one in requests}
        return [Asked(run["run_id"], ids[name], words[name], name, file) for name in questions]

    async def settled(self) -> None:
        """Return once what was to be sent to the place before has been sent: a place takes its messages in order."""
        await self.card(await self.ask())

    def reword(self, asked: Asked, prompt: str) -> str:
        """Have the code of a question ask something else from now on; its words."""
        questions = json.loads(asked.file.read_text())
        questions[asked.name]["prompt"] = f"{asked.words} {prompt}"
        asked.file.write_text(json.dumps(questions))
        return str(questions[asked.name]["prompt"])

    async def request(self, asked: Asked) -> dict[str, Any]:
        """The request as the API shows it at this moment."""
        found: dict[str, Any] = await self.service.get(f"/requests/{asked.request_id}")
        return found

    async def is_open(self, asked: Asked) -> bool:
        """Whether it waits for an answer."""
        return bool((await self.request(asked))["status"] == "PENDING")

    async def closed(self, asked: Asked) -> dict[str, Any]:
        """The request, once it is closed."""
        found: dict[str, Any] = await self.service.get(f"/requests/{asked.request_id}", wait=PATIENCE)
        assert found["status"] != "PENDING", f"{asked.words} is open still\n{log_of(self._folder)}"
        return found

    async def answer(self, asked: Asked) -> Any:
        """The answer, once there is one."""
        return (await self.closed(asked))["answer"]

    async def happened(self, kind: str, asked: Asked | None = None) -> None:
        """Return once the trail has a row of this kind, of a question where one is named."""
        after = 0
        async with self._patience(f"the trail has {kind}"):
            while True:
                found = await self.service.get("/changes", after=after, wait=PATIENCE, limit=_MOST_CHANGES)
                if any(
                    one["kind"] == kind and (asked is None or one["request_id"] == asked.request_id)
                    for one in found["changes"]
                ):
                    return
                after = found["last"]

    # Seeing.

    async def card(
        self, asked: Asked, holds: Callable[[Seen], bool] = lambda seen: bool(seen.labels), *,
        person: str | None = None, place: Place | None = None,
    ) -> Seen:  # fmt: skip
        """The newest message with the question's words that is as wanted (that has buttons, unless said otherwise), as
        Ana sees it in the place, unless said otherwise.
        """

        async def look() -> Seen | None:
            found = [one for one in await self.cards(asked, person=person, place=place) if holds(one)]
            return found[-1] if found else None

        return await self.until(f"a message with the words {asked.words!r} as the test wants it", look)

    async def decided(self, asked: Asked, *, place: Place | None = None) -> Seen:
        """The card, once nothing of the question can be pressed any more in the place."""

        async def look() -> Seen | None:
            found = await self.cards(asked, place=place)
            return found[-1] if found and not any(one.labels for one in found) else None

        return await self.until(f"no buttons with the words {asked.words!r}", look)

    async def cards(
        self, asked: Asked, *, person: str | None = None, place: Place | None = None
    ) -> list[Seen]:
        """All messages that have the question's words now, the oldest first."""
        seen = await self.driver.sees(person or self.cast.ana, place or self.cast.place)
        return [one for one in seen if asked.words in plain(one.text)]

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """What a look finds, as soon as it finds something: looked again after every change on the platform."""
        async with self._patience(what):
            while True:
                revision = self.driver.revision
                if (found := await look()) is not None:
                    return found
                await self.driver.changed(revision)

    # Doing.

    async def press(self, person: str, card: Seen, option: str) -> str:
        """Press the button of an option; what the person is told."""
        heard = await self.try_press(person, card, option)
        assert heard is not None, f"nobody acknowledged a press of {option!r}\n{log_of(self._folder)}"
        return heard

    async def press_now(self, person: str, asked: Asked, option: str) -> str:
        """Press in the card as it is now, and again as long as the person is told to: its sending may not be confirmed
        yet, or it was redrawn meanwhile. Returns what they are told in the end.
        """
        while True:
            card = await self.card(asked)
            heard = await self.press(person, card, option)
            if REDRAWN in heard or STUCK in heard:
                pressed = card.handle
                await self.card(asked, lambda one: one.handle != pressed and bool(one.labels))  # noqa: B023 - awaited at once
            elif EARLY not in heard:
                return heard

    async def try_press(self, person: str, card: Seen, option: str) -> str | None:
        """The same where it may be that nobody acknowledges it."""
        async with self._patience(f"the platform says how it handled a press of {option!r}"):
            heard = await self.driver.press(person, card, label_of(card, option))
        return None if heard is None else plain(heard)

    async def give(self, person: str, card: Seen, given: Given) -> str:
        """Answer a card that takes more than a press; what the person is told."""
        async with self._patience(f"the platform says how it handled {given}"):
            heard = await self.driver.answer(person, card, given)
        assert heard is not None, f"nobody acknowledged {given}\n{log_of(self._folder)}"
        return plain(heard)

    @asynccontextmanager
    async def _patience(self, what: str) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError:
            seen = [plain(one.text) for one in await self.driver.sees(self.cast.ana, self.cast.place)]
            shown = "\n".join(f"- {text!r}" for text in seen[-3:])
            raise AssertionError(
                f"for {PATIENCE:.0f} seconds this was not so: {what}.\nThe newest messages:\n{shown}\n"
                f"The log of the service:\n{log_of(self._folder)}"
            ) from None


def label_of(card: Seen, option: str) -> str:
    """The label of an option's button, which may have more on it than the option."""
    found = [label for label in card.labels if label.casefold().endswith(option.casefold())]
    assert len(found) == 1, f"one button of {card.labels} should end with {option!r}"
    return found[0]


def plain(text: str) -> str:
    """A text without what nobody sees."""
    return text.translate(_PUT_IN)


def _settings(driver: Driver, cast: Cast, port: int) -> str:
    return f"""\
time_zone = "UTC"
resident = 0 # an answer has the code run again, as after a restart

[[workflows]]
workflow = "{NAME}:workflow"

[policies.{_TWO}]
[[policies.{_TWO}.stages]]
approvers = {json.dumps([cast.ana, cast.bo])}
need = 2

[policies.suggests]
reject_reasons = {json.dumps(REASONS)}
stages = [{{ approvers = [{json.dumps(cast.place.entry)}] }}]

[policies.requires]
comment = ["reject"]
reject_reasons = {json.dumps(REASONS)}
stages = [{{ approvers = [{json.dumps(cast.place.entry)}] }}]

{cast.destinations()}
{driver.settings(port)}
"""
