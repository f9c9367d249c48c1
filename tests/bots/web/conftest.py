"""A running service, and Chromium in front of its inbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.bots.api.served import ServiceProcess, write
from tests.bots.web.visit import CHROMIUM, Visit


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file of tests; longer, its loop would be in the way of asynchronous tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def folder(tmp_path: Path, unused_tcp_port: int) -> Path:
    """The folder of a service that does not run, with a port that it keeps over restarts."""
    write(tmp_path, port=unused_tcp_port)
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[ServiceProcess]:
    """The service, in its own folder `tmp_path`."""
    with ServiceProcess(folder) as running:
        yield running


@pytest.fixture
def olga(browser: Browser, service: ServiceProcess, tmp_path: Path) -> Iterator[Visit]:
    """An operator who is signed in, in Rome."""
    with Visit.sign_in(browser, service.url, tmp_path, "olga", timezone_id="Europe/Rome") as visit:
        yield visit
