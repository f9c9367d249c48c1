"""The page about PostgreSQL, followed on a server of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.engine import SQLiteStore
from tests.docs.pages import ROOT, blocks
from tests.docs.stories import ON_A_SERVER, Story, commands
from tests.engine.store.situation import begin
from tests.postgres import Cluster

PAGE = ROOT / "docs" / "how-to" / ON_A_SERVER
SERVER = "postgresql://sayso@db.example.com:5432/sayso"
BEFORE = ("pip install", "createdb ")
"""What has happened here already: the extra is installed, and there is an empty database."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_its_commands_move_a_file_as_it_shows(postgres: Cluster, tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path / "sayso.db") as store:
        await begin(store)
    with postgres.database(is_empty=True) as url:
        story, played = Story(PAGE, tmp_path), 0
        for command in (one for block in blocks(PAGE, "console") for one in commands(block)):
            if not command.line.startswith(BEFORE):
                command.line = command.line.replace(SERVER, url)
                story.run(command)
                played += 1
        assert played > 0
    (settings,) = blocks(PAGE, "toml")
    assert SERVER in settings.text
