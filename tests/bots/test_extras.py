"""The libraries of a platform are needed where it is configured, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

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
