"""Approvals: sugar over `request_input` whose every way but an explicit yes is a no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, cast

from msgspec.structs import replace

from sayso.engine._policy import APPROVE, REJECT, Policy
from sayso.engine._questions import Question, build_question, question_digest
from sayso.engine._reasons import check_reasons
from sayso.engine._records import Approval, RequestStatus
from sayso.engine._values import Json, decode
from sayso.engine.errors import InvalidRequest, NotApproved
from sayso.engine.run import CURRENT, build_terms, current_visit

_OPTIONS: list[Mapping[str, str]] = [
    {"value": APPROVE, "label": "Approve", "style": "primary"},
    {"value": REJECT, "label": "Reject", "style": "danger"},
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about an action, by people or by a rule of the policy. It is true in a condition only if the
    action was approved.

    `votes` are `{person, via, value, at, comment, account, ...}` each; `digest` identifies exactly what they were
    shown, `request_id` the request and `run_id` the run in which it was asked. It is good for one visit with its
    retries, unless `reusable`. To keep it in `shared`, use `as_dict` and `from_dict`.
    """

    approved: bool
    votes: tuple[dict[str, Any], ...]
    comment: str | None
    digest: str
    request_id: str = ""
    run_id: str = ""
    reusable: bool = False

    def __bool__(self) -> bool:
        return self.approved

    def verify(self, action: str, details: object = None) -> None:
        """Check that what is about to happen is what people approved. Raises `NotApproved` if it was not approved, if
        `action` or `details` differ from what they were shown, if the decision differs from what the store recorded for
        this run, or if another visit or run has used it.

        Outside a visit there is no run to compare it with. Then it checks `approved`, `action` and `details` only
        against the decision itself: use that only for a decision that `request_approval` returned, not for one from
        anywhere else.
        """
        if not self.approved:
            raise NotApproved(action, "nobody approved it")
        asked = (approval_question(action, details, read_all=one) for one in (False, True))
        if self.digest not in [question_digest(one.text()) for one in asked]:
            raise NotApproved(action, "people approved something else: its words or its details differ")
        visit = CURRENT.get(None)
        if visit is not None:
            votes = [cast("Json", vote) for vote in self.votes]
            why = visit.approvals.use(visit.place, self.request_id, self.run_id, self.digest, votes)
            if why is not None:
                raise NotApproved(action, why)

    def as_dict(self) -> dict[str, Json]:
        """The decision as a stored value."""
        return {
            "approved": self.approved,
            "votes": [cast("Json", vote) for vote in self.votes],
            "comment": self.comment,
            "digest": self.digest,
            "request_id": self.request_id,
            "run_id": self.run_id,
            "reusable": self.reusable,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The decision that `as_dict` returned; only a plain True in `approved` is an approval."""
        return cls(
            approved=stored["approved"] is True,
            votes=tuple(stored["votes"]),
            comment=stored["comment"],
            digest=stored["digest"],
            request_id=stored.get("request_id", ""),
            run_id=stored.get("run_id", ""),
            reusable=stored.get("reusable") is True,
        )


async def request_approval(  # noqa: PLR0913 - the terms of a question
    action: str,
    details: Any = None,
    *,
    request_id: str | None = None,
    to: str | Sequence[str] | None = None,
    policy: Policy | str | None = None,
    expires_after: timedelta | None = None,
    note: str | None = None,
    requested_by: str | None = None,
    read_all: bool = False,
    reject_reasons: Sequence[str] = (),
) -> Decision:
    """Ask whether `action` may go ahead and return the `Decision`; an expired or withdrawn request is not an approval.

    With `read_all`, an approval counts only from people who have opened all of the request: its full text and its
    details. `reject_reasons`, at most 8 of up to 75 characters, are suggested to people who reject, instead of the
    policy's; the one picked becomes the comment. There is no default, on purpose. Raises what `request_input` raises
    for bad arguments.
    """
    if not isinstance(action, str) or not action.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest("action", f"{action!r} does not say what is to be approved")
    visit = current_visit("request_approval")
    question = approval_question(action, details, read_all=read_all)
    terms = build_terms(
        to=to,
        policy=policy,
        request_id=request_id,
        expires_after=expires_after,
        note=note,
        requested_by=requested_by,
    )
    terms = replace(terms, reject_reasons=check_reasons("reject_reasons", reject_reasons))
    record, resolution = await visit.ask(question, request_id, terms)
    votes = (
        () if resolution.decided is None else tuple(cast("list[dict[str, Any]]", decode(resolution.decided)))
    )
    answer = None if resolution.answer is None else decode(resolution.answer)
    is_approved = resolution.status is RequestStatus.ANSWERED and answer == APPROVE
    reusable = record.policy is not None and record.policy.reusable
    if is_approved and resolution.decided is not None:
        visit.approvals.add(record.id, Approval(record.digest, resolution.decided, reusable))
    return Decision(
        approved=is_approved,
        votes=votes,
        comment=next((vote["comment"] for vote in votes if vote["comment"]), None),
        digest=record.digest,
        request_id=record.id,
        run_id=record.run_id,
        reusable=reusable,
    )


def approval_question(action: str, details: object, *, read_all: bool) -> Question:
    """The question whether an action may go ahead. Raises `InvalidRequest`, `UnstorableValue`."""
    return build_question(action, _OPTIONS, "select", None, details, read_all=read_all)
