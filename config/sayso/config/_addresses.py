"""Addresses in settings: with a scheme and a host, or said what is wrong with them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, StringConstraints

_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_SCHEMES = ("http", "https")


def split_address(given: str, example: str) -> SplitResult:
    """The parts of an address of the web; raises `ValueError` with what to write instead."""
    if "://" not in given:
        raise ValueError(f"write it with https:// or http:// in front, such as {example}")
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"it is no address ({error}); write one such as {example}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or any(one.isspace() for one in given):
        raise ValueError(f"it is no address of the web; write one such as {example}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            f"leave out the user name and what stands behind ? or #; write one such as {example}"
        )
    return parts


def _address(given: str) -> str:
    split_address(given, "https://example.org/path")
    return given


def _origin(given: str) -> str:
    parts = split_address(given, "https://sayso.example.org")
    root = f"{parts.scheme}://{parts.netloc}"
    if parts.path.strip("/"):
        raise ValueError(
            f"sayso is served at the root of its name, not below {parts.path}. Give it a name of its own, such as "
            f"https://sayso.example.org, or a port of its own: {root}"
        )
    return root


def _host(given: str) -> str:
    host = given.removeprefix("[").removesuffix("]")
    if not host or any(one.isspace() or one in "/[]@" for one in host):
        raise ValueError("write the address alone, such as 127.0.0.1 or ::1; the port is http.port")
    return host


Address = Annotated[_Text, AfterValidator(_address)]
"""Where something is on the web."""

Origin = Annotated[_Text, AfterValidator(_origin)]
"""The root of a server on the web, without a slash at its end."""

Host = Annotated[_Text, AfterValidator(_host)]
"""An address of this machine, without brackets."""


def host_and_port(host: str, port: int) -> str:
    """A host with its port, as addresses have them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
