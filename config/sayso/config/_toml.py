"""Values as `sayso.toml` has them."""

from __future__ import annotations

import json
from typing import Any


def to_toml(value: Any) -> str:
    """A text, number, truth or list of these: TOML writes them as JSON does, but for one character that JSON leaves as
    it is.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
