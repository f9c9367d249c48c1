"""What `sayso --help` shows, and what it does without."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from sayso.bots.cli._commands import COMMANDS, load
from tests.bots.command import sayso

_AFTER_HELP = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from sayso.bots.cli import main
main(["--help"])
"""
_AFTER_ENGINE = "import json, sys, sayso.engine; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def _modules_after(program: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(ran.stderr))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_each_command_what_it_says_of_itself(name: str) -> None:
    """The list is read without the commands: nobody would notice that it says something else."""
    first = cleandoc(load(name).help).partition("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name].says


def helps(command: Any) -> Iterator[str]:
    """The help of a command and of those within it."""
    yield command.help
    for one in getattr(command, "commands", {}).values():
        yield from helps(one)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_breaks_its_lines_where_the_terminal_ends(name: str) -> None:
    """Typer keeps line breaks, and code is wrapped for editors that are wider than a terminal."""
    for said in helps(load(name)):
        assert "\n" not in said.replace("\n\n", ""), said


def test_a_renamed_command_still_works_with_a_hint_and_is_not_listed(tmp_path: Path) -> None:
    old = sayso(tmp_path, "shut-out", "--help")
    assert (old.code, old.err) == (
        0,
        "`sayso shut-out` is now `sayso revoke`. The old name will be removed.\n",
    )
    assert old.out == sayso(tmp_path, "revoke", "--help").out
    listed = sayso(tmp_path, "--help").out
    assert "shut-out" not in listed
    groups = re.findall(r"─ (\w+) ─", listed)
    assert groups == ["Options", "Try", "Run", "Ask", "Answer", "Operate", "Access", "Evidence"]


def test_help_is_there_without_what_only_commands_need() -> None:
    """Whoever asks which commands there are waits for none of them to be imported."""
    modules = _modules_after(_AFTER_HELP)
    assert "sayso.bots.cli._commands" in modules
    ours = {name for name in modules if name.startswith("sayso.")}
    light = ("sayso.bots.cli", "sayso.bots.exit_codes")
    assert {name for name in ours if not name.startswith(light)} <= {"sayso.bots"}
    theirs = {
        "aiosqlite",
        "anyio",
        "fastapi",
        "httpx",
        "jsonschema",
        "msgspec",
        "pydantic",
        "slack_sdk",
        "telegram",
    }
    assert not theirs & modules


def test_the_engine_is_imported_without_what_few_programs_need() -> None:
    modules = _modules_after(_AFTER_ENGINE)
    assert "sayso.engine" in modules
    assert (
        not {"aiosqlite", "importlib.resources", "jsonschema", "simpleeval", "pydantic", "rich", "httpx"}
        & modules
    )
