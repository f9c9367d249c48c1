"""What an author can put on a card beside plain values: links, code, diffs, tables, Markdown, pictures and files.

A detail that is one of these is stored as an object with its `type`. The question names such details in `rich`, so that
no plain value can pass for one. Bytes are stored by their SHA-256, which is all that the question holds of them.
"""

from __future__ import annotations

import hashlib
import mimetypes
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import msgspec

from sayso.engine._values import Json, check
from sayso.engine.errors import InvalidRequest

FILE_LIMIT = 8_000_000
"""The most bytes of one picture or file: chats take pictures of up to 10 MB."""

FILES_LIMIT = 20_000_000
"""The most bytes of all pictures and files of one question."""

_LONGEST_URL = 2000  # chats take 3,000 in a button, browsers and proxies about 2,000
_LONGEST_NAME = 150
_MOST_COLUMNS = 20
_MOST_ROWS = 1000

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", ".png"),
    (b"\xff\xd8\xff", 0, "image/jpeg", ".jpg"),
    (b"GIF87a", 0, "image/gif", ".gif"),
    (b"GIF89a", 0, "image/gif", ".gif"),
    (b"WEBP", 8, "image/webp", ".webp"),
)
"""What pictures begin with, where, and what they are then called. An SVG is a program, and none of them."""

Cell: TypeAlias = str | int | float | bool | None


class Link(msgspec.Struct, frozen=True, tag="link"):
    """An address with a label. It must be `https`. Every surface shows the host next to the label, because anybody may
    have written the label.
    """

    label: str
    url: str

    @property
    def host(self) -> str:
        """The host of the address, in ASCII: one in other letters is shown as `xn--...`."""
        return _host(self.url) or ""


class Code(msgspec.Struct, frozen=True, tag="code"):
    """Text that keeps its lines and spaces. `language` is a name that Pygments knows, such as `python`, for its
    colours.
    """

    text: str
    language: str | None = None


class Diff(msgspec.Struct, frozen=True, tag="diff"):
    """A unified diff, as `git diff` and `diff -u` write it."""

    text: str


class Table(msgspec.Struct, frozen=True, tag="table"):
    """Rows of plain values under the names of their columns; at most 20 columns and 1,000 rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class Markdown(msgspec.Struct, frozen=True, tag="markdown"):
    """Text with emphasis, lists, code and links to `https` addresses. Anything else in it is text."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: PNG, JPEG, GIF or WebP, as bytes or the path of a file, which is read when the question is asked.
    `alt` says what it shows, for those who cannot see it.
    """

    source: bytes | str | Path
    alt: str


@dataclass(frozen=True, slots=True)
class File:
    """A file, as bytes or the path of one, which is read when the question is asked. `name` is what people save it as;
    compulsory with bytes, else the path's own.
    """

    source: bytes | str | Path
    name: str | None = None


class StoredImage(msgspec.Struct, frozen=True, tag="image"):
    """A picture as the question names it; `size` in bytes."""

    alt: str
    name: str
    media_type: str
    size: int
    sha256: str


class StoredFile(msgspec.Struct, frozen=True, tag="file"):
    """A file as the question names it; `size` in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str


Content: TypeAlias = Link | Code | Diff | Table | Markdown | StoredImage | StoredFile
"""A detail that is more than a plain value, as a question has it."""


def store_content(path: str, value: Image | File) -> StoredImage | StoredFile:
    """A picture or file of bytes as a question names it. Raises `InvalidRequest`, in which `path` names it."""
    content, _ = _store(path, value)
    return cast("StoredImage | StoredFile", content)


class Details(msgspec.Struct, frozen=True, gc=False):
    """The details of a question: as they are stored, which of them are `rich`, and the bytes that those name, by their
    SHA-256. `unread` says why a file could not be read; then the question must not be asked.
    """

    stored: Json
    rich: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    unread: str | None = None


class _Unreadable(Exception):
    """A file that cannot be read; the text is the reason."""


def build_details(given: object) -> Details:
    """Check what an author shows; raises `InvalidRequest` and `UnstorableValue`.

    What is rich stands directly under its name: `{"Change": Diff(...), "Report": File(...)}`.
    """
    details: Mapping[Any, Any] = given if isinstance(given, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    if not any(isinstance(value, _GIVEN) for value in details.values()):
        plain = cast("Json", given)
        check(plain, "details")
        return Details(plain)
    stored: dict[str, Json] = {}
    rich: list[str] = []
    files: dict[str, bytes] = {}
    unread: list[str] = []
    for name, value in details.items():
        if not isinstance(value, _GIVEN):
            stored[name] = value
            continue
        rich.append(name)
        try:
            content, data = _store(f"details[{name!r}]", value)
        except _Unreadable as error:
            unread.append(f"{name}: {error}")
            continue
        stored[name] = msgspec.to_builtins(content)
        if data is not None:
            files[content.sha256] = data  # type: ignore[union-attr]  # only pictures and files have data
    check(stored, "details")
    if sum(map(len, files.values())) > FILES_LIMIT:
        raise InvalidRequest(
            "details", f"its files have more than {FILES_LIMIT:,} bytes together; link to them"
        )
    return Details(stored, tuple(rich), tuple(files.items()), "; ".join(unread) or None)


def read_content(stored: Json) -> Content:
    """The rich detail that `build_details` stored."""
    return cast("Content", msgspec.convert(stored, Content))


def _store(path: str, value: object) -> tuple[Content, bytes | None]:
    match value:
        case Image():
            return _store_image(path, value)
        case File():
            return _store_file(path, value)
        case Table():
            return _checked_table(path, value), None
        case Link():
            _check_text(f"{path}.label", value.label)
            if _host(value.url) is None:
                why = f"{value.url!r} is not an https address of at most {_LONGEST_URL:,} characters"
                raise InvalidRequest(f"{path}.url", why)
            return value, None
        case Code():
            if value.language is not None:
                _check_text(f"{path}.language", value.language)
            _check_text(f"{path}.text", value.text)
            return value, None
        case Diff() | Markdown():
            _check_text(f"{path}.text", value.text)
            return value, None
        case StoredImage() | StoredFile():
            return value, None
        case _:
            raise AssertionError(value)


_GIVEN = (Link, Code, Diff, Table, Markdown, Image, File, StoredImage, StoredFile)


def _check_text(path: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequest(path, "must be text that is not blank")
    check(text, path)


def _host(url: object) -> str | None:
    """The host of an https address that can be shown and opened as it stands; None where it is none."""
    if not isinstance(url, str) or len(url) > _LONGEST_URL or "\\" in url:
        return None
    if any(unicodedata.category(character)[0] in "CZ" for character in url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        known = parts.port
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme != "https" or not host or parts.username is not None or parts.password is not None:
        return None
    return host if known is None else f"{host}:{known}"


def _checked_table(path: str, table: Table) -> Table:
    columns, rows = list(table.columns), [list(row) for row in table.rows]
    if not 0 < len(columns) <= _MOST_COLUMNS or len(rows) > _MOST_ROWS:
        raise InvalidRequest(path, f"has 1 to {_MOST_COLUMNS} columns and at most {_MOST_ROWS:,} rows")
    for column in columns:
        _check_text(f"{path}.columns", column)
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise InvalidRequest(
                f"{path}.rows[{number}]", f"has {len(row)} cells under {len(columns)} columns"
            )
        for cell in row:
            if isinstance(cell, list | dict):
                raise InvalidRequest(f"{path}.rows[{number}]", f"{cell!r} is not a plain value")
            check(cell, f"{path}.rows[{number}]")
    return Table(columns, rows)


def _store_image(path: str, image: Image) -> tuple[StoredImage, bytes]:
    _check_text(f"{path}.alt", image.alt)
    data, name = _read(path, image.source)
    for magic, offset, media_type, suffix in _PICTURES:
        if data[offset : offset + len(magic)] == magic:
            shown = f"{Path(name).stem if name else 'image'}{suffix}"
            return StoredImage(image.alt, _file_name(path, shown), media_type, len(data), _digest(data)), data
    raise InvalidRequest(path, "is not a PNG, JPEG, GIF or WebP picture; use File for anything else")


def _store_file(path: str, file: File) -> tuple[StoredFile, bytes]:
    data, own = _read(path, file.source)
    name = _file_name(path, file.name if file.name is not None else own)
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StoredFile(name, media_type, len(data), _digest(data)), data


def _file_name(path: str, name: str | None) -> str:
    if not name or not name.strip() or len(name) > _LONGEST_NAME:
        raise InvalidRequest(
            f"{path}.name", f"must be 1 to {_LONGEST_NAME} characters; it is compulsory with bytes"
        )
    if any(unicodedata.category(character)[0] == "C" or character in '/\\:*?"<>|' for character in name):
        raise InvalidRequest(f"{path}.name", f"{name!r} is not a file's plain name")
    check(name, f"{path}.name")
    return name


def _read(path: str, source: object) -> tuple[bytes, str | None]:
    """The bytes, and the file's own name where there is one."""
    if isinstance(source, bytes):
        data, name = source, None
    elif isinstance(source, str | Path):
        name = Path(source).name
        try:
            with Path(source).open("rb") as opened:
                data = opened.read(FILE_LIMIT + 1)
        except (OSError, ValueError) as error:
            raise _Unreadable(
                f"{source} cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error
    else:
        raise InvalidRequest(path, f"{type(source).__name__} is neither bytes nor a path")
    if not data:
        raise InvalidRequest(path, "is empty")
    if len(data) > FILE_LIMIT:
        raise InvalidRequest(path, f"has more than {FILE_LIMIT:,} bytes; link to it instead")
    return data, name


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
