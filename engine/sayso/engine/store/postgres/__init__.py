"""The store in a PostgreSQL database: its one write connection, its readers, and what of it no other database knows."""

from sayso.engine.store.postgres._examining import examine
from sayso.engine.store.postgres._moving import move_store
from sayso.engine.store.postgres._reader import PostgresReader
from sayso.engine.store.postgres._store import PostgresStore

__all__ = ["PostgresReader", "PostgresStore", "examine", "move_store"]
