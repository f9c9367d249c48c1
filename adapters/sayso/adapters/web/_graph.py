"""A workflow's graph as a drawing (SVG): nodes in layers from the start, with the one where a run stands marked."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from sayso.adapters.cards import cut
from sayso.adapters.console import visible_line

_WIDTH, _HEIGHT = 170, 46
_GAP_X, _GAP_Y = 40, 62
_MARGIN = 20
_LONGEST_NAME = 20
_LONGEST_CONDITION = 28
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A way from node to node, with its condition as text."""

    source: str
    target: str
    condition: str | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow's nodes, the start first, and its edges."""

    nodes: tuple[str, ...]
    edges: tuple[GraphEdge, ...]

    @classmethod
    def read(cls, definition: str, start: str) -> Graph:
        """The graph of a workflow's definition, as `Workflow.definition` gives it."""
        found: Mapping[str, Mapping[str, Sequence[Sequence[str | None]]]] = json.loads(definition)
        edges = [
            GraphEdge(source, str(target), _as_written(condition))
            for source, facts in found.items()
            for target, condition in facts["edges"]
        ]
        return cls((start, *(name for name in found if name != start)), tuple(edges))


def _as_written(condition: str | None) -> str | None:
    """A condition without the quotes that it has where it was written as a text."""
    try:
        text: object = ast.literal_eval(condition or "")
    except (ValueError, SyntaxError):
        return condition
    return text if isinstance(text, str) else condition


def draw_graph(graph: Graph, current: str | None, visited: Mapping[str, str]) -> Markup:
    """The drawing. `current` is where the run stands, `visited` how each node's latest visit stands."""
    places = _places(graph)
    width = _MARGIN * 2 + max(x for x, _ in places.values()) + _WIDTH + _back_room(graph, places)
    height = _MARGIN * 2 + max(y for _, y in places.values()) + _HEIGHT
    words = escape(_words(graph, current))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [f'<svg class="graph" role="img" {size} aria-label="{words}">', _ARROW]
    rightmost = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    parts += [_draw_edge(edge, places, rightmost + 14 * (at + 1)) for at, edge in enumerate(graph.edges)]
    parts += [_draw_node(name, places[name], name == current, visited.get(name)) for name in graph.nodes]
    return Markup("".join(parts) + "</svg>")  # noqa: S704 - every text in it was escaped where it was put in


def _layers(graph: Graph) -> dict[str, int]:
    """How many steps each node is from the start, at least; what cannot be reached stands below."""
    layers = {graph.nodes[0]: 0}
    frontier = [graph.nodes[0]]
    while frontier:
        source = frontier.pop(0)
        for edge in graph.edges:
            if edge.source == source and edge.target not in layers:
                layers[edge.target] = layers[source] + 1
                frontier.append(edge.target)
    last = max(layers.values()) + 1
    return {name: layers.get(name, last) for name in graph.nodes}


def _places(graph: Graph) -> dict[str, tuple[int, int]]:
    layers = _layers(graph)
    rows: dict[int, list[str]] = {}
    for name in graph.nodes:
        rows.setdefault(layers[name], []).append(name)
    widest = max(len(row) for row in rows.values())
    return {
        name: (
            (_WIDTH + _GAP_X) * at + (_WIDTH + _GAP_X) * (widest - len(row)) // 2,
            layer * (_HEIGHT + _GAP_Y),
        )
        for layer, row in rows.items()
        for at, name in enumerate(row)
    }


def _back_room(graph: Graph, places: Mapping[str, tuple[int, int]]) -> int:
    """The room on the right for edges that lead back up or along a layer."""
    back = sum(places[edge.target][1] <= places[edge.source][1] for edge in graph.edges)
    longest = max((len(edge.condition or "") for edge in graph.edges), default=0)
    return (14 * len(graph.edges) + _MARGIN if back else 0) + min(longest, _LONGEST_CONDITION) * 3


def _draw_edge(edge: GraphEdge, places: Mapping[str, tuple[int, int]], lane: int) -> str:
    from_x, from_y = places[edge.source]
    to_x, to_y = places[edge.target]
    x1, y1 = _MARGIN + from_x + _WIDTH // 2, _MARGIN + from_y + _HEIGHT
    x2, y2 = _MARGIN + to_x + _WIDTH // 2, _MARGIN + to_y
    if to_y > from_y:
        middle = (y1 + y2) // 2
        path = f"M {x1} {y1} C {x1} {middle}, {x2} {middle}, {x2} {y2}"
        label_x, label_y = x2, y2 - 16
    else:
        y1 -= _HEIGHT // 2
        y2 += _HEIGHT // 2
        x1, x2 = _MARGIN + from_x + _WIDTH, _MARGIN + to_x + _WIDTH
        path = f"M {x1} {y1} C {lane + 30} {y1}, {lane + 30} {y2}, {x2} {y2}"
        label_x, label_y = lane - 6, (y1 + y2) // 2
    drawn = f'<path class="edge" d="{path}" marker-end="url(#arrow)"/>'
    if edge.condition is None:
        return drawn
    whole = visible_line(edge.condition)
    label = f"<title>{escape(whole)}</title>{escape(cut(whole, _LONGEST_CONDITION))}"
    return drawn + f'<text class="condition" x="{label_x}" y="{label_y}">{label}</text>'


def _draw_node(name: str, place: tuple[int, int], is_current: bool, status: str | None) -> str:  # noqa: FBT001 - one of many facts
    x, y = _MARGIN + place[0], _MARGIN + place[1]
    kind = "current" if is_current else ("visited" if status else "ahead")
    sign = "▶ " if is_current else ("✓ " if status == "COMPLETED" else ("✗ " if status == "FAILED" else ""))
    label = escape(sign + cut(visible_line(name), _LONGEST_NAME))
    return (
        f'<g class="node {kind}"><title>{escape(visible_line(name))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>'
        f'<text x="{x + _WIDTH // 2}" y="{y + _HEIGHT // 2 + 5}">{label}</text></g>'
    )


def _words(graph: Graph, current: str | None) -> str:
    ways = "; ".join(
        f"{visible_line(edge.source)} to {visible_line(edge.target)}"
        + (f" if {visible_line(edge.condition)}" if edge.condition else "")
        for edge in graph.edges
    )
    stands = f" The run stands at {visible_line(current)}." if current else ""
    return f"Graph of {len(graph.nodes)} nodes. {ways}.{stands}"
