"""A PostgreSQL cluster of the tests' own: made at the first use in a process, on a free port, ended with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg

from sayso.engine.store.postgres._transaction import PostgresTransaction
from sayso.testing.platform import free_port

_ADMIN, _SYSTEM_USER = "sayso", "postgres"
_STARTS_WITHIN = 60.0

# Nothing of a test's cluster needs to survive the machine.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
}


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_CLEAR = """
DO $$
DECLARE version bigint := (SELECT version FROM schema_version);
BEGIN
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY' FROM pg_tables
             WHERE schemaname = current_schema());
    INSERT INTO deleted_runs VALUES (0);
    INSERT INTO schema_version VALUES (version);
END $$
"""


class Cluster:
    """A running cluster, and its databases. Those with the schema are emptied and used again: that is quick."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = count(1)
        self._free: list[str] = []

    def url(self, database: str) -> str:
        """The URL of a database."""
        return f"postgresql://{_ADMIN}@127.0.0.1:{self._port}/{quote(database)}"

    @contextmanager
    def database(self, *, is_empty: bool = False) -> Generator[str]:
        """The URL of a database with sayso's schema and nothing in it, or of one without anything."""
        url = self._free.pop() if self._free and not is_empty else self._make()
        if not is_empty:
            PostgresTransaction(url).close()
        yield url
        with psycopg.connect(url, autocommit=True) as connection:
            left = connection.execute(_CONNECTIONS).fetchone()
            is_left_alone = left == (0,)
            if is_left_alone and not is_empty:
                connection.execute(_CLEAR)
                self._free.append(url)
        if is_empty or not is_left_alone:  # who is connected might come back, into another test
            self.run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def cut(self, url: str) -> None:
        """Cut all connections to a database, as a restart of the server does."""
        self.run(_CUT, url)

    def run(self, statement: str, url: str | None = None) -> None:
        """Run a statement as the cluster's owner, in a database or in none of ours."""
        with psycopg.connect(url or self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _make(self) -> str:
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)


@contextmanager
def cluster(**more: str) -> Generator[Cluster]:
    """A new cluster, with `more` settings. It ends with this process, also where that is killed."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="sayso-postgres-"))
    try:
        as_user = _as_user(folder)
        data = folder / "data"
        make = [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            _ADMIN,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ]
        subprocess.run([*as_user, *make], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        port = free_port()
        settings = {**_SETTINGS, **more, "port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*as_user, "--pdeathsig=INT", binaries / "postgres", "-D", data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        try:
            made_cluster = Cluster(port)
            _wait_until_it_answers(made_cluster, process, folder / "log")
            yield made_cluster
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: connections are cut
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    assert installed, "PostgreSQL is missing; `make test` installs it"
    return installed[-1]


def _as_user(folder: Path) -> list[str]:
    """PostgreSQL does not run as root; its package's user does what it would. `setpriv` is part of every Debian."""
    if os.geteuid() != 0:
        return ["setpriv"]
    shutil.chown(folder, _SYSTEM_USER, _SYSTEM_USER)
    return ["setpriv", f"--reuid={_SYSTEM_USER}", f"--regid={_SYSTEM_USER}", "--clear-groups"]


def _wait_until_it_answers(made: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            made.run("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
