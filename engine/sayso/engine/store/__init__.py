"""The store: what is kept on disk, in whole transactions. Nothing here knows how a run is executed."""

from sayso.engine.store._asks import DueCallback, Use, Used
from sayso.engine.store._commands import (
    AnswerAttempt,
    Ask,
    Asked,
    Before,
    Callback,
    CommandKey,
    HandOver,
    NewRun,
    Park,
    Place,
    VisitEnd,
    Warrant,
)
from sayso.engine.store._due import GRACE
from sayso.engine.store._evidence import (
    OUTSIDE,
    EventClaims,
    RequestClaims,
    RunEvidence,
    Thing,
    decoded,
    read_facts,
    read_run_evidence,
    read_stray_rows,
    read_trail,
    read_untold_runs,
    read_ways_in,
)
from sayso.engine.store._hub import Change, Hub, Listener, Resolution
from sayso.engine.store._lists import News, Sought
from sayso.engine.store._operating import ATTENTION_ACTIONS, attention_actions
from sayso.engine.store._protocol import AnswerStore, Store, VisitStore
from sayso.engine.store._reader import SQLiteReader
from sayso.engine.store._restoring import Restored, restore_backup
from sayso.engine.store._sqlite import SQLiteStore, open_store
from sayso.engine.store._transaction import NO_HASH, chain_hash

__all__ = [
    "ATTENTION_ACTIONS",
    "GRACE",
    "NO_HASH",
    "OUTSIDE",
    "AnswerAttempt",
    "AnswerStore",
    "Ask",
    "Asked",
    "Before",
    "Callback",
    "Change",
    "CommandKey",
    "DueCallback",
    "EventClaims",
    "HandOver",
    "Hub",
    "Listener",
    "NewRun",
    "News",
    "Park",
    "Place",
    "RequestClaims",
    "Resolution",
    "Restored",
    "RunEvidence",
    "SQLiteReader",
    "SQLiteStore",
    "Sought",
    "Store",
    "Thing",
    "Use",
    "Used",
    "VisitEnd",
    "VisitStore",
    "Warrant",
    "attention_actions",
    "chain_hash",
    "decoded",
    "open_store",
    "read_facts",
    "read_run_evidence",
    "read_stray_rows",
    "read_trail",
    "read_untold_runs",
    "read_ways_in",
    "restore_backup",
]
