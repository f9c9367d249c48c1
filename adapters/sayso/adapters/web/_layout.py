"""Where a graph's boxes, labels and lines stand in a drawing; how they look is for `_graph`.

Nodes stand in rows, each below all that lead to it but for the ways back; what is written on a way stands in a row of
its own below the node that the way leaves. A way goes from row to row: it passes one in a lane, where nothing else
stands, and moves sideways only in the gaps between rows, where no box is. So no line can cross a box in any graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

from sayso.adapters.web._rows import Rows, Size, Way, place_in_rows
from sayso.adapters.web._spacing import Stretch, keep_within, lay_tracks, spread

MARGIN = 16
_BETWEEN_BOXES, _BESIDE_LANE = 28, 12
_LANE = 8
_PORT_INSET, _PORT_GAP = 16, 16
_ABOVE_TRACKS, _TRACK, _BELOW_TRACKS = 12, 12, 18
_SWEEPS = 12
_STEADY = 16.0
"""How much more a long way down keeps its line than a box keeps its place."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """The middle, from left to right."""
        return self.x + self.width // 2

    @property
    def bottom(self) -> int:
        """The lower side."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Route:
    """A way as it is drawn: one line, or two with its label between them; each goes only along and across."""

    lines: tuple[tuple[Point, ...], ...]
    label: Box | None


@dataclass(frozen=True, slots=True)
class Layout:
    """The drawing's size, the box of each node, and the routes in the order of the ways."""

    width: int
    height: int
    nodes: Mapping[str, Box]
    routes: tuple[Route, ...]


class _Link(NamedTuple):
    """A piece of a way, between two things through one gap: it leaves the first by its upper side or its lower, and
    comes to the second's upper side or its lower.
    """

    source: int
    target: int
    gap: int
    from_top: bool
    to_top: bool


def lay_out(nodes: Mapping[str, Size], ways: Sequence[Way]) -> Layout:
    """Find a place for everything; the first node is the start."""
    rows = place_in_rows(nodes, ways)
    chains = [list(_links(rows, chain)) for chain in rows.chains]
    links = [link for chain in chains for link in chain]
    middles = _middles(rows, links)
    ports = _ports(rows, links, middles)
    levels, boxes, bottom = _heights(rows, links, ports, middles)
    return Layout(
        max(box.x + box.width for box in boxes.values()) + MARGIN,
        bottom + MARGIN,
        {name: boxes[one] for name, one in rows.nodes.items()},
        tuple(
            _route(chain, None if label is None else boxes[label], boxes, ports, levels)
            for chain, label in zip(chains, rows.labels, strict=True)
        ),
    )


def _links(rows: Rows, chain: Sequence[int]) -> Iterator[_Link]:
    for at, (source, target) in enumerate(pairwise(chain)):
        row, following = rows.row_of[source], rows.row_of[target]
        if following == row:  # a way back turns below what it leaves, and above what it comes to
            is_last = at == len(chain) - 2
            yield _Link(source, target, row if is_last else row + 1, from_top=is_last, to_top=is_last)
        else:
            yield _Link(source, target, max(row, following), from_top=following < row, to_top=following > row)


def _middles(rows: Rows, links: Sequence[_Link]) -> dict[int, int]:
    """Where each thing's middle is from left to right: near what it is linked with, and beside its neighbours."""
    beside: dict[int, list[int]] = {one: [] for row in rows.rows for one in row}
    for link in links:
        beside[link.source].append(link.target)
        beside[link.target].append(link.source)
    at: dict[int, float] = {}
    distances = [[_distance(rows, *pair) for pair in pairwise(row)] for row in rows.rows]
    for row, apart in zip(rows.rows, distances, strict=True):
        at |= zip(row, spread([(0.0, 1.0)] * len(row), apart), strict=True)
    down = {one for chain in rows.chains for one in chain if rows.is_lane(one) and rows.leads_down(chain)}
    order = list(range(len(rows.rows)))
    for sweep in range(_SWEEPS):
        for number in order if sweep % 2 else reversed(order):
            row = rows.rows[number]
            towards = number - 1 if sweep % 2 else number + 1
            wanted: list[tuple[float, float]] = []
            for one in row:
                near = [at[other] for other in beside[one] if rows.row_of[other] == towards]
                weight = (_STEADY if one in down else 1.0) if near else 0.25
                near = (
                    near or [at[other] for other in beside[one] if rows.row_of[other] == number] or [at[one]]
                )
                wanted.append((sum(near) / len(near), weight))
            at |= zip(row, spread(wanted, distances[number]), strict=True)
    at |= _straightened(rows, at)
    left = min(at[row[0]] - rows.sizes[row[0]][0] / 2 for row in rows.rows)
    return {one: round(place - left) + MARGIN for one, place in at.items()}


def _straightened(rows: Rows, at: Mapping[int, float]) -> dict[int, float]:
    """The lanes of each way in one line, where what stands beside them leaves the room."""
    found = dict(at)
    place = {one: number for row in rows.rows for number, one in enumerate(row)}
    for chain in rows.chains:
        lanes = [one for one in chain if rows.is_lane(one)]
        least, most = -inf, inf
        for one in lanes:
            row = rows.rows[rows.row_of[one]]
            for other in row[max(place[one] - 1, 0) : place[one]]:
                least = max(least, found[other] + _distance(rows, other, one))
            for other in row[place[one] + 1 : place[one] + 2]:
                most = min(most, found[other] - _distance(rows, one, other))
        if lanes and least <= most:
            mean = sum(found[one] for one in lanes) / len(lanes)
            found |= dict.fromkeys(lanes, min(max(mean, least), most))
    return found


def _distance(rows: Rows, left: int, right: int) -> float:
    between = _BESIDE_LANE if rows.is_lane(left) or rows.is_lane(right) else _BETWEEN_BOXES
    return (rows.sizes[left][0] + rows.sizes[right][0]) / 2 + between


def _ports(rows: Rows, links: Sequence[_Link], middles: Mapping[int, int]) -> dict[tuple[_Link, bool], int]:
    """Where each link leaves what it comes from (True) and comes to where it goes (False), from left to right."""
    sides: dict[tuple[int, bool], list[tuple[int, _Link, bool]]] = {}
    for link in links:
        sides.setdefault((link.source, link.from_top), []).append((middles[link.target], link, True))
        sides.setdefault((link.target, link.to_top), []).append((middles[link.source], link, False))
    ports: dict[tuple[_Link, bool], int] = {}
    for (one, _), ends in sides.items():
        ends.sort()
        half = rows.sizes[one][0] // 2 - _PORT_INSET
        if one in rows.nodes.values():
            found = keep_within(
                [place for place, _, _ in ends], middles[one] - half, middles[one] + half, _PORT_GAP
            )
        else:
            found = [middles[one]] * len(ends)
        ports |= {(link, leaves): place for (_, link, leaves), place in zip(ends, found, strict=True)}
    return ports


def _heights(
    rows: Rows, links: Sequence[_Link], ports: Mapping[tuple[_Link, bool], int], middles: Mapping[int, int]
) -> tuple[dict[_Link, int], dict[int, Box], int]:
    """How far down each link goes sideways, the boxes of everything, and where the drawing ends."""
    levels: dict[_Link, int] = {}
    boxes: dict[int, Box] = {}
    y = MARGIN
    for gap in range(len(rows.rows) + 1):
        through = [link for link in links if link.gap == gap]
        stretches = [
            Stretch(ports[link, True], not link.from_top, ports[link, False], not link.to_top)
            for link in through
        ]
        tracks = lay_tracks(stretches)
        levels |= {
            link: y + _ABOVE_TRACKS + _TRACK * track for link, track in zip(through, tracks, strict=True)
        }
        if through:
            y += _ABOVE_TRACKS + _TRACK * max(tracks) + _BELOW_TRACKS
        if gap < len(rows.rows):
            row = rows.rows[gap]
            height = max(rows.sizes[one][1] for one in row)
            for one in row:
                width, own = rows.sizes[one]
                own = height if rows.is_lane(one) else own
                boxes[one] = Box(middles[one] - width // 2, y + (height - own) // 2, width, own)
            y += height
    return levels, boxes, y


def _route(
    chain: Sequence[_Link],
    label: Box | None,
    boxes: Mapping[int, Box],
    ports: Mapping[tuple[_Link, bool], int],
    levels: Mapping[_Link, int],
) -> Route:
    lines: list[list[Point]] = [[]]
    for link in chain:
        source, target = boxes[link.source], boxes[link.target]
        begin, end, level = ports[link, True], ports[link, False], levels[link]
        if source is label:
            lines.append([])
        lines[-1] += [
            (begin, source.y if link.from_top else source.bottom),
            (begin, level),
            (end, level),
            (end, target.y if link.to_top else target.bottom),
        ]
    return Route(tuple(tuple(_corners(line)) for line in lines), label)


def _corners(line: Sequence[Point]) -> list[Point]:
    """The ends of a line and where it turns."""
    found: list[Point] = []
    for point in line:
        if found and found[-1] == point:
            continue
        if len(found) > 1 and (
            found[-2][0] == found[-1][0] == point[0] or found[-2][1] == found[-1][1] == point[1]
        ):
            found.pop()
        found.append(point)
    return found
