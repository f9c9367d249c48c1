"""One service for all tests of a module, and the programs that call it: fixtures by a name of the module's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bots.api.served import ServiceProcess, token, write


def one_service(more: str) -> tuple[object, object]:
    """The fixtures `folder` and `service` of a service with these settings."""

    @pytest.fixture(scope="module")
    def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
        made = tmp_path_factory.mktemp("service")
        write(made, more=more)
        return made

    @pytest.fixture(scope="module")
    def service(folder: Path) -> Iterator[ServiceProcess]:
        with ServiceProcess(folder) as running:
            yield running

    return folder, service


def caller(name: str, *scopes: str) -> object:
    """The fixture of a program whose token has these scopes."""

    @pytest.fixture(scope="module")
    def client(service: ServiceProcess, folder: Path) -> Iterator[httpx.Client]:
        with calling(service, token(folder, name, *scopes)) as client:
            yield client

    return client


def calling(service: ServiceProcess, secret: str) -> httpx.Client:
    """The API, called with a token."""
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=30)
