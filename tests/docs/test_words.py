"""One word for one thing, in every text that people read: retired words stand nowhere.

A text that needs a retired word is rewritten; `RETIRED` says with what. `tests.docs.texts` finds the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.bots.cli._commands import COMMANDS, load
from tests.docs.pages import ROOT
from tests.docs.texts import files, fold, is_read, kind, texts

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
    r"\basked of\b": "Approvers, Assigned to",
    r"^until:?$|^until:? ?(\{|\d)": "Due",
    r"\bstill needed\b": "Waiting for",
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
    r"\blet(s|ting)? (people |everybody |nobody |somebody |anybody |them )in\b": "access granted, has access",
    r"\bby way of\b": "through, via",
    r"\bfor ever\b": "forever",
    r"\b(became|becomes?|comes?|came) of\b": "the outcome of, the result of, how it ended",
    r"\b(to|from|by) who\b": "to people who, only if the person",
    r"\bbut (for|where|if)\b|\b(all|everything) but\b|\bbut those\b": "except",
    r"\b(is|was|are|were|be) (still |ever )?away\b": "is down, cannot be reached",
    r"\btold of\b|\btells? of\b|\btells? nobody\b": "told about, reports, notified",
    r"\bfurther ones?\b": "more, others",
    r"\b(is|are|was|were|be|been) begun\b": "started",
    r"\bcome(s)? by no\b|\bgoes by\b": "uses, follows",
    r"\d\.\d+ [FS]\b": "times as many as what is compared, in words",
}
"""Each retired word, as a regular expression, with what to write instead."""

QUESTION = re.compile(
    r"\b(open|older|oldest|newest|earlier|latest|every|pending|waiting) (\{\} )?questions?\b"
    r"|\bquestions? (stays? open|expires?|for you)\b"
    r"|\bquestions? (is|was|are|were) (still )?(open|closed|withdrawn|handed over|decided)\b"
    r"|\bwithdraws? (the|its|a) question\b",
    re.IGNORECASE,
)
"""What has a state, an age or approvers is a request; the question is what it asks."""

SURFACES = ("adapters/", "bots/sayso/bots/", "clients/", "config/", "integrations/")
PAGES_OF_SURFACES = (
    "use-the-inbox",
    "set-up-slack",
    "set-up-telegram",
    "people",
    "cards",
    "commands",
    "settings",
)

_RETIRED = re.compile("|".join(f"(?:{word})" for word in RETIRED), re.IGNORECASE)

_EXPLAINED = {"docs/reference/benchmarks.md": re.compile(r"\d\.\d+ [FS]\b")}
"""What a page may say because it explains it first."""


def retired(text: str) -> list[str]:
    """The retired words in a text, outside of code."""
    return [found[0] for found in _RETIRED.finditer(fold(text))]


def _wrong(path: Path) -> list[tuple[list[str], str]]:
    """The retired words in a file, each with its text."""
    explained = _EXPLAINED.get(path.relative_to(ROOT).as_posix())
    said = (explained.sub(" ", text) if explained else text for text in texts(path))
    return [(words, text) for text in said if (words := retired(text))]


def test_a_retired_word_is_noticed() -> None:
    assert retired("Mend it: the run\ngoes\n  on, `shut-out` or not.") == ["Mend", "goes on"]
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
        "The contract stands in the docstring.",
        "A message beside the cards",
        "The card of a request as it stands",
        "What the person hears",
        "Let go of the file.",
        "An approval is never let stand.",
        "Runs that a crash cut off are taken up.",
        "Put a backup in the place of a database",
        "Whoever asks closes it.",
        "Asked of Ana",
        "Until 17:30",
        "Until",
        "Still needed: 1 of Ana, Bo",
        "A remark of Bo's",
        "People who were let in",
        "Eve was shut out",
        "This cannot be left out",
        "Unset, the log alone does",
        "destinations that were given up",
        "0.63 F",
        "Reasons to suggest to who rejects",
        "The service is away.",
        "What became of it",
    ):
        assert retired(text), text


def test_every_kind_of_file_is_known() -> None:
    """A file of a new kind is read, or somebody decides that it holds no sentence of ours."""
    unknown = set[str]()
    for path in files():
        try:
            kind(path)
        except KeyError:
            unknown.add(path.relative_to(ROOT).as_posix())
    assert unknown == set(), "say in tests/docs/texts.py how to read these"


_READ = [path for path in files() if is_read(path)]


@pytest.mark.parametrize("path", _READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_that_people_read_has_a_retired_word(path: Path) -> None:
    assert _wrong(path) == []


def _help(command: Any) -> Iterator[str]:
    """The help of a command, of its parameters and of the commands below it."""
    yield from (command.help or "").split("\n\n")
    yield from (getattr(parameter, "help", None) or "" for parameter in command.params)
    for child in getattr(command, "commands", {}).values():
        yield from _help(child)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_has_a_retired_word(name: str) -> None:
    """It is in the docstrings of private functions, so that no file shows that somebody reads it."""
    said = [fold(text) for text in _help(load(name))]
    assert len(said) > 1
    assert [text for text in said if retired(text) or QUESTION.search(text)] == []


_ON_SURFACES = [path for path in _READ if path.relative_to(ROOT).as_posix().startswith(SURFACES)]


@pytest.mark.parametrize(
    "path",
    [*_ON_SURFACES, *(path for path in _READ if path.suffix == ".md" and path.stem in PAGES_OF_SURFACES)],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_the_surfaces_list_requests(path: Path) -> None:
    """One word for one thing: an approval is not a question, and both are in the same lists."""
    assert [text for text in texts(path) if QUESTION.search(text)] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("README.md", "Approvals for Python workflows."),
        ("CHANGELOG.md", "**Workflows** in Python"),
        ("Makefile", "run the benchmarks and print their table"),
        ("docs/decisions/index.md", "Short records"),
        ("config/sayso.example.toml", "Number of parked runs to keep in memory."),
        ("config/slack-manifest.json", "What waits for your answer"),
        ("clients/python/sayso/client/_client.py", "It keeps waiting while the service"),
        ("clients/python/sayso/bridges/langgraph.py", "LangGraph"),
        ("clients/typescript/README.md", "TypeScript"),
        ("clients/typescript/src/client.ts", "waiting"),
        ("clients/typescript/openapi.json", "an approval counts only"),
        ("adapters/sayso/adapters/web/templates/inbox.html", "all caught up"),
        ("bots/sayso/bots/http/_bodies.py", "an approval counts only"),
        ("engine/sayso/engine/_policy.py", "break-glass"),
        ("examples/production_access.py", "your access system"),
    ],
)
def test_the_texts_of_each_kind_of_file_are_found(name: str, said: str) -> None:
    assert any(said in text for text in texts(ROOT / name))
