"""Errors over HTTP as problem details (RFC 9457): `type`, `title`, `status`, `detail`, and `kind`, the error's name.

A refused answer has its outcome's name in `outcome`, a setting aside of too many tries `Retry-After`. A fault of our
own has an id in `error_id`, which is in the log as well.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sayso.bots.client import exit_code_of
from sayso.bots.http._limits import RateLimit
from sayso.bots.people import LookUpFailed
from sayso.engine import (
    InvalidInputs,
    InvalidWorkflow,
    KeyReused,
    Outcome,
    OutcomeKind,
    RightLapsed,
    SaysoError,
    StoreError,
    Unclear,
    UnknownRun,
    UnstorableValue,
    ValueTooLarge,
    read_json,
)

logger = logging.getLogger("sayso.http")

_NOTE = "error ID "

MEDIA_TYPE = "application/problem+json"

_STATUS_OF_OUTCOME = {
    OutcomeKind.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    OutcomeKind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    OutcomeKind.UNKNOWN: HTTPStatus.NOT_FOUND,
}
_STATUS_OF_ERROR: tuple[tuple[type[SaysoError], HTTPStatus], ...] = (
    (UnknownRun, HTTPStatus.NOT_FOUND),
    (InvalidInputs, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InvalidWorkflow, HTTPStatus.NOT_FOUND),
    (RightLapsed, HTTPStatus.FORBIDDEN),
    (KeyReused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnstorableValue, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ValueTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Problem(Exception):
    """A call that is refused. `more` are further members of the problem."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(detail)

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Problem:
        """The problem of an answer that was refused."""
        status = _STATUS_OF_OUTCOME.get(outcome.kind, HTTPStatus.CONFLICT)
        more = {"outcome": outcome.kind, "repeated": outcome.repeated}
        return cls(status, "AnswerRefused", outcome.reason, more=more)

    @classmethod
    def not_allowed(cls, detail: str) -> Problem:
        """Somebody known may not do this."""
        return cls(HTTPStatus.FORBIDDEN, "NotAllowed", detail)

    @classmethod
    def too_often(cls, seconds: float) -> Problem:
        """Somebody tried too often."""
        wait = max(1, round(seconds + 0.5))
        return cls(
            HTTPStatus.TOO_MANY_REQUESTS,
            "TooOften",
            f"Too many attempts. Nothing was changed; try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )

    def response(self) -> JSONResponse:
        """The problem as it is sent."""
        body = {
            "type": f"urn:sayso:problem:{self.more.get('outcome', self.kind)}",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": str(self),
            "kind": self.kind,
            **self.more,
        }
        return JSONResponse(body, self.status.value, self.headers, media_type=MEDIA_TYPE)


def check_rate(limit: RateLimit, key: str) -> None:
    """Take one of what somebody may do. Raises `Problem` where none is left."""
    if wait := limit.wait(key):
        raise Problem.too_often(wait)


def _error_id(request: Request, error: Exception) -> str:
    """The id of a fault of our own, which is logged once; its traceback ends with the id."""
    for note in getattr(error, "__notes__", ()):
        if str(note).startswith(_NOTE):
            return str(note).removeprefix(_NOTE)
    made = secrets.token_hex(4)
    error.add_note(f"{_NOTE}{made}")
    logger.error("%s %s failed, error ID %s: %r", request.method, request.url.path, made, error)
    return made


def _why_no_json(body: object) -> str:
    try:
        read_json(str(body))
    except Unclear as error:
        return str(error)
    return "this isn't valid JSON: its quotes must be straight"


def add_problems(app: FastAPI) -> None:
    """Have an application answer every error as a problem."""

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return error.response()

    async def of_sayso(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, SaysoError)
        status = next(
            (code for kind, code in _STATUS_OF_ERROR if isinstance(error, kind)), HTTPStatus.CONFLICT
        )
        more: dict[str, Any] = {"exit_code": exit_code_of(error).value}
        if isinstance(error, InvalidInputs):
            more["errors"] = [{"where": error.field.split("."), "what": error.reason}]
        return Problem(status, type(error).__name__, str(error), more=more).response()

    async def unknown_people(_request: Request, error: Exception) -> JSONResponse:
        words = f"could not check who else has voted or asked, so nothing was changed: {error}"
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, type(error).__name__, words).response()

    async def malformed(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = [
            {
                "where": [str(part) for part in one["loc"]],
                "what": _why_no_json(error.body) if one["type"] == "json_invalid" else one["msg"],
            }
            for one in error.errors()
        ]
        words = "; ".join(f"{'.'.join(one['where'])}: {one['what']}" for one in found)
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Malformed", words, more={"errors": found}).response()

    async def other(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return Problem(status, status.phrase.replace(" ", ""), error.detail, headers=error.headers).response()

    async def uncaught(request: Request, error: Exception) -> JSONResponse:
        made = _error_id(request, error)
        words = f"Something went wrong. Error ID {made}: the log says what."
        return Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", words, more={"error_id": made}
        ).response()

    for kind, handler in (
        (Problem, refused),
        (SaysoError, of_sayso),
        (LookUpFailed, unknown_people),
        (RequestValidationError, malformed),
        (HTTPException, other),
        (Exception, uncaught),
    ):
        app.add_exception_handler(kind, handler)
