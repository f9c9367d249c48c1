"""The parameters that calls of the API share, each with what it means and may be."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import BeforeValidator

from sayso.bots.http._api import LONGEST_WAIT

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A text of your choice. Repeating the call with it does nothing a second time and returns the "
        "first result.",
    ),
]
Wait = Annotated[
    float,
    BeforeValidator(lambda given: given.removesuffix("s") if isinstance(given, str) else given),
    Query(
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds to wait for it, as 25 or 25s. Then the current state is returned.",
    ),
]
After = Annotated[
    int, Query(ge=0, le=2**62, description="Where the page starts: the `next` of the previous page, or 0.")
]
Limit = Annotated[
    int,
    Query(
        ge=1,
        le=1000,
        description="Maximum number of requests on a page. A page may be short, even if more follow.",
    ),
]
RunId = Annotated[str, Path(description="The run's full id.")]
RequestId = Annotated[str, Path(description="The request's full `id`.")]
GrantId = Annotated[str, Path(description="The grant's full `id`.")]
