"""How people read and write numbers, dates and times where they are, as far as their locale tells."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Final

_LANGUAGES: Final = {
    ",": """
        af az be bg bs ca cs da de el et eu fi fr gl hr hu hy id is it ka kk lt lv mk nb nl nn no pl pt ro ru sk sl sq
        sr sv tr uk uz vi es-AR es-BO es-CL es-CO es-CR es-EC es-ES es-PY es-UY es-VE
    """,
    ".": """
        bn cy fil ga he hi ja ko ms mt sw ta te th ur zh de-CH de-LI es-DO es-GT es-HN es-MX es-NI es-PA es-PE es-PR
        es-SV es-US it-CH en-AU en-CA en-GB en-IE en-IN en-NZ en-PH en-SG en-US
    """,
}
"""Languages, and countries where they differ, by what stands before their decimals (unicode.org/cldr). Spanish alone is
written in both ways, and English alone by people of everywhere.
"""

_DATES: Final = {
    "%d.%m.%Y": """
        az be bg bs cs da de et fi hr hy is ka kk lv mk nb nn no pl ro ru sk sl sq sr tr uk
    """,
    "%d/%m/%Y": """
        ca cy el es fr ga gl he hi id it ms nl pt sw th ur vi en-AU en-GB en-IE en-IN en-NZ en-SG
    """,
    "%m/%d/%Y": "en-US",
}
"""The same by how a date is written."""

_IN_WORDS: Final = "%d %b %Y"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not as the locale of the process has them."""

_END = re.compile(r"[,;.@]")


def _turned(table: dict[str, str]) -> dict[str, str]:
    return {tag: value for value, tags in table.items() for tag in tags.split()}


_DECIMAL_OF: Final = _turned(_LANGUAGES)
_DATE_OF: Final = _turned(_DATES)


@dataclass(frozen=True, slots=True)
class Locale:
    """What is settled for somebody: the `decimal` sign, how a `date` is written (as for `strftime`), and the `zone` of
    times that name none. Empty is what nobody knows; then what could mean two things is asked about, and dates are
    written as ISO text.
    """

    decimal: str = ""
    date: str = ""
    zone: tzinfo = UTC

    @classmethod
    def of(cls, tag: str | None, zone: tzinfo = UTC) -> Locale:
        """What a language tag settles, such as `de`, `en-GB`, `pt_BR.UTF-8`; the first one of a browser's list."""
        first = _END.split(tag or "", maxsplit=1)[0].strip().replace("_", "-")
        language, *others = first.split("-")
        language = language.lower()
        region = next((one.upper() for one in others if len(one) == 2), "")  # noqa: PLR2004 - a country's code

        def found(table: dict[str, str]) -> str:
            return table.get(f"{language}-{region}", table.get(language, ""))

        return cls(found(_DECIMAL_OF), found(_DATE_OF), zone)

    def number(self, value: float) -> str:
        """A number as its reader writes it, without groups."""
        text = repr(value)
        return text.replace(".", ",") if self.decimal == "," and "e" not in text else text

    def day(self, iso: str) -> str:
        """A date of ISO text; what is none stays as it is."""
        try:
            return self._written(datetime.fromisoformat(iso))
        except ValueError:
            return iso

    def instant(self, iso: str) -> str:
        """A time of ISO text, in the zone; what is none stays as it is."""
        try:
            at = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        local = at if at.tzinfo is None else at.astimezone(self.zone)
        if self.date == _IN_WORDS:
            return f"{self._written(local)}, {local:%H:%M %Z}".rstrip()
        return f"{self._written(local)} {local:%H:%M}"

    @property
    def for_reading(self) -> Locale:
        """The same for what is read and not typed: dates whose order nobody knows have their month in words."""
        return self if self.date else replace(self, date=_IN_WORDS)

    def _written(self, day: datetime) -> str:
        if self.date == _IN_WORDS:
            return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
        return day.strftime((self.date or "%Y-%m-%d").replace("%Y", f"{day.year:04}"))


def instant_in_words(at: datetime) -> str:
    """An instant for readers of whom nothing is known, in its own time zone: `28 Nov 2026, 17:30 UTC`."""
    zone = at.tzinfo or UTC
    return Locale(zone=zone).for_reading.instant(at.isoformat())


ANYWHERE: Final = Locale()
"""Of somebody of whom nothing is known."""
