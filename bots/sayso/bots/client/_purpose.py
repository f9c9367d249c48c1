"""What a database is for. In development one person answers for everybody: that must never count for real, nor must
anybody answer like that what is asked for real.
"""

from __future__ import annotations

from sayso.engine import OperatorError, Store

_SURFACE, _KEY = "development", "purpose"


class WrongPurpose(OperatorError):
    """A development server was given a database of runs that are real, or another service one of development."""

    def __init__(self, name: str, *, is_development: bool) -> None:
        self.name = name
        words = (
            "was made by `sayso dev`, where one person answers for everybody. Use another for real approvals."
        )
        if is_development:
            words = (
                "was not made by `sayso dev`, which lets one person answer for everybody. Choose a new file."
            )
        super().__init__(f"database {name} {words}")


async def check_purpose(store: Store, *, is_development: bool) -> None:
    """Make a new database one of development, or not. Raises `WrongPurpose` for one that is the other, `StoreError`."""
    was = await store.kept(_SURFACE, _KEY) is not None
    if was and not is_development:
        raise WrongPurpose(store.name, is_development=False)
    if is_development and not was:
        if await store.reader.audit_head():
            raise WrongPurpose(store.name, is_development=True)
        await store.keep(_SURFACE, _KEY, value=True)
