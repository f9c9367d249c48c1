"""The time zone of the machine, as its rules are at each instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


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
