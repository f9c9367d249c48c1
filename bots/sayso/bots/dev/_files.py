"""Which files make up somebody's code, and when they have changed.

Files are looked at and not announced by the system: that works on every file system, shared folders of containers
included. An editor writes a file in several steps, or puts another in its place, and a change of branches writes many:
a change counts once nothing has changed any more for a moment.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from sayso.config import FILE_NAME

_EVERY = 0.2
"""Seconds from look to look."""


class Version(NamedTuple):
    """What tells one content of a file from another, without reading it."""

    changed_at: int
    size: int
    number: int


Seen: TypeAlias = Mapping[Path, Version]
"""The files that there were at a look."""


@dataclass(frozen=True, slots=True)
class Files:
    """The Python files of some folders, and the settings in the first."""

    folders: tuple[Path, ...]

    def look(self) -> Seen:
        """The files as they are now."""
        found: dict[Path, Version] = {}
        for path in (self.folders[0] / FILE_NAME, *self._python()):
            try:
                stat = path.stat()
            except OSError:
                continue  # an editor is putting another in its place
            found[path] = Version(stat.st_mtime_ns, stat.st_size, stat.st_ino)
        return found

    async def change(self, seen: Seen) -> None:
        """Wait until they are otherwise than they were seen, and rest."""
        last = seen
        while True:
            await asyncio.sleep(_EVERY)
            now = self.look()
            if now == last and now != seen:
                return
            last = now

    def _python(self) -> Iterable[Path]:
        for folder in self.folders:
            try:
                yield from folder.glob("*.py")
            except OSError:
                continue


def folders_of_code(directory: Path, also: Iterable[str] = ()) -> tuple[str, ...]:
    """The folders below a directory, itself first, from which this process has loaded modules: those of its author.
    Those of `also`, files, are among them.
    """
    libraries = tuple({Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")})
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    parents = {Path(file).parent for file in (*loaded, *also) if isinstance(file, str)}
    own = {
        one
        for one in parents
        if one.is_relative_to(directory) and not any(one.is_relative_to(library) for library in libraries)
    }
    return tuple(map(str, (directory, *sorted(own - {directory}))))
