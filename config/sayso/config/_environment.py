"""The variables of the environment: which there are, and what is said of those that cannot be meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from sayso.config._errors import InvalidSettings
from sayso.engine import Unclear, read_json

PREFIX = "SAYSO_"
NESTED = "__"
PLACE = "the environment"

_OF_CLIENTS = frozenset({"SAYSO_URL", "SAYSO_TOKEN", "SAYSO_KEY"})
"""What programs that call the API keep in their environment."""

_OF_KUBERNETES = re.compile(
    r"SAYSO_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)=.*"
    r"|SAYSO_(?:\w+_)?PORT=(?:tcp|udp|sctp)://.*"
)
"""What Kubernetes sets in every container beside a service whose name begins with sayso
(kubernetes.io/docs/concepts/services-networking/service, "Environment variables").
"""


def check_variables(*models: type[BaseModel]) -> None:
    """Raises `InvalidSettings` for a variable that is none of the settings', with the one that it looks like."""
    known = {name: is_known for model in models for name, is_known in _variables(model)}
    for given in sorted(os.environ):
        name = given.upper()
        if not name.startswith(PREFIX) or name in _OF_CLIENTS:
            continue
        if _OF_KUBERNETES.fullmatch(f"{name}={os.environ[given]}"):
            continue
        table = name.partition(NESTED)[0]
        if name in known or (NESTED in name and known.get(table) is False):
            continue
        close = get_close_matches(name, known, n=1, cutoff=0.75)
        remedy = (
            f"Did you mean {close[0]}? Otherwise unset it."
            if close
            else "Unset it; sayso.example.toml shows every setting."
        )
        raise InvalidSettings(PLACE, given, "no such setting", remedy)


def _variables(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, bool]]:
    """The variables of settings; and of each whether all names below it are known, or are for people to choose."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        section = _section_in(field.annotation)
        yield variable, section is not None or not _is_table(field.annotation)
        if section is not None:
            yield from _variables(section, f"{variable}{NESTED}")


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) not in (None, Union, UnionType):
        return None  # a table or a list of them, whose names people choose
    kinds = (annotation, *get_args(annotation))
    return next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _is_table(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def broken_json() -> tuple[str, str]:
    """The variable that holds JSON which cannot be read, with the reason; empty where none does."""
    for name, value in sorted(os.environ.items()):
        reason = why_no_json(value) if name.upper().startswith(PREFIX) else None
        if reason is not None:
            return name, reason
    return "", "a variable is not valid JSON"


def why_no_json(value: str) -> str | None:
    """Why a value that looks like JSON is none."""
    if value.lstrip()[:1] not in tuple("[{"):
        return None
    try:
        read_json(value)
    except Unclear as error:
        return str(error)
    return None


def read_line(text: str, place: str, key: str) -> str:
    """A secret: what stands on its one line. Raises `InvalidSettings` where that is not all, or nothing."""
    line = text.removeprefix("\ufeff").strip()
    if not line:
        raise InvalidSettings(place, key, "empty", "Set the secret, or remove it.")
    if not line.isascii() or not line.isprintable():
        reason = "it contains a line break or an invalid character"
        raise InvalidSettings(place, key, reason, "Copy it again, on one line.")
    return line
