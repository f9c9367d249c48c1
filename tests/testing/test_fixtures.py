"""The fixtures, in somebody else's test suite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = """
import aiohttp

async def test_good(local_slack, local_telegram):
    ana = local_slack.add_person("Ana")
    channel = local_slack.add_channel("general", [ana])
    assert await local_telegram.add_group("Group", [local_telegram.add_person("Bo")])

async def test_bad(local_slack):
    headers = {"Authorization": f"Bearer {local_slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        await session.post(local_slack.api_url + "chat.postMessage", json={"channel": "C1", "colour": "red"})
"""


def test_they_give_platforms_and_fail_a_test_that_leaves_a_problem(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["sayso.testing.fixtures"]\n')
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 passed, 1 error" in done.stdout
    assert "unknown argument: colour" in done.stdout
