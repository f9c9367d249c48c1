"""Where the service is, and how a call becomes one of httpx's."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from sayso.client._errors import InvalidAddress
from sayso.client._exchange import Call, NoReply, Reply

URL, TOKEN = "SAYSO_URL", "SAYSO_TOKEN"
_UNIX, _DATA = "unix:", "data: "
_LONGEST_SOCKET = 103
"""Bytes of a socket's path that every system takes (unix(7): 107 on Linux, 103 on macOS)."""


class Address(msgspec.Struct, frozen=True):
    """Where the service listens: at an `http` or `https` URL, or at a Unix socket."""

    url: str
    socket: Path | None = None
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What every call carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


def find_address(url: str | None, token: str | None) -> Address:
    """The address that was given, else the environment's. At a Unix socket the system says who calls, so the
    environment's token is left out. Raises `InvalidAddress`.
    """
    text = (url if url is not None else os.environ.get(URL, "")).strip()
    if not text:
        raise InvalidAddress("the address of the sayso service is not set")
    if text.startswith(_UNIX):
        path = text.removeprefix(_UNIX)
        return Address("http://sayso", Path(path if not path.startswith("//") else path[2:]), token)
    secret = (token if token is not None else os.environ.get(TOKEN, "")).strip()
    try:
        found = httpx.URL(text.rstrip("/"))
    except httpx.InvalidURL as error:
        raise InvalidAddress(f"{text!r} is not an address: {error}") from error
    if found.scheme not in {"http", "https"} or not found.host:
        raise InvalidAddress(f"{text!r} is not an address: it begins with http://, https:// or unix:")
    if not secret.isascii() or any(character.isspace() for character in secret):
        raise InvalidAddress("the token has characters that no token has")
    return Address(str(found), None, secret or None)


@contextmanager
def short_path(socket: Path | None) -> Generator[str | None]:
    """The socket's path, or while inside another name of it that is short enough: by a descriptor of its folder."""
    if socket is None or len(os.fsencode(socket)) <= _LONGEST_SOCKET:
        yield None if socket is None else str(socket)
        return
    folder = os.open(socket.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)


def arguments(call: Call) -> dict[str, Any]:
    """What httpx's `request` takes for a call."""
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.query),
        "content": call.body,
        "headers": dict(call.headers),
        "timeout": call.timeout,
    }


def reply_of(response: httpx.Response) -> Reply:
    """What came back."""
    named = response.headers
    return Reply(response.status_code, response.content, named.get("Location"), named.get("Retry-After"))


def no_reply(error: httpx.HTTPError) -> NoReply:
    """Why nothing came back."""
    return NoReply(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def event_in(line: str) -> dict[str, Any] | None:
    """The event that a line of the stream holds, if any (server-sent events: each of ours is one line of data)."""
    if not line.startswith(_DATA):
        return None
    return msgspec.json.decode(line.removeprefix(_DATA), type=dict[str, Any])
