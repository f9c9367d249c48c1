"""One word for one thing, in every text that people read: retired words stand nowhere.

A text that needs a retired word is rewritten; `RETIRED` says with what. Where the texts of a place are in order, the
place is added here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.bots.cli import EXIT_CODES
from sayso.bots.cli._commands import COMMANDS, load
from sayso.config import Settings
from tests.docs.pages import PAGES, ROOT

RETIRED = {
    r"cannot be had": "is already in use, or: could not get",
    r"given up|gives up": "unreachable (a destination); dropped (a message)",
    r"go(es|ing)? on(?! (the|a|to)\b)": "continue, resume",
    r"hears? of\b": "is notified",
    r"(is|are|was|were|be|who|lets?) (let )?in (again|no more)|\blet in\b|\blets in\b": "access granted, has access",
    r"it is no\b|is no age\b|no TOML": "invalid ..., is not a ...",
    r"\blately\b": "recently",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bof theirs\b": "their",
    r"\bremarks?\b": "comment",
    r"shuts? out|shut-out": "revoke",
    r"stands for itself": "account unlinked",
    r"(posted|asked|made|written|counted?|sent) anew\b": "again",
    r"whoever (asked|started|answers|runs)\b": "the requester, the person who, the operator",
}
"""Each retired word, as a regular expression, with what to write instead."""

_RETIRED = re.compile("|".join(f"(?:{word})" for word in RETIRED), re.IGNORECASE)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)

_HISTORY = (ROOT / "CHANGELOG.md", ROOT / "ARCHITECTURE.md", ROOT / "docs" / "decisions")
"""What was written at its time, and what only those who work on the source read."""

_SPOKEN = (
    "config/sayso/config",
    "bots/sayso/bots/cli",
    "bots/sayso/bots/client",
    "bots/sayso/bots/exit_codes",
)
"""The rooms whose texts are in order."""


def retired(text: str) -> list[str]:
    """The retired words that stand in a text, outside of code."""
    return [found[0] for found in _RETIRED.finditer(_CODE.sub("", text))]


def test_a_retired_word_is_noticed() -> None:
    assert retired("Mend it: the run\ngoes on, `shut-out` or not.") == ["Mend", "goes on"]
    assert retired("The card goes on the page.") == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not any(page.is_relative_to(one) for one in _HISTORY)], ids=str
)
def test_no_page_uses_a_retired_word(page: Path) -> None:
    assert retired(page.read_text(encoding="utf-8")) == []


def _help(name: str, command: Any) -> Iterator[str]:
    """The help of a command, of its parameters and of the commands below it."""
    yield command.help or ""
    for parameter in command.params:
        yield getattr(parameter, "help", None) or ""
    for child in getattr(command, "commands", {}).values():
        yield from _help(name, child)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_uses_a_retired_word(name: str) -> None:
    texts = list(_help(name, load(name)))
    assert len(texts) > 1
    assert [retired(text) for text in texts if retired(text)] == []


def test_no_exit_code_and_no_setting_uses_a_retired_word() -> None:
    example = (ROOT / "config" / "sayso.example.toml").read_text(encoding="utf-8")
    described = [field.description or "" for field in Settings.model_fields.values()]
    assert [retired(text) for text in (example, *EXIT_CODES.values(), *described) if retired(text)] == []


def _literals(path: Path) -> Iterator[str]:
    """The texts in a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@pytest.mark.parametrize(
    "path", [path for room in _SPOKEN for path in sorted((ROOT / room).rglob("*.py"))], ids=str
)
def test_no_text_of_the_source_uses_a_retired_word(path: Path) -> None:
    if path.name == "_commands.py":  # knows the former names of commands
        return
    assert [(text, retired(text)) for text in _literals(path) if retired(text)] == []
