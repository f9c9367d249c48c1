"""What a team's request must do, written anew from the decision table: a model without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sayso.engine import OutcomeKind, RequestStatus

MINUTE = timedelta(minutes=1)
EXPIRES, ESCALATES, REMINDS = 300 * MINUTE, 60 * MINUTE, 20 * MINUTE
GRACE = timedelta(seconds=5)

LISTED = {
    "slack:T1:U1": "person:ana",
    "telegram:1": "person:ana",
    "slack:T1:U2": "person:bo",
    "web:bo": "person:bo",
    "slack:T1:U3": "person:cho",
    "telegram:4": "person:dee",
}
"""The accounts that the settings list. Eve's two are hers only once they are linked."""

EVE = ("slack:T1:U5", "telegram:5")
ACCOUNTS = (*LISTED, *EVE)
REQUESTER = "slack:T1:U2"


@dataclass
class Ballot:
    """A vote as it counts: of whom, and whether they belonged to the group then."""

    approves: bool
    is_in_group: bool
    alone: bool
    order: int


@dataclass
class Request:
    """One open question: two of @sre (one veto, two rejections), and Bo or Cho; Dee as well after an hour."""

    asked_at: datetime
    status: RequestStatus = RequestStatus.PENDING
    approved: bool = False
    ballots: dict[str, Ballot] = field(default_factory=dict[str, Ballot])
    reminders: int = 0
    reminds_at: datetime = field(init=False)
    is_escalated: bool = False

    def __post_init__(self) -> None:
        self.reminds_at = self.asked_at + REMINDS


class Team:
    """People, their links and the group, and the one request that they vote on."""

    def __init__(self, now: datetime) -> None:
        self.group = {"person:ana", "person:cho"}
        self.is_eve_linked = False
        self.request = Request(now)
        self._count = 0

    def person(self, account: str) -> str:
        """Whose an account is."""
        if account in EVE:
            return "eve" if self.is_eve_linked else account
        return LISTED[account]

    def in_group(self, account: str) -> bool:
        """Whether the group has them now."""
        return self.person(account) in self.group

    def vote(self, account: str, now: datetime, *, approves: bool, alone: bool = False) -> OutcomeKind:
        """What becomes of a vote."""
        request, person = self.request, self.person(account)
        ballot = Ballot(approves, self.in_group(account), alone, self._count)
        if not self._may(person, ballot, now):
            return OutcomeKind.NOT_ALLOWED
        if request.status is RequestStatus.ANSWERED:
            return OutcomeKind.ALREADY_ANSWERED
        if request.status is RequestStatus.EXPIRED or now > request.asked_at + EXPIRES:
            return OutcomeKind.EXPIRED
        mine = self._of_people().get(person)
        if mine is not None and (mine.approves, mine.alone) == (approves, alone):
            return OutcomeKind.DUPLICATE
        self._count += 1
        ballot.order = self._count
        for other in [one for one in request.ballots if self.person(one) == person]:
            del request.ballots[other]
        request.ballots[account] = ballot
        decision = self._decision(now)
        if decision is None:
            return OutcomeKind.COUNTED
        request.status, request.approved = RequestStatus.ANSWERED, decision
        return OutcomeKind.RESOLVED

    def tick(self, now: datetime) -> None:
        """What happens by itself when that instant has come."""
        request = self.request
        if request.status is not RequestStatus.PENDING:
            return
        if now >= request.asked_at + EXPIRES + GRACE:
            request.status = RequestStatus.EXPIRED
            return
        request.is_escalated = request.is_escalated or now >= request.asked_at + ESCALATES
        if now >= request.reminds_at:
            request.reminders += 1
            request.reminds_at = now + REMINDS * 2**request.reminders

    # The table.

    def _of_people(self) -> dict[str, Ballot]:
        """The current vote of each person: of two by accounts that were linked later, the later one."""
        found: dict[str, Ballot] = {}
        for account, ballot in sorted(self.request.ballots.items(), key=lambda one: one[1].order):
            found[self.person(account)] = ballot
        return found

    def _is_in_stages(self, person: str, ballot: Ballot, now: datetime) -> tuple[bool, bool]:
        """Whether a vote is one of the first stage, and of the second."""
        late = person == "person:dee" and now >= self.request.asked_at + ESCALATES
        return ballot.is_in_group or late, person in {"person:bo", "person:cho"} or late

    def _may(self, person: str, ballot: Ballot, now: datetime) -> bool:
        if ballot.alone:
            return person == "person:cho"
        asked = any(self._is_in_stages(person, ballot, now)) or person == "person:ana"
        return asked and not (ballot.approves and person == LISTED[REQUESTER])

    def _decision(self, now: datetime) -> bool | None:
        votes = {person: one for person, one in self._of_people().items() if self._may(person, one, now)}
        stages = [
            {person: one for person, one in votes.items() if self._is_in_stages(person, one, now)[number]}
            for number in (0, 1)
        ]
        ana = votes.get("person:ana")
        if ana is not None and not ana.approves:
            return False
        rejections = [sum(not one.approves for one in stage.values()) for stage in stages]
        if rejections[0] >= 2 or rejections[1] >= 1:
            return False
        if any(one.alone for one in votes.values()):
            return True
        approvals = [sum(one.approves for one in stage.values()) for stage in stages]
        return True if approvals[0] >= 2 and approvals[1] >= 1 else None
