"""What the methods of both clients do, as programs of calls and pauses."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from sayso.client._content import Attached
from sayso.client._errors import Refused, Unreachable
from sayso.client._exchange import FIRST_PAUSE, Call, Pause, Program, is_passing, longer, once, repeatedly
from sayso.client._values import Consumption, Question, Request

REQUESTS = "/api/v1/requests"
BATCHES = "/api/v1/batches"
LONGEST_POLL = 25.0
"""Seconds that one call waits: proxies cut off what is silent for longer."""

GRACE = 10.0
"""Seconds that the reply to a call may take beyond those for which it waits."""

_CONFLICT, _UNPROCESSABLE = 409, 422
_KEY = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_BYTES = {"Content-Type": "application/octet-stream"}


class _Sent(msgspec.Struct, frozen=True):
    sha256: str


class _Page(msgspec.Struct, frozen=True):
    requests: list[Request]
    next: int | None


class _Batch(msgspec.Struct, frozen=True):
    requests: list[Request]


class Caller(msgspec.Struct, frozen=True):
    """How calls are made: seconds that each part of one may take, and for how long it is tried again."""

    timeout: float
    patience: float

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        waits: float = 0.0,
    ) -> Call:
        """A call with a JSON body; `waits` is how long the service may take its time."""
        headers = {} if key is None else {"Idempotency-Key": _checked(key)}
        sent = None
        if body is not None:
            sent = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        return Call(method, path, self.timeout + waits, query or {}, sent, headers)

    def events(self, after: int | None) -> Call:
        """See `Client.events`."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        return Call("GET", "/api/v1/events", self.timeout, headers=headers)

    def ask(self, question: Question, key: str | None) -> Program[Request]:
        """See `Client.ask`."""
        question = yield from self._with_files(question)
        body = question.as_body()
        call = self.call("POST", REQUESTS, body=body, key=uuid.uuid4().hex if key is None else key)
        return (yield from repeatedly(call, Request, self.patience))

    def ask_batch(
        self, questions: Sequence[Question], key: str | None, keys: Sequence[str] | None
    ) -> Program[list[Request]]:
        """See `Client.ask_batch`."""
        bodies: list[dict[str, Any]] = []
        for question in questions:
            with_files = yield from self._with_files(question)
            bodies.append(with_files.as_body())
        if keys is not None:
            bodies = [{**body, "key": one} for body, one in zip(bodies, keys, strict=True)]
        elif key is None:
            key = uuid.uuid4().hex
        call = self.call("POST", BATCHES, body={"requests": bodies}, key=key)
        return (yield from repeatedly(call, _Batch, self.patience)).requests

    def _with_files(self, question: Question) -> Program[Question]:
        """The question, with its pictures and files sent and named by their hashes. Raises `OSError`."""
        details, rich = dict(question.details or {}), list(question.rich)
        for name, value in details.items():
            if isinstance(value, Attached):
                content, said = value.read()
                call = Call("PUT", "/api/v1/files", self.timeout, body=content, headers=_BYTES)
                sent = yield from repeatedly(call, _Sent, self.patience)
                details[name] = {**said, "sha256": sent.sha256}
                rich.append(name)
        return question if rich == list(question.rich) else replace(question, details=details, rich=rich)

    def request(self, id: str, wait: float) -> Program[Request]:
        """See `Client.request`."""
        call = self.call("GET", _place(id), query={"wait": wait}, waits=wait)
        return repeatedly(call, Request, self.patience)

    def wait(self, id: str, timeout: float | None) -> Program[Request]:
        """See `Client.wait`."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            left = LONGEST_POLL if end is None else max(0.0, end - began)
            poll = min(LONGEST_POLL, left)
            call = Call("GET", _place(id), poll + GRACE, {"wait": poll})
            try:
                found = yield from once(call, Request)
            except (Refused, Unreachable) as error:
                if left == 0 or not is_passing(error):
                    raise
            else:
                if left == 0 or not found.is_open:
                    return found
                if time.monotonic() - began >= poll / 2:
                    pause = FIRST_PAUSE
                    continue
            # Nothing was heard, or the service did not wait: it may be stopping.
            yield Pause(pause if end is None else min(pause, max(0.0, end - time.monotonic())))
            pause = longer(pause)

    def withdraw(self, id: str) -> Program[Request]:
        """See `Client.withdraw`."""
        try:
            yield from repeatedly(self.call("DELETE", _place(id)), object, self.patience)
        except Refused as error:
            found = yield from self.request(id, 0.0)
            if error.status != _CONFLICT or found.decision is None or found.decision.outcome != "withdrawn":
                raise
            return found
        return (yield from self.request(id, 0.0))

    def requests(self, *, mine: bool = False) -> Program[list[Request]]:
        """See `Client.requests`."""
        found: list[Request] = []
        after: int | None = 0
        while after is not None:
            call = self.call("GET", REQUESTS, query={"after": after} | ({"mine": True} if mine else {}))
            page = yield from repeatedly(call, _Page, self.patience)
            found += page.requests
            after = page.next
        return found

    def consume(self, id: str, key: str) -> Program[Consumption]:
        """See `Client.consume`."""
        call = self.call("POST", f"{_place(id)}/consumption", body={"key": key}, key=uuid.uuid4().hex)
        return repeatedly(call, Consumption, self.patience)


def _checked(key: str) -> str:
    """A key, if it fits into a header unchanged (RFC 9110, 5.5). Raises `Refused`."""
    if _KEY.fullmatch(key) is None:
        words = "A key is up to 200 printable ASCII characters, without a space at either end."
        raise Refused("InvalidKey", words, _UNPROCESSABLE, {})
    return key


def _place(id: str) -> str:
    return f"{REQUESTS}/{quote(id, safe='')}"
