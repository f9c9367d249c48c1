"""Programs that ask from outside, while they and the service are killed: what was asked, answered and run."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from sayso.client import Client, Refused, Request, SaysoError
from tests.acceptance.askers import USED, Askers, way_of
from tests.bots.hooks.stage import Stage


class Account(NamedTuple):
    """What came of it. `asked` are the requests as they were in the end, `runs` says how often each task ran, `told`
    what each asker heard last, `refused` how many answers came too late or twice, and `cut_off` whose askers were
    killed or lost a call.
    """

    seed: int
    asked: dict[str, list[Request]]
    runs: Counter[str]
    told: dict[str, str]
    cut_off: set[str]
    refused: int
    kills: dict[str, int]

    def yeses(self, name: str) -> int:
        """How many yeses people gave to a task; more than one where it was asked anew after it had run."""
        return sum(request.approved for request in self.asked.get(name, ()))

    @property
    def without_a_yes(self) -> list[str]:
        """Tasks that ran though nobody approved them."""
        return [name for name in self.runs if not self.yeses(name)]

    @property
    def twice(self) -> list[str]:
        """Tasks that ran more often than people said yes."""
        return [name for name, count in self.runs.items() if count > self.yeses(name)]

    @property
    def unknown(self) -> list[str]:
        """Tasks whose yes was used by an asker that was cut off before it ran, and whose next one was told so."""
        return [name for name in self._without_a_run if self.told[name] == USED and name in self.cut_off]

    @property
    def lost(self) -> list[str]:
        """Tasks with a yes that neither ran nor were said to be used up after a kill."""
        return [name for name in self._without_a_run if name not in self.unknown]

    @property
    def _without_a_run(self) -> list[str]:
        return [name for name in self.asked if self.runs[name] < self.yeses(name)]

    def __str__(self) -> str:
        """The account by ways of asking, as a table."""
        lines = [
            f"seed {self.seed}; killed: {self.kills}; answers refused as late or doubled: {self.refused}"
        ]
        for way in dict.fromkeys(map(way_of, self.told)):
            requests = [one for name, found in self.asked.items() if way_of(name) == way for one in found]
            outcomes = Counter(one.decision.outcome if one.decision else "open" for one in requests)
            ran = sum(count for name, count in self.runs.items() if way_of(name) == way)
            used = sum(way_of(name) == way for name in self.unknown)
            lines.append(
                f"{way:9} asked {len(requests):3}  {dict(outcomes)}  ran {ran}  used and cut off {used}"
            )
        wrong = f"without a yes {self.without_a_yes}, twice {self.twice}, yes lost {self.lost}"
        return "\n".join([*lines, wrong])


class People:
    """Who answer what is asked: late, often twice, the second time otherwise, and also what is closed already. Now and
    then the asker withdraws its question before.
    """

    def __init__(self, stage: Stage, luck: random.Random) -> None:
        self._stage = stage
        self._luck = luck
        self.seen: dict[str, Request] = {}
        self.refused = 0

    def answer_until(self, over: threading.Event) -> None:
        """Answer until it is `over`."""
        with (
            Client(self._stage.url, self._stage.secrets["operator"], patience=2) as operator,
            Client(self._stage.url, self._stage.secrets["agent"], patience=2) as agent,
        ):
            while not over.wait(0.1):
                with contextlib.suppress(SaysoError):  # the service has just been killed
                    self._look(operator, agent)

    def _look(self, operator: Client, agent: Client) -> None:
        for request in operator.requests():
            self.seen[request.id] = request
            chance = self._luck.random()
            if chance < 0.02:
                agent.withdraw(request.id)
            elif chance > 0.8:
                for value in self._luck.choice(
                    [("approve", "reject"), ("approve", "approve"), ("reject", "approve")]
                ):
                    self._say(operator, request, value)
        if self.seen:
            self._say(operator, self._luck.choice([*self.seen.values()]), "approve")

    def _say(self, operator: Client, request: Request, value: str) -> None:
        """Answer, as a program does that may say the same twice."""
        body = {"revision": request.revision, "value": value}
        key = f"{request.id} {value} {time.monotonic()}"
        try:
            for _ in range(2):
                operator.call("POST", f"/api/v1/requests/{request.id}/answers", body=body, key=key)
        except Refused:
            self.refused += 1


def ask_chaos(
    stage: Stage, ways: Sequence[str], *, tasks: int, seed: int, lives: tuple[float, float]
) -> Account:
    """Have `tasks` ask by each of the `ways`, many at once, people answer, and kill both sides; what came of it. The
    service lives for as long as `lives` says, again and again.
    """
    luck = random.Random(seed)
    over = threading.Event()
    names = [f"{way}-{number}" for number in range(tasks) for way in ways]
    askers, people = Askers(stage, luck, over), People(stage, luck)

    def serve() -> int:
        kills = 0
        try:
            while not over.is_set():
                with stage.serve() as service:
                    if not over.wait(luck.uniform(*lives)):
                        service.kill()
                        kills += 1
        finally:
            over.set()  # nobody hears anything any more
        return kills

    with ThreadPoolExecutor(8) as pool:
        serving = pool.submit(serve)
        answering = pool.submit(people.answer_until, over)
        try:
            told = dict(zip(names, pool.map(askers.carry_out, names), strict=True))
        finally:
            over.set()
        kills = {"askers": askers.kills, "service": serving.result()}
        answering.result()
    asked: dict[str, list[Request]] = {}
    with stage.serve(), stage.operator() as operator:
        for request_id in _all_asked(operator):
            request = operator.request(request_id)
            asked.setdefault(_task(request, names), []).append(request)
    return Account(seed, asked, askers.runs, told, askers.cut_off, people.refused, kills)


def _all_asked(operator: Client) -> list[str]:
    """The ids of all requests, also of those that expired before anybody saw them."""
    found, after = dict[str, None](), 0
    while True:
        page = operator.call("GET", "/api/v1/changes", query={"after": after, "limit": 1000})
        found |= {one["request_id"]: None for one in page["changes"] if one["request_id"] is not None}
        if page["last"] == after:
            return [*found]
        after = page["last"]


def _task(request: Request, names: list[str]) -> str:
    """The task that a request is about; the longest name, for one may begin as another does."""
    text = f"{request.prompt} {request.details}"
    return max((name for name in names if name in text), key=len)
