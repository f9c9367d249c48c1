"""A workflow behind a small HTTP server: start it, see what it asks, answer.

    python examples/server.py [PORT]          # http://127.0.0.1:8000/docs shows the calls

`POST /start-workflow` starts a run, or with `?run_id=...` continues a stored one, even days later.
`GET /workflow-status` shows what is asked, with its `id` and `revision`. `POST /provide-input` answers exactly that.

The server listens on this machine only and knows no sign-in: every answer counts as given by the OS user that runs
it. A person's name from a header or the body would be a claim that nobody checked.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from sayso.engine import (
    Node,
    NotApplicable,
    OutcomeKind,
    StoreError,
    UnknownRun,
    UnstorableValue,
    Workflow,
    WorkflowEngine,
    local_person,
)


class Ask(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["name"] = await request_input(prompt="Who is to be greeted?", request_id="name")
        shared["tone"] = await request_input(
            prompt=f"How is {shared['name']} to be greeted?",
            options=["warmly", "formally"],
            input_type="select",
            request_id="tone",
        )


class Greet(Node):
    def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> None:
        word = {"warmly": "Hello", "formally": "Good day"}[shared["tone"]]
        shared["greeting"] = f"{word}, {shared['name']}."


ask, greet = Ask(), Greet()
ask > greet
greeting = Workflow("greeting", start=ask)

app = FastAPI(title="A workflow that asks")
# Other names for this machine are how a web page elsewhere would reach a server that only listens here.
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

workflow: WorkflowEngine | None = None
running: asyncio.Task[Any] | None = None

STATUS_OF_OUTCOME = {
    OutcomeKind.RESOLVED: 200,
    OutcomeKind.COUNTED: 200,
    OutcomeKind.DUPLICATE: 200,
    OutcomeKind.HELD: 202,
    OutcomeKind.NOT_ALLOWED: 403,
    OutcomeKind.UNKNOWN: 404,
    OutcomeKind.ALREADY_ANSWERED: 409,
    OutcomeKind.SUPERSEDED: 409,
    OutcomeKind.EXPIRED: 410,
    OutcomeKind.CANCELLED: 410,
    OutcomeKind.WITHDRAWN: 410,
    OutcomeKind.INVALID: 422,
}


class Answer(BaseModel):
    """What `provide-input` takes: the `id` and `revision` that `workflow-status` showed, and the value."""

    id: str
    revision: int
    value: Any


@app.post("/start-workflow")
async def start_workflow(run_id: str | None = None) -> dict[str, str]:
    global workflow, running  # noqa: PLW0603 - one workflow at a time, as in the guide
    if workflow is not None:
        await workflow.aclose()  # what it asks stays open in the store
    try:
        if run_id is None:
            workflow = WorkflowEngine(start=greeting.start, workflow_id=greeting.name)
        else:
            workflow = await WorkflowEngine.resume(run_id, start=greeting.start, workflow_id=greeting.name)
    except (UnknownRun, NotApplicable) as error:
        workflow = None
        raise HTTPException(404, str(error)) from error
    # The loop holds tasks weakly: without this reference a run could vanish in the middle.
    running = asyncio.create_task(workflow.run())
    return {"status": "started", "run_id": workflow.run_id}


@app.get("/workflow-status")
async def get_status() -> dict[str, Any]:
    if workflow is None:
        return {"status": "not_started"}
    state = workflow.execution_state
    if state.awaiting_input:
        return {"status": "waiting_for_input", "run_id": state.run_id, "request": state.awaiting_input}
    return {
        "status": state.workflow_status.name,
        "run_id": state.run_id,
        "shared": state.shared,
        "error": state.error,
    }


@app.post("/provide-input")
async def provide_input(answer: Answer, response: Response) -> dict[str, Any]:
    if workflow is None:
        raise HTTPException(404, "No workflow has been started.")
    try:
        outcome = await workflow.answer(
            answer.id, answer.revision, answer.value, person=local_person(), via="api"
        )
    except UnstorableValue as error:
        raise HTTPException(422, str(error)) from error
    except StoreError as error:
        raise HTTPException(503, f"Not recorded: {error}") from error
    response.status_code = STATUS_OF_OUTCOME[outcome.kind]
    return {"outcome": outcome.kind, "reason": outcome.reason}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
