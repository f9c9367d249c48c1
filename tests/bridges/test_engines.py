"""The examples for other engines, with the real packages: killed while people are asked, they run once, on a yes."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sayso.testing.platform import free_port
from tests.bridges.frameworks import DEADLINE, ROOT, Cut, Shop, looks, virtual_environment
from tests.bridges.test_gates import used

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]

EXAMPLES = ROOT / "examples" / "engines"


@pytest.fixture
def temporal(tmp_path: Path) -> Iterator[str]:
    """A Temporal server for tests; its address."""
    port = free_port()
    command = virtual_environment("temporal") / "bin" / "temporal"
    arguments = ("server", "start-dev", "--headless", "--port", str(port), "--log-level", "error")
    with (tmp_path / "temporal.log").open("wb") as log:
        server = subprocess.Popen([command, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            while server.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield f"127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def test_a_workflow_of_temporal_waits_for_people(shop: Shop, temporal: str) -> None:
    """The worker is killed while it waits; the next one is given the activity again, and asks nobody twice."""
    python = virtual_environment("temporal") / "bin" / "python"
    script = EXAMPLES / "temporal_approval.py"
    cut = Cut(shop.url, looks)
    with cut.listening(), shop.start(python, script, temporal, "4.2", url=cut.url) as worker:
        assert cut.reached.wait(DEADLINE)
        worker.kill()
    (request,) = shop.open()
    shop.answer(request)
    with shop.start(python, script, temporal, "4.2") as worker:
        assert worker.result() == "4.2 is deployed"
    assert shop.call("GET", "/requests")["requests"] == []


def test_a_workflow_of_dbos_waits_for_people(shop: Shop) -> None:
    """The process is killed while it waits; the next one resumes the workflow."""
    python = virtual_environment("dbos") / "bin" / "python"
    script = EXAMPLES / "dbos_approval.py"
    cut = Cut(shop.url, looks)
    with cut.listening(), shop.start(python, script, "4.2", url=cut.url) as process:
        assert cut.reached.wait(DEADLINE)
        process.kill()
    (request,) = shop.open()
    shop.answer(request)
    with shop.start(python, script, "4.2") as process:
        assert process.result() == "4.2 is deployed"
    assert shop.call("GET", "/requests")["requests"] == []


def test_a_step_of_dbos_does_not_run_on_a_used_yes(shop: Shop) -> None:
    """DBOS runs a step again that was cut off; its approval is used."""
    python = virtual_environment("dbos") / "bin" / "python"
    script = EXAMPLES / "dbos_approval.py"
    cut = Cut(shop.url, used)
    with cut.listening(), shop.start(python, script, "4.2", url=cut.url) as process:
        shop.answer(shop.open()[0])
        assert cut.reached.wait(DEADLINE)
        process.kill()
    with shop.start(python, script, "4.2") as process:
        assert "AlreadyUsed" in process.last_words()


@pytest.mark.parametrize(("answer", "ended"), [("approve", "success"), ("reject", "failed")])
def test_a_dag_of_airflow_waits_for_people(shop: Shop, answer: str, ended: str) -> None:
    """The sensor looks again under its key, and the task runs only on a yes."""
    programs = virtual_environment("airflow") / "bin"
    home = {
        "AIRFLOW_HOME": str(shop.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    with shop.start(programs / "python", programs / "airflow", "db", "migrate", **home) as migrating:
        migrating.result()
    with shop.start(programs / "python", EXAMPLES / "airflow_approval.py", **home) as dag:
        shop.answer(shop.open()[0], answer)
        assert dag.last_words() == ended
    assert shop.call("GET", "/requests")["requests"] == []
