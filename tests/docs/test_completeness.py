"""Whatever a user can meet is documented: a new option, error or audit row needs its line."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import sayso.adapters.cards
import sayso.engine
from sayso.bots.cli import EXIT_CODES, app
from sayso.bots.cli._commands import COMMANDS, load
from sayso.engine import (
    ATTENTION_ACTIONS,
    AttentionKind,
    AuditRow,
    NodeStatus,
    OutcomeKind,
    RequestStatus,
    SaysoError,
    WorkflowStatus,
)
from sayso.engine.store import OUTSIDE
from sayso.engine.store._evidence import SEALED
from tests.config.known import settings_with_variables
from tests.docs.pages import PAGES, ROOT, code_spans, first_column, rows, section

REFERENCE = ROOT / "docs" / "reference"
ENGINE = ROOT / "engine" / "sayso" / "engine"


def _text(page: str) -> str:
    return (REFERENCE / page).read_text(encoding="utf-8")


def _calls(folder: Path) -> Iterator[ast.Call]:
    for path in sorted(folder.rglob("*.py")):
        for found in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(found, ast.Call):
                yield found


def _function_name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def test_every_setting_is_documented_with_its_variable() -> None:
    documented = {cells[0].strip("`"): cells[1].strip("`") for cells in rows(_text("settings.md"))}
    assert documented == dict(settings_with_variables())


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The commands with their paths. Typer's classes for them are private, so they are taken as they come."""
    is_root = path == "sayso"
    children = {name: load(name) for name in COMMANDS} if is_root else getattr(command, "commands", {})
    if is_root or not children:
        yield path, command
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}")


CALLED = list(_commands(typer.main.get_command(app), "sayso"))


@pytest.mark.parametrize(("path", "command"), CALLED, ids=[path for path, _ in CALLED])
def test_every_command_is_documented_with_its_options(path: str, command: Any) -> None:
    page = REFERENCE / "commands.md"
    own = section(page, path)
    spans = " ".join(code_spans(own) | code_spans(section(page, "Commands").partition("## ")[0]))
    words = set(re.findall(r"--[a-z-]+|[A-Z][A-Z@:]*|[a-z]+", spans))
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert set(parameter.opts) <= words, f"{path} {parameter.opts}"
        else:
            names = set(re.findall(r"[\w@:]+", str(parameter.metavar)))
            assert names <= words, f"{path} {parameter.metavar}"


def test_no_command_or_option_is_documented_that_is_not_there() -> None:
    page = REFERENCE / "commands.md"
    headings = re.findall(r"^## (sayso.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(path for path, _ in CALLED)
    options = {option for _, command in CALLED for one in command.params for option in one.opts}
    for text in PAGES:
        spans = code_spans(text.read_text(encoding="utf-8"))
        sayso = [span for span in spans if span.startswith("sayso ")] + list(
            code_spans(page.read_text(encoding="utf-8"))
        )
        used = {word for span in sayso for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)}
        assert used <= options | {"--help"}, text


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = rows(section(REFERENCE / "commands.md", "Exit codes"))
    documented = {int(cells[0].strip("`")): cells[1] for cells in table}
    assert documented == {code.value: meaning for code, meaning in EXIT_CODES.items()}


def _errors(root: type[SaysoError]) -> Iterator[type[SaysoError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("sayso."):
            yield from _errors(child)


def test_every_error_is_documented() -> None:
    for name in ("demo", "service", "slack", "telegram", "web"):  # what no command needs until it serves
        importlib.import_module(f"sayso.bots.{name}")
    known = {error.__name__ for error in _errors(SaysoError) if not error.__name__.startswith("_")}
    assert set(first_column(_text("errors.md"))) == known


def test_every_outcome_is_documented_as_accepted_or_not() -> None:
    documented = {cells[0].strip("`"): cells[1] for cells in rows(_text("outcomes.md"))}
    accepted = {kind: sayso.engine.Outcome(kind, "").accepted for kind in OutcomeKind}
    assert documented == {kind.value: "yes" if accepted[kind] else "no" for kind in OutcomeKind}


@pytest.mark.parametrize(
    ("heading", "states"),
    [("Runs", WorkflowStatus), ("Requests", RequestStatus), ("Nodes", NodeStatus)],
)
def test_every_state_is_documented(
    heading: str, states: type[WorkflowStatus | RequestStatus | NodeStatus]
) -> None:
    listed = first_column(section(REFERENCE / "states.md", heading))
    assert [name for name in listed if name != states.__name__] == [state.value for state in states]


def test_every_kind_of_attention_is_documented_with_its_actions() -> None:
    page = ROOT / "docs" / "how-to" / "operations.md"
    table = rows(section(page, "Decide what only a person can decide"))
    actions = {cells[0].strip("`"): re.findall(r"`(\w+)`", cells[2]) for cells in table if len(cells) == 3}
    assert actions == {kind.value: list(ATTENTION_ACTIONS[kind]) for kind in AttentionKind}
    explained = {cells[0].strip("`") for cells in table if len(cells) == 2}
    assert explained == {action for fitting in ATTENTION_ACTIONS.values() for action in fitting}
    named = code_spans(section(REFERENCE / "states.md", "Attention"))
    assert {kind.value for kind in AttentionKind} <= named


def _audit_kinds() -> set[str]:
    """The kinds that the transactions write: the text constants among the arguments of `audit` and its wrappers."""
    found: set[str] = set()
    for call in _calls(ENGINE / "store"):
        if _function_name(call) in {"audit", "_audit", "_audit_asked"}:
            texts = [one.value for one in call.args if isinstance(one, ast.Constant)]
            found.update(text for text in texts if isinstance(text, str))
    return found


def test_every_kind_of_audit_row_is_documented() -> None:
    kinds = _audit_kinds()
    assert "answer_accepted" in kinds
    assert set(first_column(section(REFERENCE / "audit-trail.md", "Kinds of rows"))) == kinds


def test_every_column_of_the_trail_is_documented() -> None:
    assert set(first_column(_text("audit-trail.md").partition("\n## ")[0])) == set(AuditRow.__struct_fields__)


def test_what_the_trail_is_compared_with_is_documented() -> None:
    page = REFERENCE / "audit-trail.md"
    assert set(first_column(section(page, "What the check finds"))) == set(SEALED)
    outside = section(page, "What it does not cover")
    assert [
        one for one, reason in OUTSIDE.items() if not ({one} <= code_spans(outside) and reason in outside)
    ] == []


def _log_lines() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for call in _calls(ENGINE):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="logger"), attr=level),
                args=[ast.Constant(value=str(line)), *_],
            ) if level in {"warning", "error", "exception"}:
                found.add(("error" if level == "exception" else level, line))
            case _:
                pass
    return found


def test_every_log_line_for_operators_is_documented() -> None:
    documented = {(cells[0], cells[1].strip("`")) for cells in rows(_text("log-lines.md"))}
    assert documented == _log_lines()


def test_every_name_of_the_card_model_is_documented_and_no_other() -> None:
    assert set(first_column(_text("card-model.md"))) == set(sayso.adapters.cards.__all__)


def test_every_name_of_the_engine_is_documented_and_no_other() -> None:
    page = _text("engine.md")
    listed = {name.partition(".")[0] for name in first_column(page)}
    errors = set(first_column(_text("errors.md")))
    exported = set(sayso.engine.__all__)
    assert exported - errors == listed
    for name in first_column(page):
        owner, _, attribute = name.partition(".")
        known = getattr(sayso.engine, owner)
        assert not attribute or hasattr(known, attribute) or attribute == "run_id", name


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_no_page_imports_a_name_that_the_engine_lacks(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    imports = re.findall(r"from sayso\.engine import (\([^)]*\)|[^\n`]+)", text)
    named = {name for found in imports for name in re.findall(r"\w+", found)}
    assert named <= set(sayso.engine.__all__)


def test_every_threat_is_tried_by_tests_that_exist() -> None:
    """The last cell of each line names them."""
    named = [
        re.findall(r"`(test_\w+)`", cells[2]) for cells in rows(section(ROOT / "SECURITY.md", "Threats"))
    ]
    assert len(named) > 10
    assert all(named), "a threat is tried by nothing"
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    missing = [name for names in named for name in names if f"def {name}(" not in tests]
    assert missing == []
