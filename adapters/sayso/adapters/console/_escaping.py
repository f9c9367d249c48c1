"""Making text safe to show: what commands a terminal or a spreadsheet, hides text or reorders it, becomes visible."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_JOINERS = frozenset("\u200c\u200d")
"""Zero-width (non-)joiners: Persian and emoji need them, and they hide nothing."""

_SPECIAL = re.compile(
    r"[^ -~\n\u00a1-\u00ac\u00ae-\u02ff\u0370-\u052f\u3001-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]"
)
"""What is looked at one by one, all but plain letters: half a megabyte must not hold up whoever shows it."""

_HIDDEN = frozenset({"Cf", "Cs", "Co", "Zl", "Zp"})
BAR = "│ "
_FORMULA_STARTS = ("=", "+", "-", "@")


def visible(text: str) -> str:
    r"""Text of one or more lines with every control, formatting or bidi character shown as `\x1b` or `<U+202E>`.

    Right-to-left letters stay as they are; only what overrides the order of others is shown.
    """
    return _SPECIAL.sub(lambda found: _shown(found[0]), text.replace("\r\n", "\n").replace("\t", "    "))


def visible_line(text: str) -> str:
    r"""As `visible`, on one line: a line break is shown as `\n`."""
    return visible(text).replace("\n", "\\n")


def set_off(text: str) -> str:
    """Visible text with a bar before each line but the first, so that none passes for a line of the card itself."""
    return (text.rstrip("\n") or text).replace("\n", f"\n{BAR}")


def quoted(text: str) -> str:
    """As `set_off`, but a text of several lines starts on a new line: for what follows a label."""
    return f"\n{BAR}{set_off(text)}" if "\n" in text else text


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character in _JOINERS:
        return character
    category = unicodedata.category(character)
    if category == "Cc":
        return f"\\x{ord(character):02x}"
    return f"<U+{ord(character):04X}>" if category in _HIDDEN else character


def csv_cell(value: object) -> str:
    """A cell that a spreadsheet shows as text: with an apostrophe before what it would take for a formula
    (owasp.org, "CSV Injection").
    """
    text = "" if value is None else visible_line(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text
