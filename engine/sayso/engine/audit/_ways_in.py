"""Whose accounts are, and what lets somebody in over HTTP: the trail's word against the tables."""

from __future__ import annotations

from sayso.engine._audience import canonical
from sayso.engine._records import AuditRow
from sayso.engine.audit._problems import Findings
from sayso.engine.store import Thing, read_facts


class WaysIn:
    """Follows the rows that belong to no run; what is in the tables fits into memory."""

    def __init__(self) -> None:
        self._seals: dict[Thing, tuple[str, int]] = {}
        self._agreed: dict[str, str] = {}

    def take(self, row: AuditRow, findings: Findings) -> None:
        """The next row."""
        self._follow_link(row, findings)
        for thing, seal in read_facts(row.facts):
            if seal is None:
                self._seals.pop(thing, None)
            else:
                self._seals[thing] = seal, row.sequence

    def _follow_link(self, row: AuditRow, findings: Findings) -> None:
        """Codes that are not used up have no seals: who agreed to one, its rows say."""
        said = row.payload if isinstance(row.payload, dict) else {}
        if row.kind == "link_agreed" and row.person is not None:
            self._agreed[canonical(str(said.get("made_by")))] = row.person
        accounts = said.get("accounts")
        if row.kind == "account_linked" and isinstance(accounts, list):
            sender = self._agreed.pop(canonical(str(row.person)), None)
            if sender not in accounts:
                findings.row(row.sequence, "it links accounts, and no row says that the other one agreed")

    def compare(self, stored: dict[Thing, str], findings: Findings) -> None:
        """Compare what the rows said with what is in the tables."""
        for thing, seal in stored.items():
            findings.checked(str(thing[0]))
            said, sequence = self._seals.get(thing, (None, 0))
            if said is None:
                findings.stored(
                    *_shown(thing), 0, "no row of the trail says that it was created or still exists"
                )
            elif said != seal:
                reason = f"it differs from what row {sequence} of the trail left"
                findings.stored(*_shown(thing), sequence, reason)
        for thing, (_, sequence) in self._seals.items():
            if thing not in stored:
                reason = f"it is missing, and was there after row {sequence}"
                findings.stored(*_shown(thing), sequence, reason)


def _shown(thing: Thing) -> tuple[str, str]:
    return str(thing[0]), str(thing[1])
