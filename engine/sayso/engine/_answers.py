"""Handing an answer to a store, for the handle and the runtime alike."""

from __future__ import annotations

from datetime import datetime

from sayso.engine._audience import canonical
from sayso.engine._outcomes import Outcome
from sayso.engine._policy import Fact
from sayso.engine._values import Json, check
from sayso.engine.errors import InvalidRequest
from sayso.engine.store import AnswerAttempt, AnswerStore, Warrant

_NO_REVISION = 2**31
"""Stands for every number that is no revision: what somebody types may be more than a column holds."""


async def give_answer(  # noqa: PLR0913, PLR0917 - the fields of an answer
    store: AnswerStore,
    request_id: str,
    revision: int,
    value: Json,
    person: str,
    via: str,
    event_key: str | None,
    comment: str | None,
    received_at: datetime | None,
    facts: tuple[Fact, ...],
    *,
    break_glass: bool = False,
    warrant: Warrant | None = None,
) -> Outcome:
    """Answer a request; the answer counts even if the caller is cancelled meanwhile."""
    person = canonical(person)
    check(value, "value", store.value_limit)
    for parameter, given in (("person", person), ("via", via)):
        if not given:
            raise InvalidRequest(parameter, "an answer needs somebody and a way in")
    texts = {"id": request_id, "person": person, "via": via, "event_key": event_key, "comment": comment}
    for parameter, text in texts.items():
        check(text, parameter, store.value_limit)
    if not 0 < revision < _NO_REVISION:
        revision = _NO_REVISION
    if received_at is not None and received_at.tzinfo is None:
        raise InvalidRequest("received_at", f"{received_at!r} has no time zone")
    return await store.answer(
        AnswerAttempt(
            request_id,
            revision,
            value,
            person,
            via,
            event_key,
            comment,
            received_at,
            facts,
            break_glass,
            warrant,
        )
    )
