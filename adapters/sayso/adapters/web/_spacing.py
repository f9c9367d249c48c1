"""Numbers on a line, for `_layout`: things spread so that none overlap, and stretches laid on few tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_TOO_CLOSE = 8


class Stretch(NamedTuple):
    """A line that goes sideways between two places, each reached from above or from below."""

    source: int
    source_above: bool
    target: int
    target_above: bool

    @property
    def is_straight(self) -> bool:
        """Whether nothing goes sideways."""
        return self.source == self.target

    def ends(self, *, above: bool) -> list[int]:
        """Its places on one side."""
        both = ((self.source, self.source_above), (self.target, self.target_above))
        return [place for place, is_above in both if is_above is above]

    def overlaps(self, other: Stretch) -> bool:
        """Whether both, on one track, would run into each other."""
        left, right = sorted((self.source, self.target))
        other_left, other_right = sorted((other.source, other.target))
        return left - _TOO_CLOSE < other_right and other_left - _TOO_CLOSE < right

    def comes_before(self, other: Stretch) -> bool:
        """Whether it must run above another: this one comes down where that one goes on down."""
        return any(
            abs(mine - its) < _TOO_CLOSE for mine in self.ends(above=True) for its in other.ends(above=False)
        )


def spread(wanted: Sequence[tuple[float, float]], distances: Sequence[float]) -> list[float]:
    """Places in their order, at least `distances` apart, as near to the wanted ones, by their weights, as can be.

    Near is the least sum of squares; what would overlap is pooled into blocks, which stand at their mean.
    """
    blocks: list[tuple[float, float, int]] = []  # the mean, its weight, how many
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    for (place, weight), offset in zip(wanted, offsets, strict=True):
        block = (place - offset, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, other, count = blocks.pop()
            total = other + block[1]
            block = ((mean * other + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def keep_within(places: Sequence[float], left: float, right: float, distance: float) -> list[int]:
    """Places on a side of a box: at least a distance apart, or as far as they can be, none beyond its corners."""
    last = len(places) - 1
    distance = min(distance, (right - left) / last) if last else distance
    found = spread([(min(max(place, left), right), 1.0) for place in places], [distance] * last)
    return [
        round(min(max(place, left + at * distance), right - (last - at) * distance))
        for at, place in enumerate(found)
    ]


def lay_tracks(stretches: Sequence[Stretch]) -> list[int]:
    """A track for each, counted from above, so that none on one track run into each other and none come down in the
    line of another, where that can be avoided.
    """
    tracks = [0] * len(stretches)
    left = sorted(
        (at for at, one in enumerate(stretches) if not one.is_straight),
        key=lambda at: (_rank(stretches[at]), min(stretches[at].source, stretches[at].target)),
    )
    track = 0
    while left:
        free = [
            at for at in left if not any(stretches[o].comes_before(stretches[at]) for o in left if o != at)
        ]
        taken: list[int] = []
        for at in free or left[:1]:
            if not any(stretches[at].overlaps(stretches[other]) for other in taken):
                taken.append(at)
                tracks[at] = track
        left = [at for at in left if at not in taken]
        track += 1
    return tracks


def _rank(stretch: Stretch) -> tuple[int, int]:
    """What turns back up runs first, the narrow within the wide, and what turns back down last, the other way round."""
    width = abs(stretch.source - stretch.target)
    if stretch.source_above and stretch.target_above:
        return 0, width
    return (2, -width) if not (stretch.source_above or stretch.target_above) else (1, 0)
