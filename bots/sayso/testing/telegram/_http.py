"""The Bot API over HTTP: paths, bodies of all kinds, and the envelope of every answer.

`/bot<token>/<method>` takes query strings, forms, multipart and JSON; `/file/bot<token>/<path>` gives files.
"""

from __future__ import annotations

import json
from typing import Any, cast

from aiohttp import web

from sayso.testing.platform import Answer
from sayso.testing.telegram._methods import BotMethods, Upload
from sayso.testing.telegram._refusals import Refused, malformed
from sayso.testing.telegram._state import TelegramState


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


def refusal(refused: Refused, given: dict[str, Any] | None = None) -> Answer:
    """`{"ok": false, ...}` with the status to match; a flood limit says the wait in the header too."""
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    headers: dict[str, str] = {}
    if refused.parameters:
        body["parameters"] = refused.parameters
        if "retry_after" in refused.parameters:
            headers["Retry-After"] = str(refused.parameters["retry_after"])
    response = web.json_response(body, status=refused.code, headers=headers)
    return Answer(response, given or {}, refused.description, refused.bug)


async def answer(methods: BotMethods, token: str, method: str, request: web.Request) -> Answer:
    """One call, carried out or refused."""
    given: dict[str, Any] = {}
    if request.match_info["token"] != token:
        return refusal(Refused(401, "Unauthorized"))
    try:
        given = await _body_of(request)
        result = await methods.call(method, given)
        return Answer(web.json_response({"ok": True, "result": result}), _named(given))
    except Refused as refused:
        return refusal(refused, _named(given))
    except Exception as error:  # noqa: BLE001 - one call is one unit: a fault of this server fails it, and is a problem
        words = f"Internal Server Error: the local server failed: {error!r}"
        return refusal(Refused(500, words, bug=True), _named(given))


async def _body_of(request: web.Request) -> dict[str, Any]:
    try:
        return await read_body(request)
    except ConnectionError as error:
        # The bot died in the middle of its call, which then never happened.
        raise Refused(400, "Bad Request: the connection was lost") from error


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters for the log: files by their names."""
    return {name: value.name if isinstance(value, Upload) else value for name, value in given.items()}


def file_answer(state: TelegramState, token: str, request: web.Request) -> web.Response:
    """The bytes of a file that `getFile` named."""
    if request.match_info["token"] != token:
        return refusal(Refused(401, "Unauthorized")).response
    found = state.files.get(request.match_info["path"].removeprefix("documents/"))
    if found is None:
        return refusal(Refused(404, "Not Found")).response
    return web.Response(body=found.content, content_type=found.media_type)
