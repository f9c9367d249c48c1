"""What holds for all tests: which are slow, and that in CI none may be skipped. What tests share stands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sayso.testing.platform import free_port
from tests.postgres import Cluster, cluster

NO_SKIPS = "--no-skips"
SLOW_FOLDERS = ("acceptance", "bots", "testing/conformance")
"""Whole services, processes and browsers: each test takes a second or more."""

WITHOUT_SLOW = "not slow"
_FOLDERS = [Path(__file__).parent / name for name in SLOW_FOLDERS]

settings.register_profile(
    "sayso", deadline=None
)  # how long an example takes says more of the machine than of it
settings.load_profile("sayso")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _FOLDERS) or _is_on_a_server(item):
            item.add_marker(pytest.mark.slow)


def _is_on_a_server(item: pytest.Item) -> bool:
    """Whether it needs a PostgreSQL, which may not be installed where only quick tests run."""
    given: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    used: list[str] = getattr(item, "fixturenames", [])
    return "postgres" in used or given.get("location") == "postgres"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where no slow tests run, their modules are not even imported: that takes seconds, in every worker."""
    return True if WITHOUT_SLOW in config.option.markexpr and collection_path in _FOLDERS else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(NO_SKIPS, action="store_true", help="fail the run when any test or module was skipped")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(NO_SKIPS) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_NoSkips(), "sayso-no-skips")


@pytest.fixture
def unused_tcp_port() -> int:
    """In place of pytest-asyncio's, whose ports a connection of another test can take before the server listens."""
    return free_port()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """This process's PostgreSQL, started by the first test that needs it."""
    with cluster() as running:
        yield running


class _NoSkips:
    """Counts skips, of tests and of whole modules, in the process that reports."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skipped.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._skipped:
            terminalreporter.section("skipped tests fail this run", red=True)
            for nodeid in self._skipped:
                terminalreporter.line(nodeid)
