"""The examples, run as their docstrings say."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.content_creation import article_path, write_draft
from tests.bots.command import DEADLINE, SAYSO, TerminalSession, environment, sayso

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ALL_AT_ONCE = ("green tea", "revise", "shorter", "approve", "maybe", "y")

pytestmark = pytest.mark.slow


def script(cwd: Path, typed: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run content_creation.py with lines typed in."""
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "content_creation.py"), *arguments],
        cwd=cwd,
        env=environment(),
        input="".join(f"{line}\n" for line in typed),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_the_script_talks_an_article_through(tmp_path: Path) -> None:
    ran = script(tmp_path, ALL_AT_ONCE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "neither yes nor no" in ran.stdout
    assert "Published: published/green-tea.md" in ran.stdout
    assert "shorter" in (tmp_path / "published" / "green-tea.md").read_text(encoding="utf-8")


def test_the_script_stopped_after_any_line_goes_on_with_its_run(tmp_path: Path) -> None:
    """Closing the terminal is the most common crash of all."""
    first = script(tmp_path, ALL_AT_ONCE[:1])
    assert "Stopped. Your progress is saved." in first.stdout
    found = re.search(r"Run ([0-9a-f]{32})", first.stdout)
    assert found is not None
    told = [script(tmp_path, (line,), found[1]) for line in ALL_AT_ONCE[1:]]
    assert [ran.stderr for ran in told] == [""] * len(told)
    assert "Published: published/green-tea.md" in told[-1].stdout


def test_a_rejected_article_is_not_published(tmp_path: Path) -> None:
    ran = script(tmp_path, ("green tea", "reject"))
    assert "nothing, it was rejected" in ran.stdout
    assert not (tmp_path / "published").exists()


def test_ctrl_c_ends_the_script_at_once(tmp_path: Path) -> None:
    with TerminalSession(tmp_path, sys.executable, str(EXAMPLES / "content_creation.py")) as terminal:
        terminal.wait_for("Your response: ")
        terminal.press_until("c", "Stopped. Your progress is saved.")
        assert terminal.end() == 0
    assert "Traceback" not in terminal.text


def test_the_example_runs_by_the_command_of_its_docstring(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(EXAMPLES)
    ran = sayso(tmp_path, "run", "examples.content_creation:workflow", "--json")
    assert (ran.code, ran.json["pending"][0]["request_id"]) == (6, "topic")


@pytest.mark.parametrize(
    ("topic", "path"),
    [
        ("Green Tea", "published/green-tea.md"),
        ("../../etc/passwd", "published/etc-passwd.md"),
        ("茶", "published/article.md"),
        ("x" * 300, f"published/{'x' * 60}.md"),
    ],
)
def test_a_topic_never_leaves_its_folder(topic: str, path: str) -> None:
    assert article_path(topic) == Path(path)


def test_the_same_topic_and_feedback_give_the_same_draft() -> None:
    assert write_draft("tea", ["shorter"]) == write_draft("tea", ["shorter"])
    assert write_draft("tea", ["shorter"]) != write_draft("tea", [])


def test_parallel_reviews_take_answers_in_any_order(tmp_path: Path) -> None:
    """The last question is answered first, each in a process of its own."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    told = sayso(tmp_path, "run", "examples.parallel_reviews:workflow", "--json").json
    assert [one["request_id"] for one in told["pending"]] == [
        "review-legal",
        "review-security",
        "review-design",
    ]
    for asked, reply in zip(reversed(told["pending"]), ("yes", "no", "yes"), strict=True):
        command = shlex.split(asked["answer_command"].replace("VALUE", reply))
        assert command[0] == Path(SAYSO).name
        assert sayso(tmp_path, *command[1:]).code == 0
    ended = sayso(tmp_path, "run", "examples.parallel_reviews:workflow", told["run_id"], "--json").json
    assert (ended["status"], ended["shared"]["objections"]) == ("COMPLETED", ["security"])


class Server:
    """An example that serves HTTP, in a process of its own, and a client of it."""

    def __init__(self, cwd: Path, name: str = "server.py") -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / name), str(port)],
            cwd=cwd,
            env=environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._wait_until_ready()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE)

    def _wait_until_ready(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "Uvicorn running on" in line:
                return
        raise AssertionError("the server did not start")

    def stop(self, *, kill: bool = False) -> None:
        self.client.close()
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        assert self.process.stderr is not None
        with self.process.stderr:
            self.process.stderr.read()
        self.process.wait(timeout=DEADLINE)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(path, json=body or None)

    def status(self, expected: str) -> Any:
        """The status once it is the expected one; every poll is a request, and the test has a time limit."""
        while (told := self.client.get("/workflow-status").json())["status"] != expected:
            pass
        return told


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


def test_the_server_takes_a_workflow_from_question_to_end(server: Server) -> None:
    assert server.client.get("/workflow-status").json() == {"status": "not_started"}
    assert server.post("/provide-input", id="x", revision=1, value="").status_code == 404
    assert server.post("/start-workflow").json()["status"] == "started"
    asked = server.status("waiting_for_input")["request"]
    name = {"id": asked["id"], "revision": asked["revision"]}
    assert server.post("/provide-input", **name, value="Ana").json()["outcome"] == "resolved"
    while (asked := server.status("waiting_for_input")["request"])["request_id"] != "tone":
        pass
    tone = {"id": asked["id"], "revision": asked["revision"]}
    assert server.post("/provide-input", **tone, value="rudely").status_code == 422
    assert server.post("/provide-input", **tone | {"revision": 2}, value="warmly").status_code == 409
    assert server.post("/provide-input", **name, value="Bo").status_code == 409
    assert server.post("/provide-input", **name, value="Ana").json()["outcome"] == "duplicate"
    assert server.post("/provide-input", id="nothing", revision=1, value="warmly").status_code == 404
    assert server.post("/provide-input", **tone, value="warmly").status_code == 200
    assert server.status("COMPLETED")["shared"]["greeting"] == "Hello, Ana."


def test_the_server_goes_on_with_a_run_after_a_kill(tmp_path: Path) -> None:
    first = Server(tmp_path)
    run_id = first.post("/start-workflow").json()["run_id"]
    asked = first.status("waiting_for_input")["request"]
    first.stop(kill=True)
    second = Server(tmp_path)
    try:
        assert second.client.post("/start-workflow", params={"run_id": "nobody"}).status_code == 404
        second.client.post("/start-workflow", params={"run_id": run_id})
        again = second.status("waiting_for_input")["request"]
        assert (again["id"], again["revision"]) == (asked["id"], asked["revision"])
    finally:
        second.stop()


def test_the_server_listens_to_its_own_name_only(server: Server) -> None:
    """A page elsewhere that has its own name point to 127.0.0.1 must not answer for the person at this machine."""
    assert server.client.get("/workflow-status", headers={"Host": "evil.example"}).status_code == 400


def test_a_person_named_in_a_header_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.post("/start-workflow")
    asked = server.status("waiting_for_input")["request"]
    answer = {"id": asked["id"], "revision": asked["revision"], "value": "Ana"}
    server.client.post(
        "/provide-input", json=answer, headers={"X-User": "web:boss", "X-Forwarded-User": "boss"}
    )
    rows = [json.loads(line) for line in sayso(tmp_path, "audit", "export").out.splitlines()]
    (accepted,) = [row for row in rows if row["kind"] == "answer_accepted"]
    assert (accepted["person"].partition(":")[0], accepted["via"]) == ("local", "api")
    assert "boss" not in json.dumps(rows)


def test_a_program_of_ones_own_asks_through_sayso_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    """The command line answers what the program asks, over the socket beside the database."""
    (tmp_path / "sayso.toml").write_text("[http]\nport = 0\n", encoding="utf-8")
    first = Server(tmp_path, "embed.py")
    run_id = first.post("/refunds/4711").json()["run_id"]
    assert first.client.get(f"/refunds/{run_id}").json() == {"status": "WAITING_FOR_INPUT", "refunded": None}
    assert first.client.get("/refunds/none").status_code == 404
    first.stop(kill=True)
    second = Server(tmp_path, "embed.py")
    try:
        assert (second.client.get("/ready").status_code, second.client.get("/ready").json()) == (200, {})
        [asked] = sayso(tmp_path, "requests", "--json").json["requests"]
        address = f"{asked['id']}@{asked['revision']}"
        assert sayso(tmp_path, "answer", address, "approve").code == 0
        while (told := second.client.get(f"/refunds/{run_id}").json())["status"] != "COMPLETED":
            pass
        assert told["refunded"] is True
    finally:
        second.stop()
    assert not (tmp_path / "sayso.db.sock").exists(), "leaving removes what a stop in order removes"
