"""sayso inside a program of your own: a FastAPI application that asks before money goes back.

    python examples/embed.py [PORT]          # http://127.0.0.1:8000/docs shows the calls

`POST /refunds/ORDER` asks; `GET /refunds/RUN_ID` returns the result. People answer where the sayso.toml of the
working directory says: in chats and in the web inbox, or with `sayso answer` on this machine. Stopped and started
again, or killed, the program continues with the questions that are still open.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse

from sayso.bots.service import Sayso
from sayso.config import load_settings
from sayso.engine import UnknownRun, Workflow, node, request_approval


@node
async def refund(shared: dict[str, Any]) -> None:
    """Nobody is named here, so operators answer; `Hosted(workflow, to=...)` names people or a chat."""
    decision = await request_approval(f"Refund order {shared['order']}?", request_id="refund")
    shared["refunded"] = decision.approved


workflow = Workflow("refund", start=refund)
sayso = Sayso(load_settings(), workflows=[workflow])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    """Sayso serves while the application does, on the same loop."""
    async with sayso:
        yield


app = FastAPI(title="A shop that asks before it refunds", lifespan=lifespan)


@app.post("/refunds/{order}", status_code=202)
async def ask(order: str) -> dict[str, str]:
    return {"run_id": await sayso.runtime.start("refund", {"order": order})}


@app.get("/refunds/{run_id}")
async def tell(run_id: str) -> dict[str, Any]:
    try:
        state = await sayso.runtime.wait(run_id)  # at once while it waits for people
    except UnknownRun as error:
        raise HTTPException(404, str(error)) from error
    return {"status": state.workflow_status, "refunded": state.shared.get("refunded")}


@app.get("/ready")
async def ready() -> JSONResponse:
    """What your load balancer asks: not ready while a part of sayso is not."""
    return JSONResponse(sayso.problems, 503 if sayso.problems else 200)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
