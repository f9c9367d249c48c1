"""A platform of others, installed as theirs would be, does what every platform must, and touches no file of sayso."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sayso.testing.conformance import Conformance, Driver
from tests.docs.pages import ROOT, blocks
from tests.pigeon.driver import PigeonDriver
from tests.pigeon.loft import Loft

PACKAGE = Path(__file__).parent / "package"
PAGE = ROOT / "docs" / "how-to" / "add-a-platform.md"


def install(folder: Path) -> None:
    """Build the package's wheel and install it, without a network."""
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
            "--no-warn-script-location", "--disable-pip-version-check", "--target", folder, PACKAGE,
        ],
        check=True,
        timeout=120,
    )  # fmt: skip


@pytest.mark.slow
class TestPigeon(Conformance):
    @classmethod
    @asynccontextmanager
    async def driver(cls) -> AsyncGenerator[Driver]:
        with TemporaryDirectory(prefix="pigeon-") as folder:
            install(Path(folder))
            async with Loft.opened() as loft:
                yield PigeonDriver(loft, Path(folder))


@pytest.mark.parametrize(
    "module", sorted((PACKAGE / "sayso_pigeon").glob("*.py")), ids=lambda path: path.name
)
def test_the_page_shows_the_package_as_it_is(module: Path) -> None:
    shown = [block.text for block in blocks(PAGE, "python")]
    assert module.read_text(encoding="utf-8") in shown
