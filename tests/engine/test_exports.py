"""What can be imported: exactly what the packages say, and every name that has been promised."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sayso.engine
from sayso.engine import SaysoError, errors

PROMISED = (
    "Node",
    "node",
    "Workflow",
    "WorkflowEngine",
    "WorkflowStatus",
    "NodeStatus",
    "ExecutionState",
    "request_input",
    "request_approval",
    "Decision",
    "step",
    "step_key",
    "Runtime",
    "Outcome",
    "OutcomeKind",
    "SQLiteStore",
)

PACKAGES = ("sayso.engine", "sayso.engine.store", "sayso.engine.run")


def exported(package: str) -> list[str]:
    names: list[str] = importlib.import_module(package).__all__
    return names


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_exported(name: str) -> None:
    assert name in sayso.engine.__all__
    assert hasattr(sayso.engine, name)


def test_every_error_is_exported() -> None:
    """Whoever must act on an error must be able to catch it by name."""
    own = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, SaysoError) and value.__module__ == errors.__name__
    }
    assert len(own) > 20
    assert own <= set(sayso.engine.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_as_ruff_sorts_it_complete_and_without_repetition(package: str) -> None:
    names = exported(package)
    kinds = {True: 0, False: 2}
    ordered = sorted(names, key=lambda name: (kinds[name.isupper()] or (1 if name[0].isupper() else 2), name))
    assert names == ordered
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(importlib.import_module(package), name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_no_public_name_that_it_does_not_export(package: str) -> None:
    source = importlib.import_module(package).__file__
    assert source is not None
    imported = {
        alias.asname or alias.name
        for found in ast.walk(ast.parse(Path(source).read_text()))
        if isinstance(found, ast.ImportFrom) and found.module != "__future__"
        for alias in found.names
    }
    assert imported == set(exported(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    source = importlib.import_module(package).__file__
    assert source is not None
    assert (Path(source).parent / "__init__.py").exists()
    assert (Path(sayso.engine.__path__[0]) / "py.typed").exists()


def test_the_engine_loads_nothing_that_few_runs_need() -> None:
    """Every command and every worker waits for what it loads."""
    code = "import sys, sayso.engine; print(sorted({'json', 'random'} & set(sys.modules)))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
