"""The public application: `/healthz`, `/readyz`, `/metrics` and webhooks of platforms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse

from sayso.engine import Store, StoreError

_UNAVAILABLE = 503

_PATIENCE = timedelta(seconds=3)
"""How long `/readyz` waits for the database: less than those who ask usually wait for `/readyz`."""


def public_app(
    store: Store,
    problems_now: Callable[[], dict[str, str]],
    metrics_now: Callable[[], Awaitable[bytes]],
    routers: Iterable[APIRouter] = (),
) -> FastAPI:
    """The application of the small HTTP server. It decides nothing at a GET.

    `problems_now` tells why the service is not ready, by part; `metrics_now` its counters for Prometheus, or raises
    `StoreError`.
    """
    app = FastAPI(title="sayso", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        problems = problems_now()
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                await store.reader.audit_head()
        except TimeoutError:
            problems["store"] = f"the database has not replied within {_PATIENCE.seconds} seconds"
        except StoreError as error:
            problems["store"] = str(error)
        ready = not problems
        return JSONResponse({"ready": ready, "problems": problems}, 200 if ready else _UNAVAILABLE)

    @app.get("/metrics")
    async def counters() -> Response:
        try:
            text = await metrics_now()
        except StoreError as error:
            return Response(str(error), _UNAVAILABLE, media_type="text/plain")
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    for router in routers:
        app.include_router(router)
    _ = healthz, readyz, counters
    return app
