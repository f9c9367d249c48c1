"""The public application: `/healthz`, `/readyz`, `/metrics`, webhooks of platforms, and what is mounted below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse

from sayso.engine import SQLiteStore, StoreError

if TYPE_CHECKING:
    from sayso.bots.http._metrics import Metrics

_UNAVAILABLE = 503


class Health:
    """Why the service is not ready, by part; ready where there is no reason."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def report(self, part: str, problem: str | None) -> None:
        """Say what is wrong with a part; None that nothing is."""
        if problem is None:
            self._problems.pop(part, None)
        else:
            self._problems[part] = problem

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong now, by part."""
        return dict(self._problems)


def public_app(
    health: Health,
    metrics: Metrics,
    store: SQLiteStore,
    routers: Iterable[APIRouter] = (),
    mounted: Mapping[str, FastAPI] | None = None,
) -> FastAPI:
    """The application of the small HTTP server, with others below it by their paths. It decides nothing at a GET."""
    app = FastAPI(title="sayso", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        problems = health.problems
        try:
            await store.reader.audit_head()
        except StoreError as error:
            problems["store"] = str(error)
        ready = not problems
        return JSONResponse({"ready": ready, "problems": problems}, 200 if ready else _UNAVAILABLE)

    @app.get("/metrics")
    async def counters() -> Response:
        try:
            text = await metrics.render(store.reader, store.clock.now())
        except StoreError as error:
            return Response(str(error), _UNAVAILABLE, media_type="text/plain")
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    for router in routers:
        app.include_router(router)
    for path, below in (mounted or {}).items():
        app.mount(path, below)
    _ = healthz, readyz, counters
    return app
