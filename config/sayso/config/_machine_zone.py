"""The time zone of the machine, as its rules are at each instant, and whether there is the one that is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfoNotFoundError

from sayso.config._errors import InvalidSettings

if TYPE_CHECKING:
    from pathlib import Path

    from sayso.config._settings import Settings


class MachineZone(tzinfo):
    """The machine's own zone, by whatever it is set: `/etc/localtime`, `TZ=Europe/Berlin` or `TZ=CET-1CEST,...`.

    A fixed offset, such as today's, is wrong by an hour behind the next change of the clocks; this one asks the system
    about each instant.
    """

    def fromutc(self, dt: datetime) -> datetime:
        """The local time of an instant."""
        local = dt.replace(tzinfo=UTC).astimezone()
        fold = int(_local(local.replace(fold=0)).utcoffset() != local.utcoffset())
        return local.replace(tzinfo=self, fold=fold)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """What the local time is ahead of UTC then; of a time that comes twice, by its `fold`."""
        return None if dt is None else _local(dt).utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:  # noqa: ARG002 - one signature for all zones
        """Unknown: the system tells offsets alone."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """What the zone is called then."""
        return None if dt is None else _local(dt).tzname()


def _local(dt: datetime) -> datetime:
    return dt.replace(tzinfo=None).astimezone()


def check_zone(settings: Settings, path: Path) -> None:
    """Raise `InvalidSettings` for a time zone that there is not."""
    try:
        _ = settings.zone
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidSettings(
            str(path),
            "time_zone",
            f"unknown time zone: {settings.time_zone!r}",
            "Use one such as Europe/Berlin or UTC.",
        ) from error
