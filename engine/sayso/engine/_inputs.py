"""Input by name: `{id, request_id or node id: value}`, matched to open requests, each entry used once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sayso.engine._audience import CODE
from sayso.engine._people import local_person
from sayso.engine._records import RequestRecord
from sayso.engine._values import check
from sayso.engine.errors import UnusedInput
from sayso.engine.store import AnswerAttempt


class Inputs:
    """The entries of one call. Raises `UnstorableValue` for a value that is none."""

    def __init__(self, entries: Mapping[str, Any] | None, value_limit: int) -> None:
        self._left = dict(entries or {})
        for key, value in self._left.items():
            check(value, f"input_data[{key!r}]", value_limit)

    def match(self, open_requests: Sequence[RequestRecord]) -> list[tuple[str, AnswerAttempt]]:
        """The answers that the entries give to these requests: by id, then by name, then by node, where the node has
        exactly one. An entry that matched is used up.
        """
        answers: list[tuple[str, AnswerAttempt]] = []
        unanswered = list(open_requests)
        for key, record in self._pairs(unanswered):
            if key in self._left and record in unanswered:
                unanswered.remove(record)
                attempt = AnswerAttempt(record.id, record.revision, self._left.pop(key), local_person(), CODE)
                answers.append((key, attempt))
        return answers

    def _pairs(self, records: list[RequestRecord]) -> list[tuple[str, RequestRecord]]:
        by_id = [(record.id, record) for record in records]
        by_name = [(record.name, record) for record in records]
        nodes = [record.node_id for record in records]
        by_node = [(record.node_id, record) for record in records if nodes.count(record.node_id) == 1]
        return by_id + by_name + by_node

    def check_used(self, open_requests: Sequence[RequestRecord]) -> None:
        """Raise `UnusedInput` for what is left over."""
        if self._left:
            raise UnusedInput(list(self._left), [record.name for record in open_requests])
