"""Pages in the place of problems, for a browser that was led to an address which cannot be shown."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from sayso.adapters.web import Pages
from sayso.bots.http import Problem
from sayso.engine import SaysoError

Draw = Callable[[Request, str, str], Awaitable[str]]
"""Draws a page for who asks, with a title and words."""

_WORDS = {
    HTTPStatus.NOT_FOUND: ("Not found", "This page doesn't exist, or you don't have access."),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("Invalid address", "Something in this address can't be read."),
}
_FAULTS = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Temporarily unavailable",
}


def add_error_pages(app: FastAPI, pages: Pages, draw: Draw) -> None:
    """Have an application that answers errors as problems answer a browser with a page."""
    for kind in (Problem, SaysoError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _paged(app.exception_handlers[kind], pages, draw))


def _paged(
    as_problem: Callable[[Request, Exception], Response | Awaitable[Response]], pages: Pages, draw: Draw
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        given = as_problem(request, error)
        problem = given if isinstance(given, Response) else await given
        if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
            return problem
        status = HTTPStatus(problem.status_code)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # Drawn without a look at who asks: the store may be what fails.
            title = _FAULTS.get(status, status.phrase)
            return HTMLResponse(pages.problem(None, title, _fault_words(problem)), status)
        title, words = _WORDS.get(status, (status.phrase, str(error)))
        return HTMLResponse(await draw(request, title, words), status)

    return answer


def _fault_words(problem: Response) -> str:
    said = json.loads(bytes(problem.body))
    if "error_id" in said:
        return (
            "An error in sayso kept this page from being shown. Nothing was changed. Reload it to try again; if it "
            f"fails again, tell an operator: error ID {said['error_id']}, which is in the log."
        )
    return f"{said['detail']} Reload the page to try again."
