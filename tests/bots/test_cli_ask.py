"""`sayso ask` as scripts call it, against the real service: every way to end has its code, and only a yes has 0."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sayso.client import Client, Request
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import DEADLINE, SAYSO, Ran, TerminalSession, environment, sayso
from tests.bots.forked import Forked

pytestmark = pytest.mark.timeout(120)

SETTINGS = """
[people.ana]
accounts = ["web:ana"]

[policies.ana]
stages = [{ approvers = ["person:ana", "token:operator"] }]
"""


@dataclass(frozen=True)
class Place:
    """A running service with two programs: one asks by the command line, the other answers."""

    folder: Path
    service: ServiceProcess
    secret: str
    operator: Client

    def ask(self, *arguments: str, **extra: str) -> Ran:
        """Run `sayso ask` to its end."""
        variables = {"SAYSO_URL": self.service.url, "SAYSO_TOKEN": self.secret} | extra
        return sayso(self.folder, "ask", *arguments, **variables)

    @contextmanager
    def asking(self, *arguments: str) -> Generator[Forked]:
        """`sayso ask` while it waits."""
        given = environment(SAYSO_URL=self.service.url, SAYSO_TOKEN=self.secret)
        with Path(os.devnull).open() as nothing, (self.folder / "asking.log").open("w") as log:
            streams = (nothing.fileno(), log.fileno(), log.fileno())
            process = Forked((SAYSO, "ask", *arguments), self.folder, given, streams)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def open(self, prompt: str) -> Request:
        """The one open request with this text, once it is there."""
        while not (found := [one for one in self.operator.requests() if one.prompt == prompt]):
            pass
        [request] = found
        return request

    def answer(self, request: Request, value: Any, comment: str | None = None) -> None:
        """Answer it."""
        body = {"revision": request.revision, "value": value, "comment": comment}
        self.operator.call("POST", f"/api/v1/requests/{request.id}/answers", body=body)

    def answered(self, value: Any, *arguments: str, prompt: str, comment: str | None = None) -> Ran:
        """Run `sayso ask`, and answer what it asks."""
        with ThreadPoolExecutor(1) as pool:
            ran = pool.submit(self.ask, prompt, *arguments)
            self.answer(self.open(prompt), value, comment)
            return ran.result()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("asking")
    write(folder, more=SETTINGS)
    with ServiceProcess(folder) as service:
        answers = token(folder, "operator", "operate", "read", "answer")
        with Client(service.url, answers) as operator:
            yield Place(folder, service, token(folder, "ci", "ask"), operator)


def test_a_yes_ends_with_0_and_says_who_gave_it_and_lets_one_thing_run_once(place: Place) -> None:
    asked = ("--key", "deploy-1", "--policy", "ana")
    ran = place.answered("approve", *asked, prompt="Deploy 1?", comment="go")
    assert (ran.code, ran.out) == (0, 'Approved by token:operator. "go"\n')
    assert "Asked: Deploy 1? Waiting for person:ana, token:operator." in ran.err
    again = place.ask("Deploy 1?", *asked)
    assert (again.code, again.out) == (1, "")
    assert "used" in again.err


def test_a_yes_that_is_kept_is_there_again(place: Place) -> None:
    asked = ("--key", "deploy-2", "--keep")
    assert place.answered("approve", *asked, prompt="Deploy 2?").code == 0
    assert [place.ask("Deploy 2?", *asked).code for _ in range(2)] == [0, 0]


def test_whatever_is_no_yes_ends_with_1(place: Place) -> None:
    ran = place.answered("reject", prompt="Deploy 3?", comment="not today")
    assert (ran.code, ran.out) == (1, 'Rejected by token:operator. "not today"\n')
    ran = place.ask("Deploy 4?", "--expires-after", "1s")
    assert (ran.code, ran.out) == (1, "Expired: nobody answered in time.\n")
    ran = place.ask("Deploy 5?", "--wait", "0s", "--withdraw-on-exit")
    assert (ran.code, ran.out) == (1, "Withdrawn by token:ci.\n")


def test_a_question_that_is_still_open_ends_with_6_and_is_found_by_its_key(place: Place) -> None:
    waiting = place.ask("Deploy 6?", "--wait", "0s", "--json")
    assert (waiting.code, waiting.json["decision"]) == (6, None)
    key = waiting.json["key"]
    assert waiting.err.endswith(f"Still waiting. To continue, run the same command with --key {key}.\n")
    request = place.open("Deploy 6?")
    place.answer(request, "approve")
    ran = place.ask("Deploy 6?", "--json", SAYSO_KEY=key)
    assert ran.code == 0
    assert (ran.json["id"], ran.json["decision"]["approved"]) == (request.id, True)
    assert (ran.json["consumption"]["key"], ran.json["consumption"]["repeated"]) == (key, False)
    other = place.ask("Deploy everything?", "--key", key)
    assert (other.code, other.out) == (2, "")


def test_killed_and_run_again_it_finds_its_question(place: Place) -> None:
    asked = ("Deploy 7?", "--key", "deploy-7")
    with place.asking(*asked) as process:
        request = place.open("Deploy 7?")
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE)
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(place.ask, *asked, "--json")
        place.answer(place.open("Deploy 7?"), "approve")
        assert (ran.result().code, ran.result().json["id"]) == (0, request.id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("more", "stays"),
    [((), False), (("--key", "stopped"), True), (("--key", "left", "--withdraw-on-exit"), False)],
)
def test_who_stops_it_leaves_no_question_that_nobody_finds(
    place: Place, number: int, more: tuple[str, ...], *, stays: bool
) -> None:
    prompt = f"Deploy 8, {number} {more}?"
    named = tuple(f"{one}-{number}" if one in {"stopped", "left"} else one for one in more)
    with place.asking(prompt, *named) as process:
        request = place.open(prompt)
        process.send_signal(number)
        assert process.wait(DEADLINE) == 130
    left = place.operator.request(request.id)
    assert left.is_open == stays
    if left.decision is not None:
        assert left.decision.outcome == "withdrawn"


@pytest.mark.parametrize(
    ("wanted", "value", "printed", "code"),
    [
        ("text", "two\nlines", "two\nlines\n", 0),
        ("select:staging,production", "production", "production\n", 0),
        ("multiselect:a, b,c", ["a", "c"], "a\nc\n", 0),
        ("confirm", True, "yes\n", 0),
        ("confirm", False, "no\n", 1),
        ("number", 4.5, "4.5\n", 0),
        ("date", "2026-12-31", "2026-12-31\n", 0),
        ("form:schema.json", {"city": "Rome"}, '{"city":"Rome"}\n', 0),
    ],
)
def test_every_type_of_answer_is_printed_as_scripts_read_it(
    place: Place, wanted: str, value: Any, printed: str, code: int
) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    (place.folder / "schema.json").write_text(json.dumps(schema))
    ran = place.answered(value, "--input", wanted, prompt=f"Which {wanted} {value}?")
    assert (ran.out, ran.code) == (printed, code)


def test_what_people_wrote_does_nothing_to_a_terminal(place: Place) -> None:
    """A program gets the answer as it is; a terminal shows what would command it."""
    command = (SAYSO, "ask", "Which text?", "--input", "text")
    where, token_of_ci = place.service.url, place.secret
    with TerminalSession(place.folder, *command, SAYSO_URL=where, SAYSO_TOKEN=token_of_ci) as terminal:
        place.answer(place.open("Which text?"), "\x1b[2Jgone", "\x1b[2Jaway")
        assert terminal.end() == 0
        assert "\\x1b[2Jgone" in terminal.text
        assert b"\x1b[2J" not in terminal.raw


def test_a_diff_is_read_from_standard_input(place: Place) -> None:
    given = environment(SAYSO_URL=place.service.url, SAYSO_TOKEN=place.secret)
    line = "printf -- '--- a\\n+++ b\\n' | sayso ask 'Piped?' --diff - --wait 0s"
    path = f"{Path(SAYSO).parent}{os.pathsep}{given['PATH']}"
    ran = subprocess.run(["bash", "-c", line], cwd=place.folder, env=given | {"PATH": path}, check=False)
    assert ran.returncode == 6
    assert place.open("Piped?").details == {"Changes": {"type": "diff", "text": "--- a\n+++ b\n"}}


def test_what_the_question_shows_is_shown_as_what_it_is(place: Place) -> None:
    (place.folder / "change.diff").write_text("--- a\n+++ b\n@@ -1 +1 @@\n-one\n+two\n")
    (place.folder / "migrate.sql").write_bytes(b"DROP TABLE a; -- \xe9\n")
    (place.folder / "plan.pdf").write_bytes(b"%PDF plan")
    (place.folder / "graph.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shown = (
        "--detail", "version=4=2", "--detail", "--odd=x", "--link", "Report=https://ci.example.com/7", "--diff",
        "change.diff", "--code", "migrate.sql", "--file", "plan.pdf", "--file", "graph.png",
        "--note", "by the pipeline", "--requested-by", "person:ana",
    )  # fmt: skip
    ran = place.ask("Migrate?", *shown, "--wait", "0s", "--json")
    assert ran.code == 6
    details = ran.json["details"]
    assert (details.pop("plan.pdf")["name"], details.pop("graph.png")["alt"]) == ("plan.pdf", "graph.png")
    assert details == {
        "version": "4=2",
        "--odd": "x",
        "Report": {"type": "link", "label": "Report", "url": "https://ci.example.com/7"},
        "migrate.sql": {"type": "code", "text": "DROP TABLE a; -- \\xe9\n", "language": "sql"},
        "Changes": {"type": "diff", "text": "--- a\n+++ b\n@@ -1 +1 @@\n-one\n+two\n"},
    }
    assert ran.json["rich"] == ["Report", "migrate.sql", "plan.pdf", "graph.png", "Changes"]
    assert (ran.json["note"], ran.json["requested_by"]) == ("by the pipeline", "person:ana")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--input", "colour"), "Use one of text, select"),
        (("--input", "select"), "needs options"),
        (("--input", "text:a,b"), "takes no options"),
        (("--input", "form:missing.json"), "cannot read missing.json: No such file"),
        (("--detail", "version"), "has no name"),
        (("--detail", "a=1", "--detail", "a=2"), "two details are named 'a'"),
        (("--diff", "-"), "standard input is empty"),
        (("--file", "missing.pdf"), "cannot read missing.pdf: No such file"),
        (("--wait", "soon"), "invalid duration"),
        (("--policy", "nobody-wrote-it"), "nobody-wrote-it"),
        (("--to", "group:nobody-wrote-it"), "nobody-wrote-it"),
        (("--link", "Report=http://ci.example.com"), "https"),
        (("--url", "ftp://example.com"), "not an address"),
        (("--key", "freigabe-für-4.2"), "printable ASCII"),
        (("--key", ""), "printable ASCII"),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_says_why(
    place: Place, arguments: tuple[str, ...], says: str
) -> None:
    ran = place.ask("Deploy 9?", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert place.ask("Deploy 9?", *arguments, "--json").json["error"]["exit_code"] == 2


def test_a_token_that_may_not_ask_ends_with_2(place: Place) -> None:
    wrong = place.ask("Deploy 10?", SAYSO_TOKEN="wrong")
    assert (wrong.code, wrong.out) == (2, "")
    reads = place.ask("Deploy 10?", "--json", SAYSO_TOKEN=token(place.folder, "reader", "read"))
    assert (reads.code, reads.json["error"]["kind"]) == (2, "MissingScope")


def test_it_asks_at_the_socket_beside_the_database_where_no_address_is_given(place: Place) -> None:
    ran = sayso(place.folder, "ask", "Deploy 11?", "--wait", "0s", "--json")
    assert (ran.code, ran.json["requested_by"].partition(":")[0]) == (6, "local")


def test_without_a_service_it_ends_with_3(tmp_path: Path) -> None:
    ran = sayso(tmp_path, "ask", "Deploy?")
    assert (ran.code, ran.out) == (3, "")
    assert "No service is running" in ran.err


def test_a_service_that_is_killed_meanwhile_is_waited_for(tmp_path: Path, unused_tcp_port: int) -> None:
    """The question, its key and the answer are on disk; the command takes no outage for an answer."""
    write(tmp_path, port=unused_tcp_port)
    with ServiceProcess(tmp_path) as service, ThreadPoolExecutor(1) as pool:
        secret = token(tmp_path, "ci", "ask")
        with Client(service.url, token(tmp_path, "operator", "operate", "read", "answer")) as operator:
            place = Place(tmp_path, service, secret, operator)
            ran = pool.submit(place.ask, "Deploy?", "--key", "deploy")
            request = place.open("Deploy?")
            service.kill()
            with ServiceProcess(tmp_path):
                place.answer(request, "approve")
                assert ran.result().code == 0
                again = place.ask("Deploy?", "--key", "deploy")
                assert (again.code, "used" in again.err) == (1, True)


def test_a_service_that_stays_away_is_no_yes(tmp_path: Path) -> None:
    write(tmp_path)
    with (
        ServiceProcess(tmp_path) as service,
        ThreadPoolExecutor(1) as pool,
        Client(service.url, token(tmp_path, "operator", "operate", "read")) as operator,
    ):
        place = Place(tmp_path, service, token(tmp_path, "ci", "ask"), operator)
        ran = pool.submit(place.ask, "Deploy?", "--wait", "10s", "--key", "deploy")
        place.open("Deploy?")
        service.kill()
        assert (ran.result().code, ran.result().out) == (3, "")
        assert "This is not a yes. To continue, run the same command with --key deploy." in ran.result().err
