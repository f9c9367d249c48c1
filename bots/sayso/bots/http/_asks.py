"""Questions that programs ask without a workflow of their own: each is asked once, and each approval used once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from sayso.bots.http._api import Api, ApiParts, request_as_dict
from sayso.bots.http._bodies import Consumption, NewBatch, NewRequest
from sayso.bots.http._bounds import fitted
from sayso.bots.http._callers import Caller
from sayso.bots.http._problems import Problem, check_rate
from sayso.engine import (
    AskedBatch,
    AskedQuestion,
    Asking,
    Callback,
    File,
    Image,
    InvalidRequest,
    KeyReused,
    Outcome,
    OutcomeKind,
    RequestRecord,
    UnknownPolicy,
    Use,
    Warrant,
    WorkflowStatus,
    in_batch,
    read_asked,
    store_content,
)

_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64  # bytes (standardwebhooks.com, "Signature scheme")
_ASKED_WITHIN = 20.0
"""Seconds within which a question is stored: code of a workflow may hold up the loop that asks it."""

_SECRET = "whsec_"  # noqa: S105 - how secrets begin


@dataclass(frozen=True, slots=True)
class Asks:
    """Asks for programs, and lets them use what was approved."""

    api: Api
    parts: ApiParts

    async def ask(self, caller: Caller, body: NewRequest, key: str | None) -> tuple[dict[str, Any], bool]:
        """Ask: the request, and whether it is a new one. Raises `Problem` where it cannot be asked."""
        check_rate(self.parts.answers, caller.person)
        with _refusing():
            asked, callback = await self._read(caller, body), self._callback(body)
            asking = await self._begin(caller, asked, key, callback)
        return request_as_dict(await self._asked_by(asking), self.parts.public_url), asking.is_new

    async def ask_batch(self, caller: Caller, body: NewBatch, key: str | None) -> tuple[dict[str, Any], bool]:
        """Ask several questions at once, all or none: the requests, and whether one is new. Raises `Problem`."""
        asked: list[AskedQuestion] = []
        keys = [one.key for one in body.requests if one.key is not None]
        with _refusing():
            if keys and (key is not None or len(keys) < len(body.requests)):
                raise InvalidRequest(
                    "requests", "have keys of their own, all of them or none, or one for the call"
                )
            for position, question in enumerate(body.requests):
                check_rate(self.parts.answers, caller.person)
                with in_batch(position):
                    asked.append(await self._read(caller, question))
                    if question.callback is not None:
                        raise InvalidRequest(
                            "callback", "goes with a single question; wait for those of a batch"
                        )
            if keys:
                found = await self.parts.runtime.ask_each(
                    asked,
                    keys,
                    requested_by=caller.person,
                    warrant=Warrant(caller.credential),
                    still_approves=self.parts.still_approves,
                )
                records = [await self._asked_by(one) for one in found]
                is_new = any(one.is_new for one in found)
            else:
                asking = await self._begin(caller, AskedBatch(tuple(asked)).alone_or_together(), key, None)
                records, is_new = await self._all_asked_by(asking.run_id), asking.is_new
        return {"requests": [request_as_dict(one, self.parts.public_url) for one in records]}, is_new

    async def _read(self, caller: Caller, body: NewRequest) -> AskedQuestion:
        """A question that this caller may ask. Raises `InvalidRequest`, `Problem`."""
        body = fitted(caller, body)
        _check_behalf(caller, body.requested_by)
        for entry in body.to:
            if reason := self.parts.why_nobody(entry):
                raise InvalidRequest("to", reason)
        return read_asked(await self._with_files(caller, body.question()))

    async def upload(self, caller: Caller, content: bytes) -> dict[str, Any]:
        """Keep the bytes of a picture or file, for a question that shows them. Raises `Problem`."""
        check_rate(self.parts.answers, caller.person)
        if not content:
            raise _invalid("", "the file is empty")
        sha256 = hashlib.sha256(content).hexdigest()
        if not await self.parts.store.upload(caller.person, sha256, content):
            words = "This program has sent too many files that no question shows yet. Ask about them first."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooManyFiles", words)
        return {"sha256": sha256, "size": len(content)}

    async def _with_files(self, caller: Caller, question: dict[str, Any]) -> dict[str, Any]:
        """The question with its pictures and files as they are stored. Raises `InvalidRequest`, `Problem`."""
        details = question.get("details")
        if not isinstance(details, dict):
            return question
        shown = dict(cast("dict[str, Any]", details))
        for name in question.get("rich", ()):
            given = cast("dict[str, Any]", shown.get(name))
            if isinstance(given, dict) and given.get("type") in ("file", "image"):  # pyright: ignore[reportUnnecessaryIsInstance] - somebody else's JSON
                shown[name] = await self._stored(caller, f"details[{name!r}]", given)
        return {**question, "details": shown}

    async def _stored(self, caller: Caller, path: str, given: dict[str, Any]) -> dict[str, Any]:
        named = {"sha256", "name"} if given["type"] == "file" else {"sha256", "alt"}
        if {"type", *named} != set(given) or not all(isinstance(one, str) for one in given.values()):
            raise InvalidRequest(
                path, f"a {given['type']} has the texts {' and '.join(sorted(named))}, and no other"
            )
        content = await self.parts.store.uploaded(caller.person, given["sha256"])
        if content is None:
            raise InvalidRequest(path, "its bytes are not here; send them with PUT /api/v1/files first")
        is_file = given["type"] == "file"
        found = store_content(path, File(content, given["name"]) if is_file else Image(content, given["alt"]))
        stored: dict[str, Any] = msgspec.to_builtins(found)
        return stored

    async def _begin(
        self, caller: Caller, asked: AskedQuestion | AskedBatch, key: str | None, callback: Callback | None
    ) -> Asking:
        return await self.parts.runtime.ask(
            asked,
            requested_by=caller.person,
            event_key=key,
            warrant=Warrant(caller.credential),
            callback=callback,
            still_approves=self.parts.still_approves,
        )

    async def _asked_by(self, asking: Asking) -> RequestRecord:
        """The request that was asked, once it is stored."""
        found = await self._all_asked_by(asking.run_id)
        return next(one for one in found if asking.name in (None, one.name))

    async def _all_asked_by(self, run_id: str) -> list[RequestRecord]:
        """The requests of a run, once they are stored, which all are at once."""
        try:
            async with asyncio.timeout(_ASKED_WITHIN):
                state = await self.parts.runtime.wait(run_id)
        except TimeoutError:
            raise _not_asked() from None
        if found := [card.request async for _, card in self.parts.store.reader.run_cards(run_id)]:
            return found
        if state.workflow_status is WorkflowStatus.FAILED:
            # What only the transaction knows: who of the approvers is one person with whom.
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidQuestion", str(state.error))
        raise _not_asked()

    async def use(
        self, caller: Caller, request_id: str, body: Consumption, attempt: str | None
    ) -> tuple[dict[str, Any], bool]:
        """Use an approval that the caller asked for: how it was used, and whether this call did it first. Raises
        `Problem`.
        """
        check_rate(self.parts.answers, caller.person)
        await self.api.asked(caller, request_id)
        wish = Use(request_id, body.key, caller.person, caller.via, attempt, Warrant(caller.credential))
        used = await self.parts.store.use(wish)
        if isinstance(used, Outcome):
            kind = "AlreadyUsed" if used.kind is OutcomeKind.DUPLICATE else "NotApproved"
            raise Problem(HTTPStatus.CONFLICT, kind, used.reason)
        said = {
            "request": request_id,
            "key": used.key,
            "used_at": used.at.isoformat(),
            "repeated": used.repeated,
        }
        return said, not used.repeated

    def _callback(self, body: NewRequest) -> Callback | None:
        """Where to report the result. Raises `Problem` for an address that the settings do not allow."""
        if body.callback is None:
            return None
        secret = body.callback.secret.get_secret_value()
        try:
            size = len(base64.b64decode(secret.removeprefix(_SECRET), validate=True))
        except binascii.Error:
            size = 0
        if not secret.startswith(_SECRET) or not _SHORTEST_SECRET <= size <= _LONGEST_SECRET:
            raise _invalid("callback.secret", "must be whsec_ and 24 to 64 bytes in Base64")
        url = body.callback.url
        try:
            parts = urlsplit(url)
            host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        except ValueError:
            raise _invalid("callback.url", "is not an address") from None
        is_named = parts.username is None and parts.password is None and not parts.fragment
        is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
        if not is_named or not (parts.scheme == "https" or is_local):
            raise _invalid("callback.url", "must be an https address without user, password and fragment")
        if host not in self.parts.callback_hosts:
            raise _invalid(
                "callback.url",
                f"leads to {host}. An operator lists allowed hosts under ask.callback_hosts in sayso.toml",
            )
        return Callback(url, secret)


@contextmanager
def _refusing() -> Generator[None]:
    """Turns the reasons why something cannot be asked into a `Problem`."""
    try:
        yield
    except (InvalidRequest, UnknownPolicy) as error:
        field = error.argument if isinstance(error, InvalidRequest) else "policy"
        more = {"errors": [{"where": ["body", *_path(field)], "what": str(error)}]}
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidQuestion", str(error), more=more) from error
    except KeyReused as error:
        raise Problem(HTTPStatus.CONFLICT, "KeyReused", str(error)) from error


def _path(field: str) -> list[str]:
    """Where a field stands in the body: of a batch, behind its list and position."""
    listed, _, rest = field.partition(".")
    position, _, name = rest.partition(".")
    return [listed, position, name] if listed == "requests" and name else [field]


def _check_behalf(caller: Caller, requested_by: str | None) -> None:
    """Raises `Problem` for a person who asks in another's name: under four eyes, they could approve it themselves."""
    if requested_by is not None and caller.scopes is None and not caller.asked(requested_by):
        raise Problem.not_allowed(
            "Only programs can ask on somebody's behalf. Leave out requested_by, or use a token with the scope ask."
        )


def _not_asked() -> Problem:
    words = "The question could not be asked yet. Send it again with its key."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotAsked", words)


def _invalid(field: str, what: str) -> Problem:
    more = {"errors": [{"where": ["body", *field.split(".")], "what": what}]}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidQuestion", f"{field}: {what}", more=more)
