"""What `sayso ask` asks, read from its options, and where it asks it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import msgspec

from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import Service, socket_path

if TYPE_CHECKING:
    from sayso.client import Question

_STANDARD_INPUT = "-"
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
_WITH_OPTIONS = frozenset({"select", "multiselect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the question shows: the options of that name, as they were given."""

    detail: list[str]
    link: list[str]
    code: list[str]
    file: list[str]
    diff: str | None

    def details(self) -> dict[str, Any] | None:
        """The details by their names; None where there are none. Raises `UsageProblem`."""
        from sayso.client import Code, Diff, File, Image, Link

        found: list[tuple[str, Any]] = [_pair(one, "--detail KEY=VALUE") for one in self.detail]
        for one in self.link:
            label, url = _pair(one, "--link LABEL=URL")
            found.append((label, Link(label, url)))
        for path in self.code:
            is_file = path != _STANDARD_INPUT
            language = Path(path).suffix.removeprefix(".") or None
            name = Path(path).name if is_file else "Code"
            found.append((name, Code(_read_text(path, "--code"), language if is_file else None)))
        for path in self.file:
            data, name = _read_file(path), Path(path).name
            is_picture = Path(path).suffix.lower() in _PICTURES
            found.append((name, Image(data, name) if is_picture else File(data, name)))
        if self.diff is not None:
            found.append(("Changes", Diff(_read_text(self.diff, "--diff"))))
        _check_names(name for name, _ in found)
        return dict(found) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the question is asked: the options of that name, as they were given."""

    to: list[str]
    policy: str | None
    note: str | None
    requested_by: str | None
    expires_after: str | None


def build_question(prompt: str, wanted: str | None, shown: Shown, terms: Terms) -> Question:
    """The question of the options; `wanted` is the value of `--input`. Raises `UsageProblem`."""
    from sayso.client import Question

    lasts = None if terms.expires_after is None else read_age(terms.expires_after).total_seconds()
    return Question(
        prompt,
        details=shown.details(),
        to=terms.to or None,
        policy=terms.policy,
        note=terms.note,
        requested_by=terms.requested_by,
        expires_after=lasts,
        **({} if wanted is None else _read_input(wanted)),
    )


def find_service(url: str | None, database: str | None, *, must_run: bool = True) -> str:
    """Where to ask: at the address that was given, or at the socket beside the database. Raises `NotFound` where a
    service `must_run` there and does not.
    """
    found = url or (None if database else os.environ.get("SAYSO_URL", "").strip())
    if found:
        return found
    service = Service.build(database)
    place = socket_path(service.beside)
    if must_run and not place.is_there:
        raise NotFound(
            f"No service is running on {service.name}. Start one with `sayso serve`, or set SAYSO_URL and SAYSO_TOKEN."
        )
    return f"unix:{place.path.absolute()}"


def _read_input(wanted: str) -> dict[str, Any]:
    from sayso.client import InputType

    kind, colon, rest = wanted.partition(":")
    if kind not in get_args(InputType):
        raise UsageProblem(f"invalid --input: {wanted!r}. Use one of {', '.join(get_args(InputType))}.")
    asked: dict[str, Any] = {"kind": "input", "input_type": kind}
    if kind in _WITH_OPTIONS:
        options = [one.strip() for one in rest.split(",") if one.strip()]
        if not options:
            raise UsageProblem(
                f"--input {kind} needs options, for example --input {kind}:staging,production."
            )
        return asked | {"options": options}
    if kind == "form":
        if not rest:
            raise UsageProblem("--input form needs a JSON Schema, for example --input form:trip.json.")
        return asked | {"schema": _read_schema(rest)}
    if colon:
        raise UsageProblem(f"--input {kind} takes no options; leave out {colon + rest!r}.")
    return asked


def _read_schema(path: str) -> dict[str, Any]:
    try:
        schema = msgspec.json.decode(_read_text(path, "--input form"))
    except msgspec.DecodeError as error:
        raise UsageProblem(f"--input form: {path} is not valid JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise UsageProblem(f"--input form: {path} must be a JSON Schema, an object.")
    return cast("dict[str, Any]", schema)


def _read_text(path: str, option: str) -> str:
    """A file's text, or that of standard input. Bytes that are no UTF-8 are shown as such."""
    try:
        data = sys.stdin.buffer.read() if path == _STANDARD_INPUT else Path(path).read_bytes()
    except OSError as error:
        raise UsageProblem(f"{option}: cannot read {path}: {error.strerror}.") from error
    text = data.decode("utf-8", "backslashreplace")
    if not text.strip():
        raise UsageProblem(f"{option}: {'standard input' if path == _STANDARD_INPUT else path} is empty.")
    return text


def _read_file(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageProblem(f"--file: cannot read {path}: {error.strerror}.") from error
    if not data:
        raise UsageProblem(f"--file: {path} is empty.")
    return data


def _pair(given: str, form: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name.strip():
        raise UsageProblem(f"invalid {form}: {given!r} has no name before an equals sign.")
    return name.strip(), value


def _check_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageProblem(f"two details are named {name!r}. Give each its own name.")
        seen.add(name)
