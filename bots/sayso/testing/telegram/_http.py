"""The Bot API over HTTP: paths, bodies of all kinds, and the envelope of every answer.

`/bot<token>/<method>` takes query strings, forms, multipart and JSON; `/file/bot<token>/<path>` gives files.
"""

from __future__ import annotations

import json
from typing import Any, cast

from aiohttp import web

from sayso.testing.telegram._methods import BotMethods, Upload
from sayso.testing.telegram._refusals import Refused, malformed
from sayso.testing.telegram._state import TelegramState

MAX_BODY = 50 * 1024 * 1024  # what a bot may upload


async def read_body(request: web.Request) -> dict[str, Any]:
    """The parameters as they were sent: text from forms, values from JSON, `Upload`s from multipart."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise malformed("can't parse JSON encoded request") from None
        if not isinstance(body, dict):
            raise malformed("object expected as JSON encoded request")
        fields = cast("dict[str, Any]", body)
        return given | {key: value for key, value in fields.items() if value is not None}
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        for name, value in (await request.post()).items():
            given[name] = _field(value)
        _attach(given)
    return given


def _field(value: Any) -> Any:
    if isinstance(value, web.FileField):
        media_type = value.content_type or "application/octet-stream"
        return Upload(value.filename, media_type, value.file.read())
    return value


def _attach(given: dict[str, Any]) -> None:
    """`attach://name` stands for the part of that name."""
    for name, value in list(given.items()):
        if isinstance(value, str) and value.startswith("attach://"):
            part = given.pop(value.removeprefix("attach://"), None)
            if not isinstance(part, Upload):
                raise malformed(f"there is no part for {value}")
            given[name] = part


def success(result: Any) -> web.Response:
    """`{"ok": true, "result": ...}`."""
    return web.json_response({"ok": True, "result": result})


def refusal(refused: Refused) -> web.Response:
    """`{"ok": false, ...}` with the status to match; a flood limit says the wait in the header too."""
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    headers: dict[str, str] = {}
    if refused.parameters:
        body["parameters"] = refused.parameters
        if "retry_after" in refused.parameters:
            headers["Retry-After"] = str(refused.parameters["retry_after"])
    return web.json_response(body, status=refused.code, headers=headers)


async def answer(
    methods: BotMethods, token: str, request: web.Request
) -> tuple[web.Response, Refused | None, dict[str, Any]]:
    """One call: the response, the refusal in it if it is one, and what was sent."""
    given: dict[str, Any] = {}
    if request.match_info["token"] != token:
        refused = Refused(401, "Unauthorized")
        return refusal(refused), refused, given
    try:
        given = await _body_of(request)
        return success(await methods.call(request.match_info["method"], given)), None, given
    except Refused as refused:
        return refusal(refused), refused, given
    except Exception as error:  # noqa: BLE001 - one call is one unit: a fault of this server fails it, and is a problem
        broken = Refused(500, f"Internal Server Error: the local server failed: {error!r}", bug=True)
        return refusal(broken), broken, given


async def _body_of(request: web.Request) -> dict[str, Any]:
    try:
        return await read_body(request)
    except ConnectionError as error:
        # The bot died in the middle of its call, which then never happened.
        raise Refused(400, "Bad Request: the connection was lost") from error


def named_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters for the log: files by their names."""
    return {name: value.name if isinstance(value, Upload) else value for name, value in given.items()}


def file_answer(state: TelegramState, token: str, request: web.Request) -> web.Response:
    """The bytes of a file that `getFile` named."""
    if request.match_info["token"] != token:
        return refusal(Refused(401, "Unauthorized"))
    found = state.files.get(request.match_info["path"].removeprefix("documents/"))
    if found is None:
        return refusal(Refused(404, "Not Found"))
    return web.Response(body=found.content, content_type=found.media_type)
