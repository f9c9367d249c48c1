"""The service on a PostgreSQL database, as an operator meets it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bots.api.served import ServiceProcess, ask, write
from tests.bots.command import sayso
from tests.engine.postgres.wire import Wire
from tests.postgres import Cluster

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    with postgres.database(is_empty=True) as made:
        yield made


@pytest.fixture
def folder(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Workflows and settings with a PostgreSQL database."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write(tmp_path)
    settings = tmp_path / "sayso.toml"
    settings.write_text(f'database = "{url}"\n{settings.read_text()}')
    return tmp_path


def test_a_question_outlives_the_service_and_its_answer_counts_once(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        request = ask(folder, "release")
        assert service.socket.is_relative_to(folder / "state")
        assert service.get("/readyz").status_code == 200
        service.kill()
    with ServiceProcess(folder) as service:
        answered = sayso(folder, "answer", f"{request}@1", "approve")
        assert answered.code == 0, answered.err
        assert "You already gave this answer" in sayso(folder, "answer", f"{request}@1", "approve").out
        while sayso(folder, "runs", "--json").json["runs"][0]["status"] != "COMPLETED":
            pass
        service.stop()
    assert "The audit trail is intact" in sayso(folder, "audit", "verify").out


def test_a_server_that_falls_silent_is_reported_at_once(folder: Path, url: str) -> None:
    wire = Wire(url)
    settings = folder / "sayso.toml"
    settings.write_text(settings.read_text().replace(url, wire.url))
    with wire.passing(), ServiceProcess(folder) as service:
        assert service.get("/readyz").status_code == 200
        wire.go_silent()
        reported = service.get("/readyz")
        assert reported.status_code == 503
        assert "the database has not replied within 3 seconds" in reported.text
        service.kill()


def test_a_file_is_moved_with_all_that_is_in_it(folder: Path, url: str) -> None:
    settings = folder / "sayso.toml"
    of_postgres = settings.read_text()
    settings.write_text(of_postgres.replace(url, "sayso.db"))
    with ServiceProcess(folder) as service:
        request = ask(folder, "release")
        refused = sayso(folder, "migrate-store", url)
        assert (refused.code, "is in use" in refused.err) == (4, True), refused.err
        service.stop()
    moved = sayso(folder, "migrate-store", url)
    assert moved.code == 0, moved.err
    assert "each was compared with the file" in moved.out
    assert not (folder / "sayso.db").exists()
    assert (folder / "sayso.db.moved").exists()
    settings.write_text(of_postgres)
    assert sayso(folder, "answer", f"{request}@1", "approve").code == 0
    assert "The audit trail is intact" in sayso(folder, "audit", "verify").out


def test_what_only_a_file_has_is_refused_with_what_to_use(folder: Path) -> None:
    with ServiceProcess(folder) as service:
        ask(folder, "release")
        service.stop()
    for arguments, tool in ((("backup", "copy.db"), "pg_dump"), (("restore", "copy.db"), "pg_restore")):
        refused = sayso(folder, *arguments)
        assert (refused.code, tool in refused.err) == (2, True), refused.err
    assert not (folder / "copy.db").exists()


def test_doctor_names_the_server_and_what_is_wrong_with_it(folder: Path, postgres: Cluster, url: str) -> None:
    assert "PostgreSQL " in sayso(folder, "doctor", "--json").out
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"postgresql://ana:geheim@127.0.0.1:{closed.getsockname()[1]}/sayso"
        found = sayso(folder, "doctor", "--database", gone)
    assert (found.code, "the server cannot be reached" in found.out) == (1, True), found.out
    assert "geheim" not in found.out + found.err
    postgres.run("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    as_guest = url.replace("sayso@", "guest@")
    assert "may not create tables" in sayso(folder, "doctor", "--database", as_guest).out


def test_the_password_stands_in_no_log(folder: Path) -> None:
    settings = folder / "sayso.toml"
    settings.write_text(settings.read_text().replace("sayso@", "sayso:geheim@"))
    with ServiceProcess(folder) as service:
        ask(folder, "release")
        service.stop()
        assert "geheim" not in service.log
    assert "geheim" not in sayso(folder, "doctor").out
