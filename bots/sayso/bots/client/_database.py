"""The composition root: everything is built here and handed on by constructor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sayso.bots.client._client import ServiceClient
from sayso.bots.people import Belonging, Groups, known
from sayso.config import Settings, load_settings
from sayso.engine import (
    CodeThreads,
    Fact,
    OperatorError,
    Reader,
    Runtime,
    Store,
    SystemClock,
    Workflow,
    open_reader,
    open_store,
)


class NoDatabase(OperatorError):
    """The database to read or change does not exist. Nothing was created."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"database {name} not found. `sayso run` creates one; to use another, set --database, SAYSO_DATABASE or "
            "`database` in sayso.toml."
        )


@dataclass(frozen=True, slots=True)
class Service:
    """What one process works with. Makes stores, readers and runtimes for `location`; the caller closes them."""

    settings: Settings
    location: str

    @classmethod
    def build(cls, database: str | None = None, *, settings: Settings | None = None) -> Self:
        """The service of these settings, by default those of the working directory; `database` wins over them.

        Raises `InvalidSettings`.
        """
        known = settings or load_settings()
        return cls(known, database or known.database)

    @property
    def name(self) -> str:
        """The database, as people may see it. Raises `StoreUnreadable` for a URL of an unknown kind."""
        return open_store(self.location).name

    @property
    def beside(self) -> Path:
        """How what belongs to the database on this machine begins. Raises `StoreUnreadable` likewise."""
        return open_store(self.location).beside

    def is_there(self) -> bool:
        """Whether there is a database already. Raises `StoreError`."""
        return open_store(self.location).is_there()

    def new_store(self) -> Store:
        """A store that creates its database if need be. Opening raises `StoreError`."""
        return open_store(self.location)

    def existing_store(self) -> Store:
        """A store whose database is there. Raises `NoDatabase`, and what opening raises."""
        self._check_existing()
        return open_store(self.location)

    def reader(self) -> Reader:
        """Reads the database, also while another process writes it. Raises `NoDatabase`."""
        self._check_existing()
        return open_reader(self.location)

    def runtime(self, store: Store, workflows: Iterable[Workflow] = ()) -> Runtime:
        """A runtime of these workflows on a store; without any it only takes answers and decisions."""
        return Runtime(
            store,
            workflows,
            resident=self.settings.resident,
            policies=self.settings.named_policies(),
            directory=self.settings.directory(),
            threads=CodeThreads(self.settings.threads),
        )

    async def facts(self, reader: Reader, entries: Sequence[str], person: str) -> tuple[Fact, ...]:
        """Which groups among some entries somebody belongs to, as far as the settings alone say: no platform is asked.

        Raises `StoreError`.
        """
        groups = Groups(self.settings, {}, SystemClock())
        ids = await reader.ids_of(person)
        found = [await known(groups.belonging(name, ids)) for name in groups.among(entries)]
        return tuple(one.fact for one in found if isinstance(one, Belonging) and one.fact is not None)

    def client(self) -> ServiceClient | None:
        """The service that runs on this database, or None. The caller closes it."""
        return ServiceClient.find(self.beside)

    def _check_existing(self) -> None:
        if not self.is_there():
            raise NoDatabase(self.name)
