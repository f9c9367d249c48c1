"""Pages in the place of problems, for a browser that was led to an address which cannot be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from sayso.bots.http import Problem
from sayso.engine import SaysoError

Draw = Callable[[Request, str, str], Awaitable[str]]
"""Draws a page for who asks, with a title and words."""

_WORDS = {
    HTTPStatus.NOT_FOUND: ("Not found", "This page doesn't exist, or you don't have access."),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("Invalid address", "Something in this address can't be read."),
}


def add_error_pages(app: FastAPI, draw: Draw) -> None:
    """Have an application that answers errors as problems answer a browser with a page, but for its own faults."""
    for kind in (Problem, SaysoError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _paged(app.exception_handlers[kind], draw))


def _paged(
    as_problem: Callable[[Request, Exception], Response | Awaitable[Response]], draw: Draw
) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        given = as_problem(request, error)
        problem = given if isinstance(given, Response) else await given
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if not is_page or problem.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return problem
        status = HTTPStatus(problem.status_code)
        title, words = _WORDS.get(status, (status.phrase, str(error)))
        return HTMLResponse(await draw(request, title, words), status)

    return answer
