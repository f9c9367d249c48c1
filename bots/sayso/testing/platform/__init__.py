"""What the local platforms share: a clock that tests move, faults on demand, the list of calls, and
the control API.
"""

from sayso.testing.platform._clock import LocalClock, News
from sayso.testing.platform._control import ControlApi, Handler, read_json
from sayso.testing.platform._faults import (
    AFTER,
    SILENT,
    Call,
    Fault,
    FaultKind,
    FaultPlan,
    Hold,
    deliver,
    is_gone,
)
from sayso.testing.platform._impossible import Impossible
from sayso.testing.platform._ports import free_port
from sayso.testing.platform._server import Answer, LocalServer

__all__ = [
    "AFTER",
    "SILENT",
    "Answer",
    "Call",
    "ControlApi",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Handler",
    "Hold",
    "Impossible",
    "LocalClock",
    "LocalServer",
    "News",
    "deliver",
    "free_port",
    "is_gone",
    "read_json",
]
