"""Which row of a drawing each part of a graph stands in, and in which order, for `_layout`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

Size = tuple[int, int]

_LANE: Size = (8, 0)
_SWEEPS = 8


class Way(NamedTuple):
    """A line to be drawn: between which nodes, and the size of what is written on it, None where nothing is."""

    source: str
    target: str
    label: Size | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Nodes, labels and lanes, by numbers, in rows from the top, each in its order. A chain is what a way passes, from
    its source to its target; `labels` are the numbers of the ways' labels.
    """

    rows: tuple[tuple[int, ...], ...]
    row_of: Mapping[int, int]
    sizes: Mapping[int, Size]
    nodes: Mapping[str, int]
    chains: tuple[tuple[int, ...], ...]
    labels: tuple[int | None, ...]

    def is_lane(self, one: int) -> bool:
        """Whether only a line stands there."""
        return self.sizes[one] == _LANE

    def leads_down(self, chain: Sequence[int]) -> bool:
        """Whether a way leads on, and not back."""
        return self.row_of[chain[-1]] > self.row_of[chain[0]]


def place_in_rows(nodes: Mapping[str, Size], ways: Sequence[Way]) -> Rows:
    """Put everything into rows, in an order that leaves few lines crossing."""
    ranks = _ranks(list(nodes), ways)
    written = {ranks[way.source] for way in ways if way.label is not None}
    numbers = {name: number for number, name in enumerate(nodes)}
    sizes: dict[int, Size] = dict(enumerate(nodes.values()))
    row_of = {numbers[name]: rank + sum(one < rank for one in written) for name, rank in ranks.items()}
    chains: list[tuple[int, ...]] = []
    labels: list[int | None] = []
    for way in ways:
        source, target = numbers[way.source], numbers[way.target]
        first = len(sizes)
        for row, size in _passed(row_of[source], row_of[target], way.label):
            row_of[len(sizes)] = row
            sizes[len(sizes)] = size
        chains.append((source, *range(first, len(sizes)), target))
        labels.append(None if way.label is None else first)
    rows: list[list[int]] = [[] for _ in range(max(row_of.values()) + 1)]
    for one, row in row_of.items():
        rows[row].append(one)
    return Rows(_ordered(rows, row_of, chains), row_of, sizes, numbers, tuple(chains), tuple(labels))


def _passed(source: int, target: int, label: Size | None) -> Iterator[tuple[int, Size]]:
    """What a way passes between its ends: the row and the size of each."""
    first = source + 1
    if label is not None:
        yield first, label
        first += 1
    if target > source:
        yield from ((row, _LANE) for row in range(first, target))
    else:
        yield from ((row, _LANE) for row in range(first - 1, target - 1, -1))


def _ranks(names: Sequence[str], ways: Sequence[Way]) -> dict[str, int]:
    """How many steps each node is from the start, at most, but for the ways back; what cannot be reached is below."""
    targets: dict[str, list[str]] = {name: [] for name in names}
    for way in ways:
        targets[way.source].append(way.target)
    ranks: dict[str, int] = {}
    for root in names:
        if root in ranks:
            continue
        first = max(ranks.values(), default=-1) + 1
        order, back = _walk(root, targets, ranks)
        found = dict.fromkeys(order, first)
        for name in order:
            for target in targets[name]:
                if target in found and (name, target) not in back:
                    found[target] = max(found[target], found[name] + 1)
        ranks |= found
    return ranks


def _walk(
    root: str, targets: Mapping[str, Sequence[str]], known: Mapping[str, int]
) -> tuple[list[str], set[tuple[str, str]]]:
    """All that can be reached, each behind what leads to it but for the ways back; and those."""
    finished: list[str] = []
    back: set[tuple[str, str]] = set()
    seen = {root, *known}
    path = {root: iter(targets[root])}
    while path:
        name, left = next(reversed(path.items()))
        target = next(left, None)
        if target is None:
            del path[name]
            finished.append(name)
        elif target in path:
            back.add((name, target))
        elif target not in seen:
            seen.add(target)
            path[target] = iter(targets[target])
    return finished[::-1], back


def _ordered(
    rows: Sequence[Sequence[int]], row_of: Mapping[int, int], chains: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """Each row in the order of what its things are linked with, swept up and down; the best that was found."""
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    beside: dict[int, list[int]] = {one: [] for row in rows for one in row}
    for source, target in pairs:
        beside[source].append(target)
        beside[target].append(source)
    best = found = tuple(tuple(row) for row in rows)
    fewest = _crossings(found, row_of, pairs)
    for sweep in range(_SWEEPS):
        found = _swept(found, row_of, beside, step=-1 if sweep % 2 == 0 else 1)
        crossing = _crossings(found, row_of, pairs)
        if crossing < fewest:
            best, fewest = found, crossing
    return best


def _swept(
    rows: Sequence[tuple[int, ...]],
    row_of: Mapping[int, int],
    beside: Mapping[int, Sequence[int]],
    *,
    step: int,
) -> tuple[tuple[int, ...], ...]:
    """Every row in the order of its neighbours in the row before (-1, from the top) or behind (1, from the bottom)."""
    place = {one: at - (len(row) - 1) / 2 for row in rows for at, one in enumerate(row)}
    found = list(rows)
    numbers = range(len(rows))
    for number in numbers if step < 0 else reversed(numbers):
        wanted: dict[int, float] = {}
        for one in found[number]:
            near = [place[other] for other in beside[one] if row_of[other] == number + step]
            near = near or [place[other] + 0.5 for other in beside[one] if row_of[other] == number]
            wanted[one] = sum(near) / len(near) if near else place[one]
        found[number] = tuple(sorted(found[number], key=wanted.__getitem__))
        place |= {one: at - (len(found[number]) - 1) / 2 for at, one in enumerate(found[number])}
    return tuple(found)


def _crossings(
    rows: Sequence[Sequence[int]], row_of: Mapping[int, int], pairs: Sequence[tuple[int, int]]
) -> int:
    """How many lines cross, or pass what stands between two things of one row."""
    place = {one: at for row in rows for at, one in enumerate(row)}
    between: dict[int, list[tuple[int, int]]] = {}
    passed = 0
    for source, target in pairs:
        upper, lower = sorted((source, target), key=row_of.__getitem__)
        if row_of[upper] == row_of[lower]:
            passed += abs(place[upper] - place[lower]) - 1
        else:
            between.setdefault(row_of[upper], []).append((place[upper], place[lower]))
    return passed + sum(
        (one[0] - other[0]) * (one[1] - other[1]) < 0
        for links in between.values()
        for at, one in enumerate(links)
        for other in links[:at]
    )
