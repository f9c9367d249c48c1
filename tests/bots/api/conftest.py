"""A running service, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sayso.bots.client import ServiceClient
from tests.bots.api.served import ServiceProcess, token, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a service that does not run."""
    write(tmp_path)
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[ServiceProcess]:
    """The service, in its own folder `tmp_path`."""
    with ServiceProcess(folder) as running:
        yield running


@pytest.fixture
def ci(service: ServiceProcess, tmp_path: Path) -> Iterator[ServiceClient]:
    """A program that may start `release`, and read what became of it."""
    with ServiceClient.connect(service.url, token(tmp_path, "ci")) as client:
        yield client


@pytest.fixture
def operator(service: ServiceProcess, tmp_path: Path) -> Iterator[ServiceClient]:
    """A program that sees everything, does what operators do, and answers."""
    secret = token(tmp_path, "operator", "operate", "read", "answer")
    with ServiceClient.connect(service.url, secret) as client:
        yield client
