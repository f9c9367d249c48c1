"""Handing an answer to a store, for the handle and the runtime alike."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec

from sayso.engine._audience import canonical
from sayso.engine._outcomes import Outcome
from sayso.engine._values import check
from sayso.engine.errors import InvalidRequest
from sayso.engine.store import AnswerAttempt, AnswerStore

_NO_REVISION = 2**31
"""Stands for every number that is no revision: what somebody types may be more than a column holds."""

_TEXTS = ("request_id", "person", "via", "event_key", "comment")


def take(store: AnswerStore, attempt: AnswerAttempt) -> Awaitable[Outcome]:
    """Answer a request; the answer counts even if the caller is cancelled meanwhile."""
    check(attempt.value, "value", store.value_limit)
    person = canonical(attempt.person)
    for parameter, given in (("person", person), ("via", attempt.via)):
        if not given:
            raise InvalidRequest(parameter, "an answer needs somebody and a way in")
    for parameter in _TEXTS:
        text = getattr(attempt, parameter)
        if text is not None:
            check(text, parameter.removeprefix("request_"), store.value_limit)
    revision = attempt.revision if 0 < attempt.revision < _NO_REVISION else _NO_REVISION
    if attempt.received_at is not None and attempt.received_at.tzinfo is None:
        raise InvalidRequest("received_at", f"{attempt.received_at!r} has no time zone")
    if (person, revision) != (attempt.person, attempt.revision):
        attempt = msgspec.structs.replace(attempt, person=person, revision=revision)
    return store.answer(attempt)
