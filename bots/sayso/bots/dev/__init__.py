"""`sayso dev`: a workflow served to its author alone, with their code loaded anew whenever it changes.

New code is loaded by a new process and not by `importlib`: a module that is loaded twice leaves two of each of its
classes, and what holds the old ones (a Struct in a state, a node in a graph) fits none of the new. A new process holds
nothing, and it is what a deploy does.
"""

from sayso.bots.dev._messages import Plan
from sayso.bots.dev._server import serve_code
from sayso.bots.dev._supervisor import Broken, Ended, Event, Loaded, Supervisor

__all__ = [
    "Broken",
    "Ended",
    "Event",
    "Loaded",
    "Plan",
    "Supervisor",
    "serve_code",
]
