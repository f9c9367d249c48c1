"""What calls of the API carry, as it is checked before anything is done. What they do is `_api`'s."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A call's body. What is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class NewRun(Body):
    """A run to be started."""

    workflow: str = Field(max_length=1000)
    shared: dict[str, Any] = Field(default_factory=dict, description="Initial state of the run.")
    run_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,100}$")


class NewAnswer(Body):
    """An answer to a request, of the revision that was seen."""

    revision: int = Field(ge=1, le=2**31, description="Revision that the person saw.")
    value: Any = Field(
        description="An option's value, a text, a number, a date, true or false, a list, or a form."
    )
    comment: str | None = Field(default=None, max_length=10_000)
    break_glass: bool = Field(
        default=False,
        description="Emergency approval, if the policy names this person for it; requires a comment.",
    )


class Reassignment(Body):
    """Who is asked in the caller's place."""

    revision: int = Field(ge=1, le=2**31, description="Revision that the person saw.")
    to: str = Field(max_length=200, description="A person, such as person:ana, slack:T1:U2 or telegram:7.")


Seen = Annotated[int, Field(ge=0, le=2**31, description="The run's `stops` value when you decided.")]


class Retry(Body):
    """How a failed run is tried again."""

    seen: Seen
    ask_again: bool = Field(
        default=False,
        description="Discard the answers and step results of the failed visit, and ask everything again.",
    )


class Decision(Body):
    """An operator's decision about a run that needs one."""

    seen: Seen
    action: Literal["reask", "accept", "done", "again", "cancel"]
    result: Any = Field(default=None, description="With `done`: the step's result.")


class Revival(Body):
    """Destinations that were given up, to be tried again; all of them where none is named."""

    destinations: list[str] | None = None
