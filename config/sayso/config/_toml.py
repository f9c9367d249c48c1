"""Values as `sayso.toml` has them."""

from __future__ import annotations

import json
from typing import Any


def to_toml(value: Any) -> str:
    """A string, number, boolean or list of these, as TOML. It is written as in JSON, except for one character that JSON
    does not escape.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
