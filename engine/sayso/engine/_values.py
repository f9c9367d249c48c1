"""Stored values: what may be stored, how it becomes JSON, and back.

A stored value is None, bool, int, finite float, str, list, or dict with str keys. Anything else is refused with
its path, because it would come back changed.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, TypeAlias, cast

import msgspec

from sayso.engine.errors import UnstorableValue, ValueTooLarge

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A stored value."""

VALUE_LIMIT = 1_000_000
"""The default limit of one stored value, in bytes of JSON."""

_SHORT = 1000
"""A text of fewer characters, all ASCII, fits: a limit is never as low, and it has no surrogates."""

_SIMPLE = frozenset({str, int, bool, type(None)})

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[Json] = msgspec.json.Decoder()


def encode(value: object, path: str, limit: int = VALUE_LIMIT) -> str:
    """The JSON of a stored value; `path` names it in errors.

    Raises `UnstorableValue` with the path of the offending part, and `ValueTooLarge` above `limit` bytes.
    """
    try:
        _check(value, path)
        data = _encoder.encode(value)
    except RecursionError:
        raise UnstorableValue(path, "it is nested too deeply or contains itself") from None
    except UnicodeEncodeError:
        raise UnstorableValue(
            path, "it contains text with a lone surrogate, which is not valid Unicode"
        ) from None
    except ValueError as error:
        raise UnstorableValue(path, f"it contains a number that is too long: {error}") from None
    if len(data) > limit:
        raise ValueTooLarge(path, len(data), limit)
    return data.decode()


def to_json(value: object) -> str:
    """The JSON of a value that is known to be storable, with its keys in their order."""
    return _encoder.encode(value).decode()


def encode_sorted(value: object) -> bytes:
    """The canonical JSON that digests are taken of: keys sorted, no spaces."""
    return _sorted_encoder.encode(value)


def decode(text: str | bytes) -> Json:
    """The value of JSON that `encode` wrote."""
    return _decoder.decode(text)


def decode_dict(text: str | bytes) -> dict[str, Json]:
    """The value of JSON that is known to be an object."""
    value = _decoder.decode(text)
    assert isinstance(value, dict)
    return value


def digest(data: str | bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def check(value: object, path: str, limit: int = VALUE_LIMIT) -> None:
    """Raise what `encode` raises: for a value that is not written yet."""
    if value is None or (type(value) is str and len(value) < _SHORT and value.isascii()):
        return
    encode(value, path, limit)


def copy_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    """A deep copy of plain data; what a node keeps in its live state beyond that is shared."""
    return {key: _copy(item) for key, item in value.items()}


def _copy_list(value: list[Any]) -> list[Any]:
    return [_copy(item) for item in value]


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return copy_dict(value)  # pyright: ignore[reportUnknownArgumentType]
    return _copy_list(value) if type(value) is list else value  # pyright: ignore[reportUnknownArgumentType]


def _check(value: object, path: str) -> None:
    """Raise `UnstorableValue` unless the value is a stored value. Types are compared exactly: a subclass comes
    back as its parent.
    """
    kind = type(value)
    if kind in _SIMPLE:
        return
    if kind is dict:
        _check_dict(cast("dict[object, object]", value), path)
    elif kind is list:
        for index, item in enumerate(cast("list[object]", value)):
            if type(item) not in _SIMPLE:
                _check(item, f"{path}[{index}]")
    elif kind is float:
        if not math.isfinite(cast("float", value)):
            raise UnstorableValue(path, f"{value!r} is not a finite number")
    else:
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        raise UnstorableValue(path, f"it is a {name}")


def _check_dict(value: dict[object, object], path: str) -> None:
    for key, item in value.items():
        if type(key) is not str:
            raise UnstorableValue(path, f"its key {key!r} is a {type(key).__name__}, not a str")
        if type(item) not in _SIMPLE:
            _check(item, f"{path}[{key!r}]")
