"""Who people are, as text that surfaces hand in: `local:ana`, `web:ana`, `token:ci`, `slack:T1:U2`, `telegram:7`."""

from __future__ import annotations

import os
import pwd
from typing import NewType

PersonId = NewType("PersonId", str)
"""One account of a person on one surface; ids are the platform's immutable ones, never display names."""


def local_person() -> PersonId:
    """The OS user that runs this process, as `local:<name>` (the numeric id where the user has no name)."""
    user_id = os.getuid()
    try:
        return PersonId(f"local:{pwd.getpwuid(user_id).pw_name}")
    except KeyError:
        return PersonId(f"local:{user_id}")
