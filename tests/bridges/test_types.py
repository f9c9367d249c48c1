"""The bridges and their examples are typed: checked strictly, with each framework's own types."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bridges.frameworks import EXAMPLES, LANGCHAIN, OPENAI, PROGRAMS, PYDANTIC_AI, ROOT, Framework

BRIDGES = ROOT / "clients" / "python" / "sayso" / "bridges"

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("framework", "checked"),
    [
        (LANGCHAIN, ["langchain.py", "langgraph.py", "_interrupts.py"]),
        (PYDANTIC_AI, ["pydantic_ai.py"]),
        (OPENAI, ["openai_agents.py"]),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_bridge_and_its_example_are_typed(framework: Framework, checked: list[str], tmp_path: Path) -> None:
    files = [
        *(BRIDGES / name for name in checked),
        EXAMPLES / framework.example,
        PROGRAMS / framework.program,
    ]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("mypy"),
            *("--python-executable", framework.python, "--cache-dir", tmp_path),
            *files,
        ],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_bridge_is_checked() -> None:
    """A new bridge is not left out."""
    with_frameworks = {"_interrupts.py", "langchain.py", "langgraph.py", "openai_agents.py", "pydantic_ai.py"}
    assert {path.name for path in BRIDGES.glob("*.py")} == {"__init__.py", "_calls.py"} | with_frameworks
