"""`sayso serve`: one process that hosts workflows, and the commands that talk to it while it runs."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.bots.command import SAYSO, TerminalSession, sayso
from tests.bots.service_process import ServiceProcess
from tests.engine.moved_file import move_away, move_back
from tests.engine.store.situation import rows

FLOWS = """
from sayso.engine import Workflow, node, request_input


@node
async def gate(shared):
    shared["said"] = await request_input("Go?", options=["yes", "no"], input_type="select", request_id="go")
    if shared["said"] == "no":
        raise RuntimeError("the press is jammed")


@node
def done(shared):
    shared["done"] = True


gate > done
workflow = Workflow("flow", start=gate)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    (tmp_path / "sayso.toml").write_text('[[workflows]]\nworkflow = "flows:workflow"\n[http]\nport = 0\n')
    return tmp_path


def start_run(folder: Path) -> str:
    started = sayso(folder, "start", "flow", "--json")
    assert started.code == 0, started.err
    return str(started.json["run_id"])


def open_request(folder: Path, run_id: str) -> dict[str, Any]:
    """The open request of a run, which is there as soon as its node has run that far."""
    while status_of(folder, run_id) in ("RUNNING", "WAITING_FOR_INPUT"):
        found = sayso(folder, "requests", "--run", run_id, "--json").json["requests"]
        if found:
            request: dict[str, Any] = found[0]
            return request
    raise AssertionError(f"run {run_id} is {status_of(folder, run_id)}")


def status_of(folder: Path, run_id: str) -> str:
    runs = sayso(folder, "runs", "--json").json["runs"]
    return next(str(run["status"]) for run in runs if run["run_id"] == run_id)


def wait_for_status(folder: Path, run_id: str, status: str) -> None:
    while status_of(folder, run_id) != status:
        pass


def test_a_run_is_started_and_answered_through_the_service(folder: Path) -> None:
    """The file has one writer; the commands reach it through the socket beside the database."""
    with ServiceProcess(folder):
        run_id = start_run(folder)
        request = open_request(folder, run_id)
        assert request["requested_by"].startswith("local:")
        answered = sayso(folder, "answer", f"{request['id']}@1", "yes")
        assert (answered.code, answered.out.strip()) == (0, "Recorded: yes. The workflow continues.")
        wait_for_status(folder, run_id, "COMPLETED")


def test_the_outcome_is_the_same_as_on_the_file_itself(folder: Path) -> None:
    with ServiceProcess(folder):
        request = open_request(folder, start_run(folder))
        address = f"{request['id']}@1"
        assert sayso(folder, "answer", address, "yes", "--event-key", "a").code == 0
        again = sayso(folder, "answer", address, "yes", "--event-key", "a", "--json")
        assert (again.code, again.json["repeated"]) == (0, True)
        other = sayso(folder, "answer", address, "no", "--json")
        assert (other.code, other.json["outcome"]) == (1, "already_answered")
        unknown = sayso(folder, "answer", f"{'0' * 32}@1", "yes", "--json")
        assert (unknown.code, unknown.json["outcome"]) == (3, "unknown")


def test_operators_cancel_and_retry_through_the_service(folder: Path) -> None:
    with ServiceProcess(folder):
        cancelled = start_run(folder)
        assert sayso(folder, "cancel", cancelled).code == 0
        assert status_of(folder, cancelled) == "CANCELLED"
        failed = start_run(folder)
        sayso(folder, "answer", f"{open_request(folder, failed)['id']}@1", "no")
        wait_for_status(folder, failed, "FAILED")
        retried = sayso(folder, "retry", failed, "--ask-again")
        assert retried.code == 0
        assert retried.out.splitlines() == [
            "Deciding about the failure: RuntimeError: the press is jammed",
            f"Run {failed} will be retried. The workflow continues.",
        ]
        sayso(folder, "answer", f"{open_request(folder, failed)['id']}@1", "yes")
        wait_for_status(folder, failed, "COMPLETED")


def test_errors_come_through_with_their_words_and_exit_codes(folder: Path) -> None:
    with ServiceProcess(folder):
        unknown = sayso(folder, "cancel", "nobody", "--json")
        assert unknown.code == 3
        assert unknown.json["error"]["kind"] == "UnknownRun"
        assert "`sayso runs` lists them" in unknown.json["error"]["message"]
        missing = sayso(folder, "start", "nothing")
        assert (missing.code, missing.err.strip()) == (
            1,
            "Error: no workflow is named 'nothing' here; known: flow",
        )
        run_id = start_run(folder)
        wrong = sayso(folder, "attention", run_id, "accept")
        assert wrong.code == 1
        assert "needs no decision" in wrong.err


def test_without_a_service_start_names_the_ways(folder: Path) -> None:
    started = sayso(folder, "start", "flow")
    assert started.code == 3
    assert "Start one with `sayso serve`" in started.err


def test_a_killed_service_goes_on_where_it_was(folder: Path) -> None:
    """kill -9 leaves the socket behind: it is no service any more, and the next one takes its place."""
    with ServiceProcess(folder) as first:
        run_id = start_run(folder)
        request = open_request(folder, run_id)
        first.kill()
        assert first.socket.is_socket()
        assert "No service is running" in sayso(folder, "start", "flow").err
    with ServiceProcess(folder):
        assert open_request(folder, run_id) == request
        assert sayso(folder, "answer", f"{request['id']}@1", "yes").code == 0
        wait_for_status(folder, run_id, "COMPLETED")


def test_an_answer_on_the_file_itself_waits_for_the_service(folder: Path) -> None:
    with ServiceProcess(folder) as first:
        run_id = start_run(folder)
        request = open_request(folder, run_id)
        first.kill()
    assert "To continue, run: sayso run" in sayso(folder, "answer", f"{request['id']}@1", "yes").out
    with ServiceProcess(folder):
        wait_for_status(folder, run_id, "COMPLETED")


def test_sigterm_ends_it_in_order_and_removes_the_socket(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        run_id = start_run(folder)
        open_request(folder, run_id)
        assert service.stop() == 0
        assert not service.socket.exists()
        assert status_of(folder, run_id) == "WAITING_FOR_INPUT"


def test_the_socket_belongs_to_its_user_alone(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        assert stat.S_IMODE(service.socket.stat().st_mode) == 0o600


def test_a_path_too_long_for_a_socket_is_no_obstacle(folder: Path) -> None:
    deep = folder / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    database = str(deep / "sayso.db")
    with ServiceProcess(folder, "--database", database) as service:
        assert len(str(service.socket)) > 200
        assert sayso(folder, "start", "flow", "--database", database).code == 0


def test_a_second_service_on_the_file_is_refused(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        second = sayso(folder, "serve")
        assert second.code == 4
        assert str(service.process.pid) in second.err
        assert service.socket.is_socket()
        assert service.get("/healthz").json() == {"status": "alive"}


def test_health_and_counters_say_how_it_stands(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        open_request(folder, start_run(folder))
        assert service.get("/readyz").json() == {"ready": True, "problems": {}}
        counters = service.get("/metrics").text
        assert "sayso_pending_requests 1.0" in counters
        assert "sayso_undelivered_cards 0.0" in counters
        assert service.get("/docs").status_code == 404


def test_a_database_that_is_replaced_under_the_service_is_not_ready_and_takes_no_answer(folder: Path) -> None:
    """Its answers would be acknowledged into a file that nobody can open any more."""
    with ServiceProcess(folder) as service:
        request = open_request(folder, start_run(folder))
        database = folder / "sayso.db"
        away = move_away(database)
        shutil.copyfile(away, database)
        response = service.get("/readyz")
        assert (response.status_code, response.json()["ready"]) == (503, False)
        assert (
            f"{database} was replaced by another file while it was open"
            in response.json()["problems"]["store"]
        )
        refused = sayso(folder, "answer", f"{request['id']}@1", "yes", "--json")
        assert refused.code == 5
        assert "not recorded" in refused.json["error"]["message"]
        move_back(away)
        assert service.get("/readyz").json() == {"ready": True, "problems": {}}
        assert sayso(folder, "answer", f"{request['id']}@1", "yes").code == 0


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        refused = sayso(folder, "serve", SAYSO_HTTP__PORT=str(port))
    assert refused.code == 2
    assert f"port {port} is already in use" in refused.err


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_the_sixth_version_is_printed_as_browsers_take_it(folder: Path, host: str) -> None:
    with ServiceProcess(folder, SAYSO_HTTP__HOST=host, SAYSO_HTTP__PORT="0") as service:
        assert service.url.startswith("http://[::1]:")
        assert service.get("/readyz").status_code == 200


def test_two_workflows_of_one_name_are_refused(folder: Path) -> None:
    (folder / "sayso.toml").write_text('[[workflows]]\nworkflow = "flows:workflow"\n' * 2)
    refused = sayso(folder, "serve")
    assert refused.code == 1
    assert "two workflows are named 'flow'" in refused.err


def test_a_workflow_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "sayso.toml").write_text('[[workflows]]\nworkflow = "flows:flow"\n')
    refused = sayso(folder, "serve")
    assert refused.code == 3
    assert "Workflows in it: workflow" in refused.err


def test_the_log_can_be_json(folder: Path) -> None:
    import json

    with ServiceProcess(folder, SAYSO_LOG__FORMAT="json") as service:
        run_id = start_run(folder)
        sayso(folder, "answer", f"{open_request(folder, run_id)['id']}@1", "no")
        wait_for_status(folder, run_id, "FAILED")
        assert service.stop() == 0
        lines = [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]
    assert any(line["level"] == "error" and run_id in line["event"] for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(folder: Path, number: signal.Signals) -> None:
    """A node that blocks the loop of the workflows holds up the orderly end."""
    blocks = "async def done(shared):\n    import threading\n    threading.Event().wait()"
    (folder / "flows.py").write_text(FLOWS.replace('def done(shared):\n    shared["done"] = True', blocks))
    with ServiceProcess(folder) as service:
        run_id = start_run(folder)
        sayso(folder, "answer", f"{open_request(folder, run_id)['id']}@1", "yes")
        os.kill(service.process.pid, number)
        while "Stopping" not in service.log:
            pass
        os.kill(service.process.pid, number)
        assert service.process.wait(timeout=10) == 130


def test_a_link_is_shown_to_eyes_alone(folder: Path) -> None:
    """Without a terminal, what is written goes into a journal that others read; the link signs an operator in."""
    with ServiceProcess(folder) as service:
        assert "#" not in service.log
        assert f"To sign in to the inbox, run: sayso sign-in {getpass.getuser()}" in service.log
        assert sayso(folder, "access", "--json").json["credentials"] == []
    with TerminalSession(folder, SAYSO, "serve") as session:
        session.wait_for("Sign in to the inbox with this link, once, within ten minutes:", "/sign-in#")
        session.press("c")
        session.end()


PRYING = """
import os
import subprocess
import sys

from sayso.engine import Workflow, node

ENVIRONMENT = "import os; print(' '.join(name for name in os.environ if 'SLACK' in name.upper() or 'TELEGRAM' in name))"
SEEN = [name for name in os.environ if "SLACK" in name.upper()]


@node
def pry(shared):
    child = subprocess.run([sys.executable, "-c", ENVIRONMENT], capture_output=True, text=True, close_fds=False)
    with open("seen", "w") as seen:
        print(*sorted(child.stdout.split()), *SEEN, file=seen)


workflow = Workflow("flow", start=pry)
"""


def test_programs_that_a_workflow_starts_inherit_no_secret(folder: Path) -> None:
    (folder / "flows.py").write_text(PRYING)
    secrets = {
        "SAYSO_SLACK__BOT_TOKEN": "xoxb-a",
        "sayso_slack__app_token": "xapp-a",
        "SAYSO_SLACK": '{"signing_secret": "a"}',
        "SAYSO_SLACK__API_URL": "http://127.0.0.1:9/api/",
        "SAYSO_TELEGRAM__TOKEN": "1:a",
        "SAYSO_TELEGRAM__API_URL": "http://127.0.0.1:9",
    }
    kept = ["SAYSO_SLACK__API_URL", "SAYSO_TELEGRAM__API_URL"]
    with ServiceProcess(folder, **secrets):
        run_id = start_run(folder)
        wait_for_status(folder, run_id, "COMPLETED")
    assert (folder / "seen").read_text().split() == [*kept, kept[0]]


@pytest.mark.slow
def test_a_backup_is_restored_behind_a_killed_service_and_people_are_asked_again(folder: Path) -> None:
    """The procedure of the documentation, from the backup to the answer behind it."""
    statuses, database = (
        "SELECT r.status, q.status FROM runs r JOIN requests q USING (run_key)",
        folder / "sayso.db",
    )
    with ServiceProcess(folder) as service:
        address = f"{open_request(folder, start_run(folder))['id']}@1"
        assert sayso(folder, "backup", "copy.db").code == 0
        assert sayso(folder, "answer", address, "no").code == 0
        while rows(database, statuses) != [("FAILED", "ANSWERED")]:
            pass
        refused = sayso(folder, "restore", "copy.db", "--json")
        assert (refused.code, refused.json["error"]["kind"]) == (4, "StoreInUse")
        service.kill()
    noted = "{}:{}".format(
        *rows(database, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")[0]
    )
    done = sayso(folder, "restore", "copy.db", "--json")
    assert done.code == 0, done.err
    assert (done.json["former"], done.json["former_head"]) == (f"{database}.before-restore-1", noted)
    assert rows(database, statuses) == [("WAITING_FOR_INPUT", "PENDING")]
    assert rows(Path(done.json["former"]), statuses) == [("FAILED", "ANSWERED")]
    with ServiceProcess(folder):
        assert sayso(folder, "answer", address, "yes").code == 0
        while rows(database, statuses) != [("COMPLETED", "ANSWERED")]:
            pass
        assert sayso(folder, "audit", "verify", "--head", done.json["head"]).code == 0
        assert sayso(folder, "audit", "verify", "--head", noted).code == 1


def test_what_cannot_be_restored_is_refused_with_the_reason(folder: Path) -> None:
    (folder / "copy.db").write_text("no database")
    for source, why in (("copy.db", "not a database"), ("nothing.db", "there is no such file")):
        refused = sayso(folder, "restore", source)
        assert (refused.code, refused.out) == (5, "")
        assert f"{source} cannot be used: " in refused.err
        assert why in refused.err
    assert not (folder / "sayso.db").exists()
