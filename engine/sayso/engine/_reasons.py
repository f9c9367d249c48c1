"""Why somebody chose what they chose: reasons that are suggested to who rejects, and what is asked with a choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from sayso.engine._typed import check_told_apart
from sayso.engine.errors import InvalidRequest

MOST_REASONS: Final = 8
LONGEST_REASON: Final = 75
"""Characters of a reason: short enough for one line of a list of choices on every surface."""


class Reasons(msgspec.Struct, frozen=True, gc=False):
    """The reasons to ask for with a choice. `suggested` are reasons to pick from; the one picked becomes the comment.
    Unless `required`, the comment may be empty.
    """

    suggested: tuple[str, ...]
    required: bool


def check_reasons(parameter: str, given: object, field: str = "") -> tuple[str, ...]:
    """The reasons that are suggested to who rejects, as they were given. Raises `InvalidRequest` by the parameter's
    name, in which `field` names them.
    """
    named = f"{field}: " if field else ""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidRequest(parameter, f"{named}{given!r} is not a list of texts")
    reasons = tuple(cast("Sequence[object]", given))
    if len(reasons) > MOST_REASONS:
        raise InvalidRequest(parameter, f"{named}{len(reasons)} are too many; at most {MOST_REASONS}")
    for one in reasons:
        if not isinstance(one, str) or one.strip().splitlines() != [one] or len(one) > LONGEST_REASON:
            wanted = f"one line of 1 to {LONGEST_REASON} characters without blanks around it"
            raise InvalidRequest(parameter, f"{named}{one!r} is not {wanted}")
    texts = cast("tuple[str, ...]", reasons)
    try:
        check_told_apart(texts, parameter)
    except InvalidRequest as error:
        raise InvalidRequest(parameter, f"{named}{error.reason}") from error
    return texts
