"""What the local platforms share: a clock that tests move, faults on demand, and the list of calls."""

from sayso.testing.platform._clock import LocalClock, News
from sayso.testing.platform._control import guarded, read_json
from sayso.testing.platform._faults import AFTER, SILENT, Call, Fault, FaultKind, FaultPlan, Hold, deliver
from sayso.testing.platform._impossible import Impossible
from sayso.testing.platform._server import Answer, LocalServer

__all__ = [
    "AFTER",
    "SILENT",
    "Answer",
    "Call",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Hold",
    "Impossible",
    "LocalClock",
    "LocalServer",
    "News",
    "deliver",
    "guarded",
    "read_json",
]
