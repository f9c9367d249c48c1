"""What one visit of a run did, for its page: what it changed in the state, its steps, its questions, its error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import cast

from sayso.adapters.cards import Card
from sayso.adapters.console import visible
from sayso.engine import StepSummary, VisitDetail, VisitSummary

_MOST_CHANGES = 50
_LONGEST_VALUE = 300
_LONGEST_STATE = 5000


@dataclass(frozen=True, slots=True)
class Change:
    """A key of the state, as `order.items` where it is of an object within: what stood there, and what does now, as
    JSON; None where the key was not there, or is not any more.
    """

    key: str
    was: str | None
    now: str | None

    @property
    def kind(self) -> str:
        """What happened to the key, in a word."""
        return "added" if self.was is None else ("removed" if self.now is None else "changed")


@dataclass(frozen=True, slots=True)
class Changes:
    """The first changes between two states, in the order of the later one, and whether there are more."""

    shown: tuple[Change, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class VisitShown:
    """A visit as the page shows it. `status` is how it stands in the run. The rest is for operators, and empty for
    others: what `changes`, the states `before` and `after` as text, unless they are too long (`is_long`), and `steps`.
    """

    visit: VisitSummary
    status: str
    questions: tuple[Card, ...]
    changes: Changes = Changes((), has_more=False)
    before: str = ""
    after: str = ""
    is_long: bool = False
    steps: tuple[StepSummary, ...] = ()


def show_visit(
    visit: VisitSummary, status: str, questions: Sequence[Card], detail: VisitDetail | None
) -> VisitShown:
    """A visit with all that its reader may know of it; `detail` is for operators."""
    shown = VisitShown(visit, status, tuple(questions))
    if detail is None:
        return shown
    if detail.before is None or detail.after is None:
        return replace(shown, is_long=True, steps=detail.steps)
    return replace(
        shown,
        changes=state_changes(detail.before, detail.after),
        before=state_text(detail.before),
        after=state_text(detail.after),
        steps=detail.steps,
    )


def duration_words(took: timedelta) -> str:
    """How long something took, as people say it: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 3 days 4 h."""
    seconds = took.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - up to here, tenths tell something
        return f"{seconds:.1f} s" if seconds >= 0.05 else f"{seconds * 1000:.0f} ms"  # noqa: PLR2004 - shown as 0.0
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} {'day' if days == 1 else 'days'} {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def state_changes(before: str, after: str) -> Changes:
    """What differs between two states, given as JSON objects."""
    if before == after:
        return Changes((), has_more=False)
    found = tuple(islice(_differences(json.loads(before), json.loads(after), ""), _MOST_CHANGES + 1))
    return Changes(found[:_MOST_CHANGES], has_more=len(found) > _MOST_CHANGES)


def state_text(state: str) -> str:
    """A state written out for people, a key on each line; of a long one the beginning."""
    text = visible(json.dumps(json.loads(state), ensure_ascii=False, indent=2))
    left = len(text) - _LONGEST_STATE
    return text if left <= 0 else f"{text[:_LONGEST_STATE]}… ({left} more characters)"


def _differences(before: Mapping[str, object], after: Mapping[str, object], path: str) -> Iterator[Change]:
    for key in dict.fromkeys([*after, *before]):
        name = visible(f"{path}{key}")
        if key not in before:
            yield Change(name, None, _shown(after[key]))
        elif key not in after:
            yield Change(name, _shown(before[key]), None)
        elif not _are_same(before[key], after[key]):
            was, now = _object(before[key]), _object(after[key])
            if was is not None and now is not None:
                yield from _differences(was, now, f"{path}{key}.")
            else:
                yield Change(name, _shown(before[key]), _shown(after[key]))


def _object(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _are_same(one: object, other: object) -> bool:
    """Whether two values are one in JSON, where 1, 1.0 and true are three."""
    return json.dumps(one) == json.dumps(other)


def _shown(value: object) -> str:
    text = visible(json.dumps(value, ensure_ascii=False))
    left = len(text) - _LONGEST_VALUE
    return text if left <= 0 else f"{text[:_LONGEST_VALUE]}… ({left} more characters)"
