"""The libraries of a platform are needed where it is configured, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARIES = ("aiohttp", "slack_bolt", "slack_sdk", "telegram")
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys({LIBRARIES!r}))\n"
"""Python takes a module that is None for one that is not there."""


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=30
    ).stdout


@pytest.mark.parametrize("platform", ["slack", "telegram"])
def test_a_platform_whose_library_is_missing_names_its_extra(platform: str) -> None:
    code = f"""
from sayso.config import MissingExtra
from sayso.bots.{platform} import {platform.upper()}
try:
    {platform.upper()}.build(None)
except MissingExtra as error:
    print(error)
"""
    said = run(WITHOUT + code)
    assert said.startswith(f"[{platform}] in sayso.toml needs the extra '{platform}'")
    assert f"pip install 'sayso[{platform}]'" in said


def test_settings_and_people_of_platforms_need_no_library_of_theirs() -> None:
    code = """
from sayso.config import Settings
from sayso.engine import is_person
settings = Settings(slack={"mode": "http"}, telegram={"mode": "polling"})
print(list(settings.platforms), is_person("slack:T1:U2"), settings.destination("telegram:7").is_direct)
"""
    assert run(WITHOUT + code) == "['slack', 'telegram'] True True\n"


EXTRAS: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]["optional-dependencies"]


def brought_by(extra: str) -> Iterator[str]:
    """The packages of an extra, with those of the extras that it names."""
    for one in EXTRAS[extra]:
        if named := re.fullmatch(r"sayso\[(.+)\]", one):
            for other in named[1].split(","):
                yield from brought_by(other)
        else:
            yield re.split(r"[<>=\[]", one)[0]


@pytest.mark.parametrize("extra", ["slack", "telegram", "mcp", "github", "all"])
def test_one_extra_is_enough_to_serve_what_its_name_says(extra: str) -> None:
    """Otherwise installing what an error asks for leads to the next error."""
    assert set(brought_by("web")) <= set(brought_by(extra))


def test_all_brings_every_platform_and_nothing_for_tests() -> None:
    for_tests = set(brought_by("testing")) - set(brought_by("all"))
    assert set(brought_by("all")) == {
        *brought_by("slack"), *brought_by("telegram"), *brought_by("web"), *brought_by("mcp"),
        *brought_by("github"), *brought_by("postgres"),
    }  # fmt: skip
    assert {"aiogram", "jsonschema-rs", "slack-events", "teremok"} == for_tests


@pytest.mark.parametrize(
    ("extra", "others"), [("slack", ["telegram"]), ("telegram", ["slack_bolt", "slack_sdk"])]
)
def test_a_platform_is_served_without_the_library_of_another(extra: str, others: list[str]) -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys({others!r}))
import sayso.bots.service, sayso.bots.{extra}._bot, sayso.bots.{extra}._check, sayso.bots.{extra}._set_up
print("served")
"""
    assert run(code) == "served\n"


@pytest.mark.parametrize(
    ("command", "settings", "purpose"),
    [("mcp", "", "sayso mcp"), ("serve", "[http]\nmcp = true\nport = 0\n", "http.mcp")],
)
def test_tools_for_agents_that_are_not_installed_name_their_extra(
    tmp_path: Path, command: str, settings: str, purpose: str
) -> None:
    (tmp_path / "sayso.toml").write_text(settings)
    code = f"import sys; sys.modules['mcp'] = None; from sayso.bots.cli import main; main([{command!r}])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.returncode, f"{purpose} needs the extra 'mcp'" in ran.stderr) == (2, True), ran.stderr
