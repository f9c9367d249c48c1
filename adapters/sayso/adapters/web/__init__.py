"""Requests as cards on pages, and what comes back from their forms. Rendering and parsing alone: nothing is served."""

from sayso.adapters.web._answer import read_answer, read_fields
from sayso.adapters.web._development import DevelopmentBar, LoadedCode
from sayso.adapters.web._graph import Graph, GraphEdge, arrange, draw_graph
from sayso.adapters.web._layout import Box, Route
from sayso.adapters.web._pages import GrantRow, Pages, Visitor, Waiting
from sayso.adapters.web._visits import VisitShown, show_visit

__all__ = [
    "Box",
    "DevelopmentBar",
    "GrantRow",
    "Graph",
    "GraphEdge",
    "LoadedCode",
    "Pages",
    "Route",
    "VisitShown",
    "Visitor",
    "Waiting",
    "arrange",
    "draw_graph",
    "read_answer",
    "read_fields",
    "show_visit",
]
