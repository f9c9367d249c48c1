"""A new platform touches no file outside its own package: no other file names one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("engine", "config", "adapters", "bots", "clients")
NAMES = ("slack", "telegram")

ROOMS = ("adapters/sayso/adapters", "bots/sayso/bots", "bots/sayso/testing")
"""Where each platform has a room by its name."""

OF_ONE_PLATFORM = {
    "bots/sayso/bots/cli/_manifest.py": "prints what Slack alone wants to have of an app",
    "bots/sayso/bots/cli/_chat_demo.py": "shows the two local chats that come with sayso",
    "bots/sayso/bots/demo/_cast.py": "has its people in the two local chats that come with sayso",
    "bots/sayso/bots/demo/_demo.py": "runs the two local chats that come with sayso",
    "bots/sayso/bots/demo/_guide.py": "tells a story that happens in the two local chats that come with sayso",
    "bots/sayso/bots/demo/_release.py": "asks in the two local chats that come with sayso",
    "bots/sayso/testing/__init__.py": "offers the two local chats that come with sayso",
    "bots/sayso/testing/fixtures.py": "offers the two local chats that come with sayso",
}
"""Files that are for these platforms, with the reason. A new platform adds none and changes none."""


def files() -> Iterator[Path]:
    own = tuple(ROOT / room / name for room in ROOMS for name in NAMES)
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            if not any(path.is_relative_to(room) for room in own):
                yield path


def named_in(tree: ast.AST) -> Iterator[str]:
    """What of a file's code names a platform: its imports and names, and its texts, but for sentences: those that
    people read may give a platform as an example.
    """
    for node in ast.walk(tree):
        found: list[str] = []
        match node:
            case ast.Constant(value=str(text)) if " " not in text:
                found = [text]
            case ast.ImportFrom(module=str(module)):
                found = [module]
            case ast.alias(name=name) | ast.keyword(arg=str(name)) | ast.arg(arg=name) | ast.Name(id=name):
                found = [name]
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found = [name]
            case _:
                pass
        yield from (one for one in found if any(name in one.lower() for name in NAMES))


def test_no_file_outside_its_own_rooms_names_a_platform() -> None:
    """Otherwise a platform of others would have to be named there too, and forgetting it would fail silently."""
    naming = {
        str(path.relative_to(ROOT)): sorted(set(named_in(ast.parse(path.read_text(encoding="utf-8")))))
        for path in files()
    }
    assert {path: names for path, names in naming.items() if names and path not in OF_ONE_PLATFORM} == {}
    assert set(OF_ONE_PLATFORM) <= {path for path, names in naming.items() if names}


@pytest.mark.parametrize(
    "code",
    ["import slack_sdk", "from sayso.bots.slack import SLACK", "x = 'slack:'", "one.slack", "f(telegram=1)"],
)
def test_the_look_finds_every_way_to_name_one(code: str) -> None:
    assert list(named_in(ast.parse(code)))


def test_the_engine_names_no_platform_even_in_a_sentence() -> None:
    """Examples in what it says come from the platforms themselves."""
    for path in sorted((ROOT / "engine").rglob("*.py")):
        assert not any(name in path.read_text(encoding="utf-8").lower() for name in NAMES), path
