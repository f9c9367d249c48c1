"""The step of the GitHub action: calls `sayso ask` with the action's inputs, and hands its decision on as outputs.

It ends as `sayso ask` does, so anything but an explicit yes fails the step. When the job is cancelled, the runner sends
SIGINT, then SIGTERM: both are passed on, and `sayso ask` withdraws the question.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ONE = ("policy", "input", "diff", "note", "requested-by", "expires-after", "wait")
EACH_LINE = ("to", "detail", "link", "code")


def given(name: str) -> str:
    """What the action was given; empty where it was left out."""
    return os.environ.get(f"GATE_{name.replace('-', '_').upper()}", "").strip()


def lines(name: str) -> list[str]:
    """The lines of what the action was given."""
    return [line.strip() for line in given(name).splitlines() if line.strip()]


def run_link() -> Iterator[str]:
    """A link to this run, where GitHub says which it is."""
    server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    run = os.environ.get("GITHUB_RUN_ID")
    if server and repository and run:
        yield f"--link=Run={server}/{repository}/actions/runs/{run}"


def key() -> str:
    """The key: that of the action, or one for this attempt of this step."""
    names = ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_ACTION")
    return given("key") or ":".join(["gh", *(os.environ.get(name, "") for name in names)])


def command() -> list[str]:
    """The command that asks. Values are joined to their options, so that none can pass for another option."""
    called = ["sayso", "ask", "--json", "--withdraw-on-exit", f"--key={key()}", *run_link()]
    called += [f"--{name}={given(name)}" for name in ONE if given(name)]
    called += [f"--{name}={line}" for name in EACH_LINE for line in lines(name)]
    return [*called, "--", given("question")]


def outputs(request: dict[str, Any]) -> dict[str, str]:
    """What later steps read."""
    decision: dict[str, Any] = request.get("decision") or {}
    value = decision.get("value")
    return {
        "outcome": decision.get("outcome") or "",
        "approved": "true" if decision.get("approved") is True else "false",
        "value": value if isinstance(value, str) else json.dumps(value),
        "by": ",".join(decision.get("by") or ()),
        "comment": decision.get("comment") or "",
        "request": request.get("id") or "",
    }


def write_outputs(found: dict[str, str]) -> None:
    """Hand outputs on. Each has a delimiter that nobody can guess, so that no answer can pass for an output."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        for name, value in found.items():
            end = f"end-{uuid.uuid4().hex}"
            file.write(f"{name}<<{end}\n{value}\n{end}\n")


@contextmanager
def plain_log() -> Generator[None]:
    """The runner obeys lines of the log that look like commands; not those that are written meanwhile, by whomever."""
    token = uuid.uuid4().hex
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"::{token}::", flush=True)


def main() -> int:
    """Ask, and return the exit code of the step."""
    with plain_log(), subprocess.Popen(command(), stdout=subprocess.PIPE, text=True) as asking:  # noqa: S603 - our own program

        def pass_on(_number: int, _frame: FrameType | None) -> None:
            asking.send_signal(signal.SIGTERM)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, pass_on)
        said, _ = asking.communicate()
    try:
        request: dict[str, Any] = json.loads(said)
    except ValueError:
        request = {}
    if "error" in request:
        print(f"::error::{json.dumps(request['error']['message'])}")
    write_outputs(outputs(request))
    return asking.returncode


if __name__ == "__main__":
    sys.exit(main())
