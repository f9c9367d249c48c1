"""One word for one thing, in every text that people read: retired words stand nowhere.

A text that needs a retired word is rewritten; `RETIRED` says with what.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sayso.bots.cli import EXIT_CODES
from sayso.bots.cli._commands import COMMANDS, load
from sayso.config import Settings
from tests.docs.pages import PAGES, ROOT

RETIRED = {
    r"cannot be had|(to|can) be had": "is already in use, or: could not get",
    r"given[ -]up|gives up": "unreachable (a destination); dropped (a message)",
    r"go(es|ing)? on(?! (the|a|to)\b)": "continue, resume",
    r"hears? (of|about)\b": "is notified",
    r"(is|are|was|were|be|who|lets?) (let )?in (again|no more)|\blet in\b|\blets in\b": "access granted, has access",
    r"(?<!there )(?<!there's )\b(is|are) no (?!longer|more|one|need|other)\w+": "is not a ..., has no ...",
    r"\bno TOML\b": "invalid TOML",
    r"\bnone of (?!them|these|those|the|which|it|its|this|that|your)": "is not one of",
    r"\blately\b": "recently",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bof theirs\b": "their",
    r"\bremarks?\b": "comment",
    r"shuts? out|shut-out": "revoke",
    r"stands for itself": "account unlinked",
    r"\banew\b": "again",
    r"whoever (asked|started|answers|runs)\b": "the requester, the person who, the operator",
    r"\bshall\b": "must, may, will",
    r"\bpersons\b": "people",
    r"^\W*asked of\b": "Approvers, Assigned to",
    r"\bstill needed: \d": "Waiting for",
    r"belongs? into\b": "must not be in",
    r"nothing waits for|nothing of sayso": "You're all caught up; nothing is running",
    r"cannot be left out": "Required",
    r"the log alone": "log only",
    r"\bstands? (in|behind|above|below|beside|there|twice|outside|under|at)\b": "is in, follows, appears",
    r"\b(how|where|as) ([\w`']+ ){1,3}stands?\b(?! for)": "the state of, the current ..., its present state",
    r"\bhears?\b|\bis heard\b": "is told, is notified, receives",
    r"\bbeside\b": "next to; besides, in addition to",
    r"\blet(s|ting)? go of": "close, release",
    r"\blet(s|ting)? (it |them )?stand\b": "keep",
    r"\bat hand\b": "present, loaded",
    r"\btak(e|es|en|ing) up\b": "resume",
    r"\bthere still\b": "still there, still connected",
    r"(?<!person )\bbehind (it|its|that|the (first|last|deadline|row|number|backup))\b": "after",
    r"\bin (the place of|whose place|the caller's place)\b": "instead of; replaces",
    r"\bonce more\b": "again",
    r"\bstruck out\b|\bturned away\b": "removed; refused",
    r"\bwhoever (asks|installed|waits|signs|polls|decides|presses)\b": "the caller, the person who",
}
"""Each retired word, as a regular expression, with what to write instead."""

_RETIRED = re.compile("|".join(f"(?:{word})" for word in RETIRED), re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_NAME = re.compile(r"[a-z0-9_.:-]*", re.ASCII)

_HISTORY = (ROOT / "CHANGELOG.md", ROOT / "docs" / "decisions")
"""What was written at its time."""

_SPOKEN = ("adapters", "bots", "clients", "config", "engine", "examples", "integrations")
"""Where the source is whose texts people read."""

_PUBLIC = (
    "sayso.adapters.cards",
    "sayso.bots.chats",
    "sayso.bots.client",
    "sayso.bots.service",
    "sayso.bots.slack",
    "sayso.bots.telegram",
    "sayso.bots.web",
    "sayso.config",
    "sayso.engine",
    "sayso.engine.audit",
    "sayso.engine.store",
    "sayso.testing",
    "sayso.testing.conformance",
    "sayso.testing.slack",
    "sayso.testing.telegram",
)
"""The packages that other programs import."""


def retired(text: str) -> list[str]:
    """The retired words that stand in a text, outside of code."""
    return [found[0] for found in _RETIRED.finditer(_CODE.sub("", text))]


def _wrong(texts: Iterator[str]) -> list[tuple[str, list[str]]]:
    """The texts with retired words, and these."""
    return [(text, retired(text)) for text in texts if retired(text)]


def test_a_retired_word_is_noticed() -> None:
    assert retired("Mend it: the run\ngoes on, `shut-out` or not.") == ["Mend", "goes on"]
    assert retired("The card goes on the page. There is no other, and it is no longer here.") == []
    for text in (
        "it is no TOML",
        "'30' is no age",
        "127.0.0.1:8931 cannot be had",
        "secrets do not belong into this file",
        "Nothing of sayso runs now.",
        "Eve is let in no more",
        "The run goes on.",
        "This account stands for itself again.",
        "Decided lately",
        "Asked of Ana",
        "The contract stands in the docstring.",
        "A message beside the cards",
        "The card of a request as it stands",
        "What the person hears",
        "Let go of the file.",
        "An approval is never let stand.",
        "Runs that a crash cut off are taken up.",
        "Put a backup in the place of a database",
        "Whoever asks closes it.",
    ):
        assert retired(text), text


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
    assert _wrong(iter(texts)) == []


def test_no_exit_code_and_no_setting_uses_a_retired_word() -> None:
    example = (ROOT / "config" / "sayso.example.toml").read_text(encoding="utf-8")
    described = [field.description or "" for field in Settings.model_fields.values()]
    assert _wrong(iter((example, *EXIT_CODES.values(), *described))) == []


def _literals(path: Path) -> Iterator[str]:
    """The texts in a module that are not docstrings, and no bare names."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    said = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in said]
    yield from (
        node.value for node in texts if isinstance(node.value, str) and not _NAME.fullmatch(node.value)
    )


@pytest.mark.parametrize("room", _SPOKEN)
def test_no_text_of_the_source_uses_a_retired_word(room: str) -> None:
    """Cards, replies, errors, log lines, the API's descriptions: whatever stands in the source as a text."""
    paths = [path for path in sorted((ROOT / room).rglob("*.py")) if path.name != "_commands.py"]
    assert paths
    assert [(path, wrong) for path in paths if (wrong := _wrong(_literals(path)))] == []


class _Texts(HTMLParser):
    """What a page shows, its alternative texts and labels included, and without its template's code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if value and name in _SHOWN]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


_SHOWN = {"alt", "aria-label", "placeholder", "title", "value"}
_TEMPLATE = re.compile(r"\{[%#].*?[%#]\}", re.DOTALL)
_SCRIPT_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\'(?:[^\'\\\n]|\\.)*\'')
_SCRIPT_COMMENT = re.compile(r"^\s*(//|/\*|\*).*$", re.MULTILINE)


def _shown(path: Path) -> Iterator[str]:
    """The texts of a page or of a script."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        page = _Texts()
        page.feed(_TEMPLATE.sub("", text))
        yield from page.found
    else:
        yield from (found[0][1:-1] for found in _SCRIPT_TEXT.finditer(_SCRIPT_COMMENT.sub("", text)))


_PAGES_AND_SCRIPTS = [
    path
    for room in ("adapters", "bots")
    for path in sorted((ROOT / room).rglob("*"))
    if path.suffix in {".html", ".js"}
]


@pytest.mark.parametrize("path", _PAGES_AND_SCRIPTS, ids=lambda path: path.name)
def test_no_page_of_the_inbox_or_the_demo_uses_a_retired_word(path: Path) -> None:
    texts = list(_shown(path))
    assert any(texts)
    assert _wrong(iter(texts)) == []


def _docstrings(module: ModuleType) -> Iterator[str]:
    """What a package and the names that it exports say of themselves, their public methods included."""
    yield module.__doc__ or ""
    for name in module.__all__:
        exported = getattr(module, name)
        if inspect.isclass(exported) or inspect.isfunction(exported):
            yield exported.__doc__ or ""
        if inspect.isclass(exported):
            for attribute, held in vars(exported).items():
                if not attribute.startswith("_"):
                    method = getattr(held, "fget", None) or getattr(held, "__func__", held)
                    yield (method.__doc__ or "") if inspect.isfunction(method) else ""


@pytest.mark.parametrize("name", _PUBLIC)
def test_no_docstring_of_a_public_name_uses_a_retired_word(name: str) -> None:
    texts = list(_docstrings(importlib.import_module(name)))
    assert len([text for text in texts if text]) > 1
    assert _wrong(iter(texts)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_no_docstring_of_an_example_uses_a_retired_word(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = [
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    assert _wrong(str(text) for text in said) == []
