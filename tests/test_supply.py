"""What make installs: pinned by hash, nothing beside it, and what it does as root is said before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WITH_PYTHON = {"pip", "setuptools", "wheel"}
"""What every virtual environment has from Python itself."""

OUR_OWN = {"sayso", "sayso-client"}

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(name: str) -> dict[str, tuple[str, int]]:
    """Each package of a file with its version and the number of its hashes."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    found = list(_PINNED.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)]
    return {
        _canonical(one["name"]): (one["version"], text.count("--hash=sha256:", one.end(), end))
        for one, end in zip(found, ends, strict=True)
    }


def _installed() -> Iterator[tuple[str, str]]:
    """What the environment of the tests holds, without sayso's own distributions and what comes with Python."""
    for one in distributions():
        name = _canonical(one.metadata["Name"])
        if name not in WITH_PYTHON and name not in OUR_OWN:
            yield name, one.version


@pytest.mark.parametrize(
    "name",
    ["run.txt", "dev.txt", *(path.name for path in sorted((ROOT / "requirements").glob("bridge-*.txt")))],
)
def test_every_pinned_version_has_its_hashes(name: str) -> None:
    """A file that somebody put in the place of another on an index is not installed."""
    pinned = _pinned(name)
    assert len(pinned) > 10
    assert [package for package, (_, hashes) in pinned.items() if hashes == 0] == []


def test_every_installed_version_is_pinned() -> None:
    """What tests pass with is what the next machine gets."""
    pinned = {package: version for package, (version, _) in _pinned("dev.txt").items()}
    assert {package: version for package, version in _installed() if pinned.get(package) != version} == {}


def test_frameworks_are_installed_by_themselves() -> None:
    """What a framework needs decides neither what sayso runs with nor what it is developed with."""
    frameworks = {"langchain", "langgraph", "openai-agents", "pydantic-ai", "pydantic-ai-slim"}
    assert not frameworks & (_pinned("dev.txt").keys() | _pinned("run.txt").keys())


def test_what_runs_is_what_was_tested() -> None:
    """The demo and an installation run the very versions of the tests."""
    run, dev = _pinned("run.txt"), _pinned("dev.txt")
    assert {package: one for package, one in run.items() if dev.get(package) != one} == {}


@pytest.mark.parametrize(
    ("script", "packages"),
    [("install-packages", "chromium"), ("create-venv", "python3.11")],
)
def test_what_is_done_as_root_is_said_first(tmp_path: Path, script: str, packages: str) -> None:
    """One line with the command, before anything is changed; who may not run it is told it as well."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "env", "dirname", "id"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    apt = tools / "apt-get"
    apt.write_text('#!/bin/sh\necho "apt-get is called" >&2\nexit 100\n')
    apt.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts" / script, tmp_path / "venv"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    first, *_ = lines = done.stderr.splitlines()
    assert done.returncode != 0
    assert packages in first
    assert "apt-get" in first
    assert ("as root" in first and "apt-get is called" in lines) == (os.geteuid() == 0)
