"""A way to the live write connection of a store, for what only it can tell: its pragmas, its limits, its plans."""

from __future__ import annotations

from typing import Any

from sayso.engine import Store
from sayso.engine.store._transaction import Transaction


async def execute(store: Store, statement: str, parameters: Any = ()) -> list[Any]:
    """Run a statement on the write connection, as a transaction of its own."""

    def transaction(tx: Transaction) -> list[Any]:
        return tx.connection.execute(statement, parameters).fetchall()

    done: list[Any] = await store._submit(transaction)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return done
