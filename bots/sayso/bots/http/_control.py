"""The application behind the control socket: what operators at this machine do while the service runs.

The kernel says who they are. Errors are JSON with the error's kind, its message, and the exit code of the command line.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sayso.engine import Runtime, SaysoError, SQLiteStore

CONSOLE = "console"
_ROOT = 0
_REFUSED = 409


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewRun(_Body):
    """A run to be started."""

    workflow: str
    shared: dict[str, Any] = Field(default_factory=dict)
    run_id: str | None = None


class NewAnswer(_Body):
    """An answer to a request, of the revision that was seen."""

    revision: int
    value: Any
    comment: str | None = None
    event_key: str | None = None


class Retry(_Body):
    """How a failed run is tried again."""

    ask_again: bool = False


class Decision(_Body):
    """An operator's decision about a run that needs one."""

    action: str
    result: Any = None


def person_at(request: Request) -> str:
    """Who is at the other end, as `local:<name>`: the service's own user, or root. Anybody else is refused."""
    client = request.client
    if client is None or client.host != "uid" or client.port not in (_ROOT, os.getuid()):
        raise HTTPException(403, "the control socket serves its own user alone")
    try:
        return f"local:{pwd.getpwuid(client.port).pw_name}"
    except KeyError:
        return f"local:{client.port}"


Person = Annotated[str, Depends(person_at)]


def control_app(runtime: Runtime, store: SQLiteStore, exit_code: Callable[[SaysoError], int]) -> FastAPI:
    """The application of the control socket."""
    app = FastAPI(
        title="sayso control",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(person_at)],  # no call without a known person
    )

    @app.exception_handler(SaysoError)
    async def refuse(_: Request, error: SaysoError) -> JSONResponse:
        problem = {"kind": type(error).__name__, "message": str(error), "exit_code": int(exit_code(error))}
        return JSONResponse({"error": problem}, _REFUSED)

    @app.post("/api/v1/runs")
    async def start(body: NewRun, person: Person) -> dict[str, str]:
        run_id = await runtime.start(body.workflow, body.shared, body.run_id, requested_by=person)
        return {"run_id": run_id}

    @app.get("/api/v1/runs/{run_id}")
    async def status(run_id: str) -> Any:
        return msgspec.to_builtins(await store.reader.run(run_id))

    @app.get("/api/v1/requests")
    async def pending(run_id: str | None = None, limit: int = 1000) -> Any:
        return {"requests": [one.as_dict() for one in await store.reader.pending(run_id, limit)]}

    @app.post("/api/v1/requests/{request_id}/answers")
    async def answer(request_id: str, body: NewAnswer, person: Person) -> dict[str, Any]:
        outcome = await runtime.answer(
            request_id,
            body.revision,
            body.value,
            person=person,
            via=CONSOLE,
            event_key=body.event_key,
            comment=body.comment,
            received_at=datetime.now(UTC),
        )
        return {"outcome": outcome.kind, "reason": outcome.reason, "repeated": outcome.repeated}

    @app.post("/api/v1/runs/{run_id}/cancel")
    async def cancel(run_id: str, person: Person) -> dict[str, str]:
        await runtime.cancel(run_id, person=person, via=CONSOLE)
        return {"run_id": run_id}

    @app.post("/api/v1/runs/{run_id}/retry")
    async def retry(run_id: str, body: Retry, person: Person) -> dict[str, str]:
        await runtime.retry(run_id, person=person, via=CONSOLE, ask_again=body.ask_again)
        return {"run_id": run_id}

    @app.post("/api/v1/runs/{run_id}/attention")
    async def attention(run_id: str, body: Decision, person: Person) -> dict[str, str]:
        await runtime.attention(run_id, body.action, person=person, via=CONSOLE, result=body.result)
        return {"run_id": run_id}

    _ = refuse, start, status, pending, answer, cancel, retry, attention
    return app
