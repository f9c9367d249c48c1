"""What calls of the API are answered with, as its description says it: clients are generated from that.

Nothing here is looked at while a call is answered. That what is sent has these shapes, and no other members, is held by
`tests/bots/api/test_replies.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from sayso.bots.http._problems import MEDIA_TYPE
from sayso.engine import AttentionKind, RequestStatus, Scope, WorkflowStatus

Schema: TypeAlias = dict[str, Any]
RunId = Annotated[str, Field(description="The run's id.")]
Requester = Annotated[
    str | None, Field(description="Who started the run, such as `token:ci`; null if nobody is known.")
]
Via = Annotated[str, Field(description="The way in: `api`, `web`, `inbox` or `console`.")]
Place = Annotated[int | None, Field(description="The `after` of the next page; null on the last one.")]
Reason = Annotated[str, Field(description="The outcome as a sentence for people.")]


class Reply(BaseModel):
    """What a call is answered with. Later versions may add members."""

    model_config = ConfigDict(frozen=True)


def _perhaps(description: str) -> Any:
    """A member that is left out where there is nothing to say."""

    def without_default(schema: dict[str, Any]) -> None:
        del schema["default"]

    return Field(default=None, description=description, json_schema_extra=without_default)


class AllowedOnly(Reply):
    """What a token may ask with and start, and nothing else."""

    policies: list[str] = Field(description="The policies that its questions may name.")
    to: list[str] = Field(description="The people and chats that its questions may name.")
    workflows: list[str] = Field(description="The workflows that it may start; empty for every one.")


class Me(Reply):
    """Who calls, and what they may do."""

    person: str = Field(description="The caller, such as `token:ci` or `web:ana`.")
    via: Via
    operator: bool = Field(description="Whether the caller is an operator.")
    scopes: list[Scope] | None = Field(description="Scopes of the token; null for people.")
    bounds: AllowedOnly | None = Field(
        description="What the token may ask with and start; null if it has no bounds, and for people."
    )
    expires_at: datetime | None = Field(
        description="When the token expires; null if it never does, and for people."
    )


class StartableWorkflow(Reply):
    """A workflow that the caller may start."""

    name: str = Field(description="The workflow's name.")
    inputs: dict[str, Any] | None = Field(
        description="JSON Schema of the state that it starts with; null if it accepts any."
    )


class Workflows(Reply):
    """The workflows that the caller may start."""

    workflows: list[StartableWorkflow] = Field(description="Sorted by name.")


class RunReference(Reply):
    """The run that the call was about."""

    run_id: RunId


class RunAttention(Reply):
    """What an operator must decide about a run. Callers who are not operators see only `kind`."""

    kind: AttentionKind = Field(description="Why the run is held.")
    name: str = Field(description="The request, step or node that it is about.")
    was: str | None = Field(description="The earlier text; null if there is none.")
    now: str | None = Field(description="The present text; null if there is none.")
    reason: str = Field(description="What went wrong; empty where the kind says it all.")
    result: dict[str, Any] | None = Field(
        description="The JSON Schema of an object with the step's `result`, without properties if it returns nothing; "
        "null if the type is not known."
    )


class Run(Reply):
    """A run of a workflow."""

    run_id: RunId
    workflow: str = Field(description="The workflow's name.")
    status: WorkflowStatus = Field(description="The state of the run.")
    node_id: str | None = Field(description="The current node, or the last one of a run that ended.")
    visit: int = Field(
        description="The number of the current visit: one more each time the run enters a node."
    )
    error: str | None = Field(
        description="Why the run failed; null if it did not, and for callers who are not operators."
    )
    attention: RunAttention | None = Field(description="What an operator must decide; null if nothing.")
    requested_by: Requester
    created_at: datetime = Field(description="When the run was started, in UTC.")
    updated_at: datetime = Field(description="When the run last changed, in UTC.")
    stops: int = Field(
        description="How often the run has needed an operator; `retry` and `attention` send it as `seen`."
    )


class Runs(Reply):
    """Runs, the newest first."""

    runs: list[Run] = Field(description="At most `limit` runs.")


class Option(Reply):
    """One choice of a `select` or `multiselect`."""

    value: str = Field(description="The value to answer with.")
    label: str = _perhaps("What people read; the value if it is missing.")
    description: str = _perhaps("A line about the option.")
    style: str = _perhaps("`primary`, `danger` or another style.")


class Rule(Reply):
    """A rule of a policy that decided without people."""

    policy: str | None = Field(description="The policy; null if it has no name.")
    version: str = Field(description="The version of the policy.")
    number: int = Field(description="Which of its rules it is, from 1.")
    written_by: str = Field(description="Who wrote the rule.")


class GrantUse(Reply):
    """The use of a grant that answered a request."""

    id: str = Field(description="The grant.")
    granted_by: str = Field(description="Who made it.")
    use: int = Field(description="Which use it is, from 1.")
    of: int | None = Field(description="Of how many; null if they are not limited.")
    expires_at: datetime = Field(description="When the grant ends, in UTC.")


class Vote(Reply):
    """One person's vote, or the decision of a rule or a grant."""

    person: str = Field(description="Who voted; `rule:POLICY/NUMBER` for a rule, `grant:ID` for a grant.")
    via: str = Field(description="The way it came, such as `slack`, `web` or `api`.")
    value: Any = Field(description="What they voted for.")
    at: datetime = Field(description="When, in UTC.")
    comment: str | None = Field(description="Their comment; null if there is none.")
    account: str | None = Field(description="The account that they voted with; null if it is not known.")
    break_glass: bool = _perhaps("Whether it is an emergency approval.")
    rule: Rule = _perhaps("The rule that decided, if no person did.")
    grant: GrantUse = _perhaps("The grant that decided, if one did.")


class Decision(Reply):
    """The result of a request."""

    outcome: Literal["approved", "rejected", "answered", "expired", "withdrawn", "cancelled"] = Field(
        description="How it ended. `answered` is an answer that is neither a yes nor a no."
    )
    approved: bool = Field(
        description="Whether people said yes to an approval or a confirmation, or granted it before, or a rule that "
        "an operator wrote did: nothing else is a yes."
    )
    value: Any = Field(description="The answer, or the one at expiry; null if there is none.")
    by: list[str] = Field(description="Who decided it, or withdrew it.")
    comment: str | None = Field(description="The first comment of those who decided; null if there is none.")
    votes: list[Vote] = Field(description="The votes that decided it.")
    digest: str = Field(description="SHA-256 of what people were shown.")
    decided_at: datetime | None = Field(description="When it was closed, in UTC.")


class Offer(Reply):
    """One way to grant later requests like this one."""

    key: str = Field(
        description="What an answer names in `grant`: `session`, a duration, or a number of uses."
    )
    lasts: float = Field(description="Seconds until the grant ends.")
    uses: int | None = Field(description="How many requests it approves at most; null if not limited.")


class Request(Reply):
    """A question, open or closed."""

    id: str = Field(description="The id that calls are made with.")
    revision: int = Field(description="The revision of the question; an answer must name it.")
    run_id: RunId
    node_id: str = Field(description="The node that asked.")
    request_id: str = Field(description="The name that the workflow gave the question.")
    prompt: str | None = Field(description="The question.")
    options: list[str | Option] | None = Field(
        description="The choices of a `select` or `multiselect`, else null."
    )
    input_type: Literal["select", "multiselect", "confirm", "text", "number", "date", "form"] = Field(
        description="The kind of answer."
    )
    form_schema: dict[str, Any] | None = Field(
        alias="schema", description="JSON Schema of a `form`, else null."
    )
    details: Any = Field(
        description="What there is to know before answering: an object of names and values, or null."
    )
    rich: list[str] = Field(
        description="The details that are links, code, diffs, tables, Markdown, pictures or files."
    )
    note: str | None = Field(
        description="A note that is shown with the question but is not part of it; null if there is none."
    )
    to: list[str] = Field(
        description="Who may answer it, and the chats where it is shown, such as `slack:T1:U2`."
    )
    reject_reasons: list[str] = Field(description="Comments to suggest with a rejection.")
    requested_by: Requester
    asked_at: datetime = Field(description="When it was asked, in UTC.")
    deadline: datetime | None = Field(description="When it expires, in UTC; null if never.")
    kind: Literal["approval", "input"] = Field(
        description="`approval` if only a yes or a no answers it, else `input`."
    )
    offers: list[Offer] = Field(description="What an approver may grant with an approval, while it is open.")
    url: str | None = Field(description="Its page in the inbox; null without `http.public_url`.")
    decision: Decision | None = Field(description="The result; null while the request is open.")
    status: RequestStatus = Field(description="The state of the request.")
    answer: Any = Field(description="The answer that the workflow received; null while the request is open.")
    resolved_at: datetime | None = Field(description="When it was closed, in UTC; null while open.")


class Requests(Reply):
    """A page of requests, the oldest first."""

    requests: list[Request] = Field(description="May be short, even if more pages follow.")
    next: Place


class Batch(Reply):
    """The requests of a batch."""

    requests: list[Request] = Field(description="One for each question, in their order.")


class AnswerOutcome(Reply):
    """The outcome of an answer that was accepted, or that the caller had already given."""

    outcome: Literal["resolved", "counted", "held", "duplicate"] = Field(
        description="`resolved`: it decided the question. `counted`: it counts, and more votes are needed. `held`: "
        "it is recorded, and an operator must look at the run. `duplicate`: the caller had already given it."
    )
    reason: Reason
    repeated: bool = Field(
        description="Whether this is the stored outcome of an earlier call with the same key."
    )


class Done(Reply):
    """What was asked for has been done."""

    outcome: Literal["done"]
    reason: Reason


class Uploaded(Reply):
    """A picture or file that was sent."""

    sha256: str = Field(description="The SHA-256 of its bytes, by which a question names it.")
    size: int = Field(description="Its size in bytes.")


class Used(Reply):
    """An approval that was used."""

    request: str = Field(description="The request's `id`.")
    key: str = Field(description="What it was used for.")
    used_at: datetime = Field(description="When, in UTC.")
    repeated: bool = Field(
        description="Whether this call had used it before, under the same `Idempotency-Key`."
    )


class Grant(Reply):
    """An approval that holds for a while, for requests that are like the one on which it was made."""

    id: str = Field(description="The id that calls are made with.")
    request_id: str = Field(description="The `id` of the request on which it was made.")
    run_id: RunId
    prompt: str | None = Field(description="What that asked.")
    asked_by: str = Field(description="The program whose requests it approves.")
    policy: str = Field(description="The policy that offered it.")
    version: str = Field(description="The version of the policy; under another, the grant approves nothing.")
    granted_by: str = Field(description="Who made it.")
    account: str = Field(description="The account that they used.")
    via: str = Field(description="The way it came, such as `slack` or `web`.")
    offer: str = Field(description="What was chosen: `session`, a duration, or a number of uses.")
    comment: str | None = Field(description="The comment of the approval; null if there is none.")
    made_at: datetime = Field(description="When it was made, in UTC.")
    expires_at: datetime = Field(description="When it ends, in UTC.")
    uses: int | None = Field(description="How many requests it approves at most; null if not limited.")
    used: int = Field(description="How many it has approved.")
    revoked_at: datetime | None = Field(description="When it was revoked, in UTC; null if it was not.")
    revoked_by: str | None = Field(description="Who revoked it; null if nobody did.")
    status: Literal["active", "used_up", "expired", "revoked"] = Field(description="Its state now.")


class Grants(Reply):
    """Grants, the newest first."""

    grants: list[Grant] = Field(description="At most a thousand.")


class UsedGrant(Reply):
    """One use of a grant."""

    use: int = Field(description="Which use it is, from 1.")
    request: str = Field(description="The `id` of the request that it approved.")
    at: datetime = Field(description="When, in UTC.")


class GrantWithUses(Grant):
    """A grant with its latest uses."""

    latest_uses: list[UsedGrant] = Field(description="At most a hundred, the last first.")


class Change(Reply):
    """A row of the audit trail, in outline. Events of the stream have it as JSON in `data`, and `sequence` in `id`."""

    sequence: int = Field(description="The number of the row.")
    at: datetime = Field(description="When it was recorded, in UTC.")
    kind: str = Field(description="What happened, such as `answer_accepted`.")
    run_id: str | None = Field(description="The run that it is about, if any.")
    request_id: str | None = Field(description="The `id` of the request that it is about, if any.")


class Changes(Reply):
    """What happened, in order."""

    changes: list[Change] = Field(description="Only those that concern the caller.")
    last: int = Field(description="The `after` of the next call. If it has moved, there may be more.")


class DeadDestination(Reply):
    """A chat that cards cannot be sent to."""

    destination: str = Field(description="The chat, such as `slack:T1:C2`.")
    since: datetime = Field(description="Since when, in UTC.")
    reason: str = Field(description="The platform's reason.")
    cards: int = Field(description="How many cards wait for it.")


class DeadDestinations(Reply):
    """The unreachable destinations."""

    destinations: list[DeadDestination] = Field(description="One entry for each chat.")


class Revived(Reply):
    """How much will be sent again."""

    cards: int = Field(description="How many cards will be sent again.")


class Misfit(Reply):
    """One part of a call that does not fit."""

    where: list[str] = Field(description='The path to it, such as `["body", "revision"]`.')
    what: str = Field(description="What is wrong with it.")


class ProblemDetails(Reply):
    """An error, as problem details (RFC 9457). The last five members are there only where they apply."""

    type: str = Field(description="A URN for the kind of error.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened and what to do, as a sentence for people.")
    kind: str = Field(description="The error's name, such as `MissingScope` or `RunMovedOn`.")
    outcome: str = _perhaps("Of a refused answer: its outcome, such as `superseded` or `not_allowed`.")
    repeated: bool = _perhaps("Of a refused answer: whether this is the stored outcome of an earlier call.")
    exit_code: int = _perhaps("What the command line exits with for this error.")
    errors: list[Misfit] = _perhaps("The parts that do not fit.")
    needed: list[Scope] = _perhaps("Scopes of which the token needs one.")
    scopes: list[Scope] = _perhaps("Scopes that the token has.")
    bounds: AllowedOnly = _perhaps("Of kind `OutOfBounds`: what the token allows.")


_FILE: Schema = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: Mapping[tuple[str, str], Mapping[str, Schema]] = {
    ("GET", "/requests/{request_id}/files/{sha256}"): {"application/octet-stream": _FILE, "image/*": _FILE},
    ("GET", "/events"): {"text/event-stream": {"schema": {"type": "string"}}},
}
"""What the calls send that are not answered with JSON."""

REPLIES: Mapping[tuple[str, str], type[Reply]] = {
    ("GET", "/me"): Me,
    ("GET", "/workflows"): Workflows,
    ("POST", "/runs"): RunReference,
    ("GET", "/runs"): Runs,
    ("GET", "/runs/{run_id}"): Run,
    ("GET", "/runs/{run_id}/requests"): Requests,
    ("POST", "/runs/{run_id}/cancel"): RunReference,
    ("POST", "/runs/{run_id}/retry"): RunReference,
    ("POST", "/runs/{run_id}/attention"): RunReference,
    ("GET", "/requests"): Requests,
    ("POST", "/requests"): Request,
    ("GET", "/requests/{request_id}"): Request,
    ("POST", "/batches"): Batch,
    ("PUT", "/files"): Uploaded,
    ("DELETE", "/requests/{request_id}"): Done,
    ("POST", "/requests/{request_id}/consumption"): Used,
    ("POST", "/requests/{request_id}/answers"): AnswerOutcome,
    ("POST", "/requests/{request_id}/withdrawal"): Done,
    ("POST", "/requests/{request_id}/reassignment"): Done,
    ("GET", "/grants"): Grants,
    ("GET", "/grants/{grant_id}"): GrantWithUses,
    ("DELETE", "/grants/{grant_id}"): Done,
    ("GET", "/changes"): Changes,
    ("GET", "/destinations/dead"): DeadDestinations,
    ("POST", "/destinations/revive"): Revived,
}
"""What each other call is answered with. One that is missing here is described as any JSON, which a test refuses."""

_LIMITED = frozenset({
    "answer_request", "withdraw_request", "reassign_request", "list_changes", "stream_events", "ask_question",
    "ask_batch", "upload_file", "delete_request", "use_approval", "revoke_grant",
})  # fmt: skip
"""The operations of which each caller may make a number a minute."""

_REFUSALS: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "The token or session is missing, unknown or expired.",
    HTTPStatus.FORBIDDEN: "The caller may not do this, or the token lacks the scope.",
    HTTPStatus.NOT_FOUND: "Not found, or the caller has no access to it.",
    HTTPStatus.CONFLICT: "Refused, because things have changed. Nothing was done; `kind` and `outcome` say why.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body, or a value in it, is too large. Nothing was done.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter or the body is invalid. Nothing was done.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many calls. Nothing was done; `Retry-After` says how many seconds to wait.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database or a chat platform is unavailable. Nothing was done; try again.",
}


def describe_replies(schema: Schema) -> Schema:
    """The API's description, saying what each call is answered with, and refused with."""
    models: set[type[Reply]] = {*REPLIES.values(), ProblemDetails}
    references, defined = models_json_schema(
        [(one, "serialization") for one in sorted(models, key=lambda model: model.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    parts = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        parts.pop(unused, None)
    parts.update(defined["$defs"])
    refused = {"content": {MEDIA_TYPE: {"schema": references[ProblemDetails, "serialization"]}}}
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            taken = [status for status in call["responses"] if status.startswith("2")]
            content = _CONTENT.get((method.upper(), path))
            model = REPLIES.get((method.upper(), path))
            if model is not None:
                content = {"application/json": {"schema": references[model, "serialization"]}}
            said = {} if content is None else {"content": content}
            call["responses"] = {one: call["responses"][one] | said for one in taken} | {
                str(status.value): {"description": _REFUSALS[status], **refused}
                for status in _REFUSALS
                if _may_be_refused(method, path, call, status)
            }
            call["responses"]["default"] = {"description": "Any other error.", **refused}
    return schema


def _may_be_refused(method: str, path: str, call: Schema, status: HTTPStatus) -> bool:
    writes = method != "get"
    match status:
        case HTTPStatus.NOT_FOUND:
            return "{" in path or (path == "/runs" and writes)
        case HTTPStatus.CONFLICT | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return writes
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return writes or "parameters" in call
        case HTTPStatus.TOO_MANY_REQUESTS:
            return call["operationId"] in _LIMITED
        case _:
            return True
