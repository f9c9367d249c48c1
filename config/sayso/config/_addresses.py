"""Addresses in settings: with a scheme and a host, or said what is wrong with them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_SCHEMES = ("http", "https")


def split_address(given: str, example: str) -> SplitResult:
    """The parts of a web address. Raises `ValueError` with what to write instead."""
    if "://" not in given:
        raise ValueError(f"start it with https:// or http://, such as {example}")
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"invalid URL ({error}); use one such as {example}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or any(one.isspace() for one in given):
        raise ValueError(f"invalid URL; use one such as {example}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"remove the user name and everything after ? or #; use one such as {example}")
    return parts


def _address(given: str) -> str:
    split_address(given, "https://example.org/path")
    return given


def _origin(given: str) -> str:
    parts = split_address(given, "https://sayso.example.org")
    root = f"{parts.scheme}://{parts.netloc}"
    if parts.path.strip("/"):
        raise ValueError(
            f"sayso must be served at the root of a host, not below {parts.path}. Give it its own host name, such as "
            f"https://sayso.example.org, or its own port: {root}"
        )
    return root


def _host(given: str) -> str:
    host = given.removeprefix("[").removesuffix("]")
    if not host or any(one.isspace() or one in "/[]@" for one in host):
        raise ValueError("use an address only, such as 127.0.0.1 or ::1; set the port with http.port")
    return host


Address = Annotated[_Text, AfterValidator(_address)]
"""Where something is on the web."""

Origin = Annotated[_Text, AfterValidator(_origin)]
"""The root of a server on the web, without a slash at its end."""

Host = Annotated[_Text, AfterValidator(_host)]
"""An address of this machine, without brackets."""


def host_and_port(host: str, port: int) -> str:
    """A host with its port, as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
