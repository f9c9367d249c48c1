"""What calls of the API carry, as it is checked before anything is done. What they do is `_api`'s."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from sayso.engine import MOST_ASKED


class Body(BaseModel):
    """A call's body. What is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class NewRun(Body):
    """A run to start."""

    workflow: str = Field(max_length=1000, description="The workflow's name.")
    shared: dict[str, Any] = Field(
        default_factory=dict,
        description="The state that the run starts with; it must fit the workflow's `inputs`.",
    )
    run_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="An id of your choice; generated if it is missing.",
    )


Seen = Annotated[int, Field(ge=1, le=2**31, description="The `revision` of the request that you saw.")]


class NewAnswer(Body):
    """An answer to the revision of a request that was seen."""

    revision: Seen
    value: Any = Field(
        description="By `input_type`: the value of an option (`select`), a list of them (`multiselect`), true or false "
        "(`confirm`), a text, a number, a date as `2026-12-31`, or an object that fits the request's `schema` (`form`)."
    )
    comment: str | None = Field(
        default=None, max_length=10_000, description="A comment, for approvers and in the audit trail."
    )
    break_glass: bool = Field(
        default=False,
        description="Whether this is an emergency approval. The policy must name the caller for it, and it requires "
        "a comment.",
    )
    grant: str | None = Field(
        default=None,
        max_length=20,
        description="With an approval of a person's: the `key` of one of the request's `offers`. Later requests like "
        "it are then approved without people.",
    )


class Reassignment(Body):
    """Who is asked instead of the caller."""

    revision: Seen
    to: str = Field(
        max_length=200, description="An account, such as `person:ana`, `slack:T1:U2` or `telegram:7`."
    )


Stops = Annotated[
    int,
    Field(
        ge=0,
        le=2**31,
        description="The `stops` of the run that you saw. If it has stopped again, nothing is done.",
    ),
]


class Retry(Body):
    """How to retry a failed run."""

    seen: Stops
    ask_again: bool = Field(
        default=False,
        description="Discard the answers and step results of the failed visit, and ask everything again.",
    )


class AttentionDecision(Body):
    """An operator's decision about a run that needs attention."""

    seen: Stops
    action: Literal["reask", "accept", "done", "again", "cancel"] = Field(
        description="`reask`: ask the question again, as it is now. `accept`: use what is recorded for what the code "
        "asks now. `done`: record `result` as the step's result. `again`: run the step or the node again. `cancel`: "
        "cancel the run. The run's page and `sayso attention RUN` name the possible actions."
    )
    result: Any = Field(default=None, description="With `done`: the step's result.")


class Revival(Body):
    """The unreachable destinations to try again."""

    destinations: list[str] | None = Field(
        default=None, description="Their names, such as `slack:T1:C2`; all if it is missing or null."
    )


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


class NewCallback(Body):
    """Where to report the result of a request, as a Standard Webhook."""

    url: str = Field(max_length=2000, description="An https address whose host the settings allow.")
    secret: SecretStr = Field(description="`whsec_` and 24 to 64 bytes in Base64. It signs what is sent.")


class NewRequest(Body):
    """A question without a workflow of its own."""

    kind: Literal["approval", "input"] = Field(
        default="approval", description="`approval` asks for a yes or a no, `input` for a value."
    )
    prompt: str = Field(min_length=1, description="What is asked, or what is to be approved.")
    details: Any = Field(
        default=None, description="What the decision rests on; best an object of names and values."
    )
    rich: list[str] = Field(
        default_factory=list,
        description="Names of details that are content: an object with `type` `link`, `code`, `diff`, `table`, "
        "`markdown`, `file` or `image`.",
    )
    input_type: Literal["text", "select", "multiselect", "confirm", "number", "date", "form"] = Field(
        default="text", description="For an input: the kind of answer."
    )
    options: list[str | dict[str, str]] | None = Field(
        default=None, description="For select and multiselect."
    )
    schema_: dict[str, Any] | None = Field(default=None, alias="schema", description="JSON Schema of a form.")
    to: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = Field(
        default_factory=list,
        description="People, chats and surfaces to ask. Default: ask.to of the settings.",
    )
    policy: str | None = Field(default=None, description="Name of a policy in the settings.")
    expires_after: float | None = Field(default=None, gt=0, description="In seconds.")
    on_expiry: Any = Field(default=None, description="For an input: the answer then. It must not approve.")
    note: str | None = Field(
        default=None, description="A note that is shown with the question but is not part of it."
    )
    requested_by: str | None = Field(
        default=None,
        description="The person on whose behalf a program asks; under four eyes, they may not approve.",
    )
    read_all: bool = Field(
        default=False,
        description="Whether an approval counts only from people who have opened the whole request.",
    )
    reject_reasons: list[str] = Field(default_factory=list, description="Suggested to people who reject.")
    callback: NewCallback | None = Field(
        default=None, description="Where to report the result once it is closed."
    )

    def question(self) -> dict[str, Any]:
        """The question, without whom to tell; what was left out is left out."""
        return self.model_dump(by_alias=True, exclude_unset=True, exclude={"callback"})


class BatchedRequest(NewRequest):
    """A question of a batch."""

    key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="An idempotency key of its own: asked under it before, in a batch or alone, it is found and not "
        "asked again. Either all questions of a batch have one, or none; the call then needs no `Idempotency-Key`.",
    )

    def question(self) -> dict[str, Any]:
        """The question, without its key and whom to tell; what was left out is left out."""
        return self.model_dump(by_alias=True, exclude_unset=True, exclude={"callback", "key"})


class NewBatch(Body):
    """Questions that are asked together."""

    requests: list[BatchedRequest] = Field(
        min_length=1,
        max_length=MOST_ASKED,
        description="The questions, in the order in which people see them. None of them has a `callback`.",
    )


class Consumption(Body):
    """What an approval is used for."""

    key: str = Field(
        min_length=1, max_length=200, description="What it is used for, such as the id of a job."
    )
