"""The store: what is kept on disk, in whole transactions. Nothing here knows how a run is executed."""

from sayso.engine.store._anchors import Ends, ends_as_stored
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
from sayso.engine.store._grants import Granted
from sayso.engine.store._hub import Change, Hub, Listener, Resolution
from sayso.engine.store._locations import examine_server, move_store, open_reader, open_store, store_of
from sayso.engine.store._operating import ATTENTION_ACTIONS, attention_actions
from sayso.engine.store._reader import Reader
from sayso.engine.store._request_reader import Sought
from sayso.engine.store._roles import (
    AccountStore,
    AnswerStore,
    AskStore,
    CardStore,
    CredentialStore,
    NoteStore,
    RunStore,
)
from sayso.engine.store._servers import Moved, Server
from sayso.engine.store._session import Session
from sayso.engine.store._store import Store
from sayso.engine.store._trail_reader import News
from sayso.engine.store._transaction import NO_HASH, chain_hash
from sayso.engine.store._visit_store import VisitStore
from sayso.engine.store.sqlite import Restored, SQLiteReader, SQLiteStore, restore_backup

__all__ = [
    "ATTENTION_ACTIONS",
    "GRACE",
    "NO_HASH",
    "OUTSIDE",
    "AccountStore",
    "AnswerAttempt",
    "AnswerStore",
    "Ask",
    "AskStore",
    "Asked",
    "Before",
    "Callback",
    "CardStore",
    "Change",
    "CommandKey",
    "CredentialStore",
    "DueCallback",
    "Ends",
    "EventClaims",
    "Granted",
    "HandOver",
    "Hub",
    "Listener",
    "Moved",
    "NewRun",
    "News",
    "NoteStore",
    "Park",
    "Place",
    "Reader",
    "RequestClaims",
    "Resolution",
    "Restored",
    "RunEvidence",
    "RunStore",
    "SQLiteReader",
    "SQLiteStore",
    "Server",
    "Session",
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
    "ends_as_stored",
    "examine_server",
    "move_store",
    "open_reader",
    "open_store",
    "read_facts",
    "read_run_evidence",
    "read_stray_rows",
    "read_trail",
    "read_untold_runs",
    "read_ways_in",
    "restore_backup",
    "store_of",
]
