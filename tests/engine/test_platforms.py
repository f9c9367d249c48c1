"""Platforms come from installed packages, and the engine knows none of their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sayso.engine import InvalidRequest, Policy, Stage, is_person, platform_names

MAIL = """
class Mail:
    name = "mail"
    title = "Mail"
    example_person = "mail:ana@example.org"
    example_place = "mail:team"
    def is_person(self, rest):
        return "@" in rest
MAIL = Mail()
"""


def install(folder: Path, entry_points: str, module: str = MAIL) -> None:
    """Have a package be found as an installed one is."""
    (folder / "mail_platform.py").write_text(module, encoding="utf-8")
    metadata = folder / "mail_platform-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mail-platform\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text(f"[sayso.platforms]\n{entry_points}\n", encoding="utf-8")


def run(folder: Path, code: str) -> str:
    """What a process prints to which the folder's packages are installed."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=30
    ).stdout


def test_slack_and_telegram_are_platforms_as_any_other() -> None:
    assert {"slack", "telegram"} <= platform_names()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("slack:T1:U2", True),
        ("slack:#releases", False),
        ("slack::U2", False),
        ("telegram:7", True),
        ("telegram:-100123", False),
        ("person:ana", True),
        ("group:sre", False),
        ("pigeon:7", False),
    ],
)
def test_what_a_person_is_says_the_platform(entry: str, *, expected: bool) -> None:
    assert is_person(entry) is expected


def test_words_about_people_name_the_platforms_that_are_installed() -> None:
    with pytest.raises(InvalidRequest, match=r"such as slack:#releases or telegram:-100123, a person"):
        Stage(approvers=["nobody"])


def test_a_package_of_others_brings_a_platform(tmp_path: Path) -> None:
    install(tmp_path, "mail = mail_platform:MAIL")
    code = (
        "from sayso.engine import is_person, platform_names, Stage\n"
        "print(sorted(platform_names()), is_person('mail:ana@example.org'), is_person('mail:team'))\n"
        "print(Stage(approvers=['mail:a@b', 'mail:c@d'], need='all').needed)"
    )
    assert run(tmp_path, code) == "['mail', 'slack', 'telegram'] True False\n2\n"


def test_what_was_stored_is_read_once_its_platform_is_not_installed_any_more() -> None:
    """A policy that could not be read would take every list down in which its question stands."""
    mails = ["mail:ana@example.org", "mail:bo@example.org"]
    stages = [Stage(mails, need="all", fallback=mails)]
    policy = Policy(stages=stages, break_glass=mails, hand_over_to=mails)
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy


@pytest.mark.parametrize("places", [["slack:#releases"], ["telegram:-100"], ["group:sre"], ["operator"]])
def test_places_of_platforms_that_are_installed_are_nobody(places: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="break_glass names people"):
        Policy(break_glass=places)


@pytest.mark.parametrize(
    ("entry_points", "said"),
    [
        (
            "mail = mail_platform:POST",
            "the platform 'mail' of the entry point 'mail_platform:POST' cannot be",
        ),
        ("mail = pigeon_platform:MAIL", "No module named 'pigeon_platform'"),
        ("post = mail_platform:MAIL", "it calls itself 'mail'"),
        ("web = mail_platform:MAIL", "no platform can have this name"),
        ("Mail = mail_platform:MAIL", "no platform can have this name"),
        ("slack = mail_platform:MAIL", "has this name too"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, entry_points: str, said: str
) -> None:
    """Otherwise its people would be nobody, silently."""
    install(tmp_path, entry_points)
    code = (
        "from sayso.engine import PlatformUnusable, installed_platforms\n"
        "try:\n    installed_platforms()\nexcept PlatformUnusable as error:\n    print(error)"
    )
    assert said in run(tmp_path, code)
