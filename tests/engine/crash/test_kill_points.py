"""SIGKILL at every point of a story, one process a point: what is then true, exactly.

SIGKILL keeps the page cache, so this says nothing of power cuts; for those, another test reads the pragmas of the live
write connection.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sayso.engine import open_reader, verify_audit
from tests.engine.crash.points import WRITES, read_log
from tests.engine.store.situation import rows
from tests.postgres import Cluster

ROOT = Path(__file__).parents[3]
SLICES = 4
DRIVERS = ["runtime", "engine"]
FEW = ("ask", "answer", "begin_step", "record_step", "end_visit")
"""The writes at whose kills a second database is tried each time; all points of it are `more`."""
AT_ONCE = 2
WORKER = "tests.engine.crash.worker"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Case:
    """What a killed process and the one after it left behind."""

    folder: Path
    point: int

    @property
    def log(self) -> list[dict[str, Any]]:
        return read_log(self.folder / "log")

    @property
    def location(self) -> str:
        return (self.folder / "location").read_text()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What stands in its database, read by a connection that has nothing to do with the store."""
        if not self.location.startswith("postgresql:"):
            return rows(Path(self.location), statement)
        with closing(psycopg.connect(self.location)) as connection:
            return connection.execute(statement.encode()).fetchall()

    def lines(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["what"] == what]

    def told(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())


class Stage:
    """Where cases are played: on files, or each in a database of a cluster."""

    def __init__(self, folder: Path, cluster: Cluster | None, stack: ExitStack) -> None:
        self._folder = folder
        self._cluster = cluster
        self._stack = stack
        self._dry: dict[str, Case] = {}

    @contextmanager
    def played(self, driver: str, points: list[int]) -> Generator[dict[int, Case]]:
        """A case for each point, played in at most two processes at once; their databases stay while inside."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        with ExitStack() as stack:
            for point in points:
                case = folder / f"{driver}-{point}"
                case.mkdir()
                file = str(case / "sayso.db")
                location = file if self._cluster is None else stack.enter_context(self._cluster.database())
                (case / "location").write_text(location)
            shares = [share for start in range(AT_ONCE) if (share := points[start::AT_ONCE])]
            workers = [
                subprocess.Popen(
                    [sys.executable, "-m", WORKER, str(folder), driver, *map(str, share)],
                    cwd=ROOT,
                    stderr=subprocess.PIPE,
                    text=True,
                )
                for share in shares
            ]
            for worker in workers:
                _, errors = worker.communicate(timeout=200)
                assert worker.returncode == 0, errors
            yield {point: Case(folder / f"{driver}-{point}", point) for point in points}

    def without_a_kill(self, driver: str) -> Case:
        """The dry run, which counts the points."""
        if driver not in self._dry:
            self._dry[driver] = self._stack.enter_context(self.played(driver, [0]))[0]
        return self._dry[driver]


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    cluster: Cluster | None = None
    if request.param == "postgres":
        cluster = request.getfixturevalue("postgres")
    with ExitStack() as stack:
        yield Stage(tmp_path_factory.mktemp("crash"), cluster, stack)


on_both = pytest.mark.parametrize(
    "stage", ["sqlite", pytest.param("postgres", marks=pytest.mark.more)], indirect=True
)
on_postgres = pytest.mark.parametrize(
    "stage", [pytest.param("postgres", marks=pytest.mark.more)], indirect=True
)


def points_of(dry: Case) -> list[str]:
    """The points in their order."""
    names: list[str] = dry.told("points-1")
    return names


def between(names: list[str], begun: str, ended: str) -> range:
    """The points (from 1) at which something has begun that is not yet committed: its record still stands before it."""
    first = names.index(begun)
    last = next(index for index in range(first, len(names)) if names[index] == ended)
    return range(first + 1, last + 2)


def expected_effects(names: list[str], point: int) -> dict[str, int]:
    """How often each effect happens when the process is killed at a point.

    A step's repeats only if the kill fell between it and its record, plain code's only if its visit had not ended, a
    `once` step's never. A decision of an operator has the visit run again once more.
    """
    undecided = point in between(names, "begin_step after", "record_step before")
    expected: dict[str, int] = {}
    for name in (name.removeprefix("effect ").removesuffix(" after") for name in names if _is_effect(name)):
        repeats = 0
        if name.startswith(("plain", "step")):
            end = "end_visit before" if name.startswith("plain") else "record_step before"
            repeats = int(point in between(names, f"effect {name} after", end))
        if name == "plain intake" and undecided:
            repeats += 1
        expected[name] = 1 + repeats
    return expected


_NEAR = 3


def _is_effect(name: str) -> bool:
    return name.startswith("effect ") and name.endswith(" after")


def check_effects(case: Case, names: list[str]) -> None:
    done = Counter(line["name"] for line in case.lines("effect"))
    assert done == expected_effects(names, case.point)
    undecided = case.point in between(names, "begin_step after", "record_step before")
    happened = "once charge" in {line["name"] for line in case.lines("effect") if line["process"] == 1}
    attended = [(line["name"], line["happened"]) for line in case.lines("attended")]
    said_twice = names[case.point - 1 : case.point] == ["attend before"]
    assert attended == [("charge", happened)] * undecided + [("pay", False)] * (1 + said_twice)


def check_questions(case: Case, dry: Case) -> None:
    """Nobody is asked twice: one row an identity, one id for all processes, one line in the audit trail."""
    statement = "SELECT visit, name, id, status, answer, revision FROM requests ORDER BY visit, name"
    stored = case.rows(statement)
    of_dry = dry.rows(statement)
    assert [(v, n, s, a, r) for v, n, _, s, a, r in stored] == [
        (v, n, s, a, r) for v, n, _, s, a, r in of_dry
    ]
    assert {line["id"] for line in case.lines("seen")} <= {row[2] for row in stored}
    asked = case.rows("SELECT request_id FROM audit WHERE kind = 'requested'")
    assert sorted(asked) == sorted((row[2],) for row in stored)
    assert case.rows("SELECT count(*) FROM audit WHERE kind = 'request_changed'") == [(0,)]


def check_answers(case: Case) -> None:
    """What was acknowledged is what is stored, and it was asked of nobody again."""
    answers = dict(case.rows("SELECT id, answer FROM requests WHERE status = 'ANSWERED'"))
    acknowledged = case.lines("acknowledged")
    assert len({line["id"] for line in acknowledged}) == len(acknowledged)
    for line in acknowledged:
        assert json.loads(answers[line["id"]]) == line["value"]
    before = {line["id"] for line in acknowledged if line["process"] == 1}
    assert before.isdisjoint(line["id"] for line in case.lines("seen") if line["process"] == 2)
    accepted = case.rows("SELECT request_key FROM events WHERE outcome = 'resolved'")
    assert len(accepted) == len(set(accepted)) == len(answers)


async def check_trail(case: Case) -> None:
    async with open_reader(case.location) as reader:
        assert (await verify_audit(reader)).problems == ()


async def check(case: Case, dry: Case) -> None:
    names = points_of(dry)
    assert case.told("codes") == [-9, 0]
    [killed] = [line["point"] for line in case.lines("kill")]
    # A write's end and what a visit does next come from two threads: on a busy machine, near ones change places.
    assert killed in names[max(0, case.point - 1 - _NEAR) : case.point + _NEAR]
    assert case.told("end") == dry.told("end")
    check_effects(case, names)
    check_questions(case, dry)
    check_answers(case)
    await check_trail(case)


@on_both
@pytest.mark.parametrize("driver", DRIVERS)
async def test_the_story_reaches_its_end_and_every_kind_of_point(
    stage: Stage, driver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dry = stage.without_a_kill(driver)
    names = points_of(dry)
    writes = {name.split()[0] for name in names if not name.startswith("effect")}
    assert dry.told("end")["status"] == "COMPLETED"
    assert writes == {
        "define",
        "start",
        "ask",
        "park",
        "answer",
        "end_visit",
        "next_attempt",
        "begin_step",
        "record_step",
        "act_due",
        "hold",
        "attend",
        "retry",
        "withdraw",
        "stir",
        "cancel",
        "redact",
        "prune",
        "set_aside",
        *({"answer_all"} if driver == "engine" else ()),
    }
    assert writes <= WRITES
    assert all(names.count(f"{write} before") == names.count(f"{write} after") for write in writes)
    effects = sum(name.startswith("effect") for name in names)
    with capsys.disabled():
        print(f"\n{driver}: {len(names)} kill points, {effects} at effects, none skipped")  # noqa: T201


@on_both
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("driver", DRIVERS)
async def test_a_kill_at_any_point_loses_nothing_and_repeats_nothing(
    stage: Stage, driver: str, part: int
) -> None:
    dry = stage.without_a_kill(driver)
    points = list(range(1, len(points_of(dry)) + 1))[part::SLICES]
    with stage.played(driver, points) as cases:
        assert sorted(cases) == points
        for case in cases.values():
            await check(case, dry)


@on_postgres
async def test_a_kill_around_a_commit_loses_nothing_and_repeats_nothing(stage: Stage) -> None:
    dry = stage.without_a_kill("runtime")
    names = points_of(dry)
    points = [names.index(f"{write} {when}") + 1 for write in FEW for when in ("before", "after")]
    with stage.played("runtime", points) as cases:
        for case in cases.values():
            await check(case, dry)
