"""Requests as cards on pages, and what comes back from their forms. Rendering and parsing alone: nothing is served."""

from sayso.adapters.web._answer import Entered, Rejected, read_answer, read_fields
from sayso.adapters.web._graph import Graph, draw_graph
from sayso.adapters.web._pages import Pages, Visitor

__all__ = [
    "Entered",
    "Graph",
    "Pages",
    "Rejected",
    "Visitor",
    "draw_graph",
    "read_answer",
    "read_fields",
]
