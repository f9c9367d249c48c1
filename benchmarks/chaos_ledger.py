"""The ledger of a chaos run: what each person pressed and was told, held against what is stored in the end.

What is stored is read from the file, read-only, and replayed from the audit trail by rules written down here a second
time: who is one person when, whose vote counts, and what the votes come to.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks.chaos_stage import Human, Question
from sayso.engine import AuditRow, SQLiteReader, verify_audit

APPROVE = "approve"
ONCE, TWICE, REPEATED, OLD = (
    "honest: once", "honest: twice at once", "honest: repeated by the network", "honest: on a message without content",
)  # fmt: skip
SHOWN = (
    "requested", "card_forged", "request_reassigned", "account_recognised", "account_linked", "account_unlinked",
    "answer_refused",
)  # fmt: skip
"""Rows of the trail that the account counts."""


class Told(StrEnum):
    """What somebody was told about a press, by what they have to do next."""

    COUNTED = "counted"
    DUPLICATE = "you have already"
    CLOSED = "closed, expired or decided"
    NOT_ASKED = "not asked"
    FOUR_EYES = "requested it"
    HANDED_OVER = "handed it over"
    AGAIN = "press again"
    STUCK = "still doesn't match"
    NOT_CHECKED = "could not be checked"
    SILENT = "acknowledged, words lost"
    UNHEARD = "not acknowledged"
    OTHER = "something else"


_MEANINGS = {
    r"(Approved|Rejected)\. The workflow": Told.COUNTED,
    r"Your (approval|rejection) was counted": Told.COUNTED,
    r"Changed to": Told.COUNTED,
    r"You (approved|rejected)\. Decided": Told.COUNTED,
    r"You already ": Told.DUPLICATE,
    r".+ already (approved|rejected) ": Told.CLOSED,
    r"This (closed|was already|was withdrawn|was cancelled)": Told.CLOSED,
    r".+ (withdrew|cancelled) this": Told.CLOSED,
    r"You aren't an approver": Told.NOT_ASKED,
    r"You requested this": Told.FOUR_EYES,
    r"You handed this over": Told.HANDED_OVER,
    r"This card was out of date": Told.AGAIN,
    r"This card isn't ready": Told.AGAIN,
    r"This card is too old": Told.AGAIN,
    r"This message isn't the card": Told.AGAIN,
    r"That took too long": Told.AGAIN,
    r"Not recorded yet": Told.AGAIN,
    r"(The form could not be|Slack could not (open|show) this|This took too long)": Told.AGAIN,
    r"You have answered this since": Told.DUPLICATE,
    r"This (is already done|was out of date|still isn't)": Told.AGAIN,
    r"This (card still|still doesn't)": Told.STUCK,
    r"Not (counted|saved|done: it could not be)": Told.NOT_CHECKED,
    r"Your accounts changed": Told.NOT_CHECKED,
}
"""What the beginnings of replies mean, the first that fits."""
FINAL = (Told.COUNTED, Told.DUPLICATE, Told.CLOSED, Told.NOT_ASKED, Told.FOUR_EYES, Told.HANDED_OVER)
ANSWERED_WITHIN = 5.0
NOBODY_THERE_WITHIN = 2.5
"""Seconds in which Slack says by itself that nobody is connected; later, somebody was and did not answer it."""
REFUSED = (Told.NOT_ASKED, Told.FOUR_EYES, Told.HANDED_OVER)


def told_by(words: str | None, *, is_acknowledged: bool) -> Told:
    """What words mean for whoever was told them."""
    if not is_acknowledged:
        return Told.UNHEARD
    if not words:
        return Told.SILENT
    return next((told for start, told in _MEANINGS.items() if re.match(start, words)), Told.OTHER)


@dataclass(eq=False)
class Pressed:
    """One press. `keys` are those under which the store may have recorded it: a repetition has one of its own in
    Telegram. It was heard after `seconds`; with `is_undisturbed` the service lived and nothing broke meanwhile.
    """

    human: Human
    account: str
    question: Question
    value: str
    how: str
    keys: list[str] = field(default_factory=list[str])
    told: Told = Told.UNHEARD
    words: str | None = None
    heard_at: datetime | None = None
    seconds: float = 0.0
    is_undisturbed: bool = False

    @property
    def is_unanswered(self) -> bool:
        """Whether nobody said anything to them in time."""
        match self.told:
            case Told.SILENT:
                return True
            case Told.UNHEARD:
                return self.seconds > NOBODY_THERE_WITHIN
            case _:
                return self.seconds > ANSWERED_WITHIN

    def __str__(self) -> str:
        """For whoever has to find out."""
        return (
            f"{self.question.run_id}: {self.human.name} {self.value}, {self.how}, {self.keys}: {self.words!r}"
        )


@dataclass
class Account:
    """What must be nothing, by its name, and all that is only counted."""

    wrong: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    misrouted: list[str] = field(default_factory=list[str])
    forged: list[str] = field(default_factory=list[str])
    not_theirs: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    false_alarms: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])
    false_cards: list[str] = field(default_factory=list[str])
    unhealthy: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    told: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter[str]))

    @property
    def must_be_none(self) -> dict[str, list[str]]:
        """The account that must be 0."""
        return {
            "wrong answers": self.wrong,
            "doubled (a vote, an answer, a step)": self.doubled,
            "misrouted": self.misrouted,
            "forged presses that counted": self.forged,
            "counted of people who may not": self.not_theirs,
            "honest presses refused for good": self.refused,
            "told that it counted, and not stored": self.lost,
            "operators alarmed for nothing": self.false_alarms,
            "people without an answer after 5 s": self.unanswered,
            "cards that are not true in the end": self.false_cards,
            "parts that stay unhealthy": self.unhealthy,
            "problems of the trail, of the platforms and the end": self.problems,
        }

    @property
    def is_right(self) -> bool:
        """Whether all of that is 0."""
        return not any(self.must_be_none.values())


@dataclass
class Ledger:
    """What was asked, and what people did and were told."""

    questions: list[Question] = field(default_factory=list[Question])
    presses: list[Pressed] = field(default_factory=list[Pressed])
    refused: list[str] = field(default_factory=list[str])
    false_cards: list[str] = field(default_factory=list[str])
    unhealthy: list[str] = field(default_factory=list[str])

    async def account(self, database: Path, log: Path) -> Account:
        """Hold it against what is stored."""
        account = Account(refused=list(self.refused), false_cards=self.false_cards, unhealthy=self.unhealthy)
        stored = _accepted(database)
        self._hold_votes(stored, account)
        async with SQLiteReader(database) as reader:
            rows = [row async for row in reader.audit()]
            report = await verify_audit(reader)
        account.problems += [f"the trail: {problem.reason}" for problem in report.problems]
        replay = Replay(self.questions, account)
        replay.play(rows)
        self._hold_words({vote.key for vote in stored}, replay, account)
        done = _published(log)
        _hold_ends(database, replay, done, account)
        _hold_steps(done, replay, account)
        return account

    def _hold_votes(self, stored: list[Stored], account: Account) -> None:
        """Every vote that was recorded is one press, of this person, in this card, for this answer."""
        known = {key: pressed for pressed in self.presses for key in pressed.keys}
        for vote in stored:
            pressed = known.get(vote.key)
            if pressed is None:
                account.wrong.append(f"nobody pressed {vote}")
            elif pressed.how.startswith("forged"):
                account.forged.append(str(pressed))
            elif pressed.question.run_id != vote.run_id or pressed.account != vote.person:
                account.misrouted.append(f"{pressed} is recorded as {vote}")
            elif pressed.value != vote.value:
                account.wrong.append(f"{pressed} is recorded as {vote}")
            elif pressed.question.may(pressed.human, pressed.value) is False:
                account.not_theirs.append(str(pressed))
        by_press = Counter(known[vote.key] for vote in stored if vote.key in known)
        account.doubled += [
            f"recorded {count} times: {press}" for press, count in by_press.items() if count > 1
        ]

    def _hold_words(self, keys: set[str], replay: Replay, account: Account) -> None:
        """What people were told is so; whoever may answer was not told that they may not, and no forged press came as
        far as that anybody asked who pressed.
        """
        voted = {(one.human, one.question.number) for one in self.presses if not keys.isdisjoint(one.keys)}
        fits: dict[Told, Callable[[Pressed], bool]] = {
            Told.COUNTED: lambda one: not keys.isdisjoint(one.keys),
            Told.DUPLICATE: lambda one: (one.human, one.question.number) in voted,
            **dict.fromkeys(REFUSED, replay.may_be_refused),
        }
        unheard: defaultdict[tuple[Human, object], list[Pressed]] = defaultdict(list)
        for pressed in self.presses:
            account.told[pressed.how][pressed.told] += 1
            counted = not keys.isdisjoint(pressed.keys)
            account.counts["votes"] += counted
            account.counts["not acknowledged, and counted once"] += pressed.told is Told.UNHEARD and counted
            waiting = unheard[pressed.human, pressed.question.channel]
            is_answered_twice = pressed.how in (TWICE, REPEATED)
            if pressed.told in (Told.UNHEARD, Told.SILENT) or is_answered_twice:
                waiting += [pressed] if pressed.account.startswith("slack:") else []
            if pressed.is_undisturbed and pressed.is_unanswered:
                account.unanswered.append(f"{pressed.seconds:.1f} s: {pressed}")
            if pressed.told is Told.OTHER:
                account.problems.append(f"words that nobody expected: {pressed}")
            elif pressed.told in fits and not fits[pressed.told](pressed):
                self._hold_against_earlier(pressed, fits[pressed.told], waiting, account)

    @staticmethod
    def _hold_against_earlier(
        pressed: Pressed, fits: Callable[[Pressed], bool], waiting: list[Pressed], account: Account
    ) -> None:
        """In Slack words can come late: then they are those of an earlier press in the same channel."""
        earlier = next((one for one in waiting if fits(one)), None)
        if earlier is not None and pressed.account.startswith("slack:"):
            waiting[waiting.index(earlier)] = pressed
        elif pressed.how.startswith("forged"):
            account.forged.append(f"it came as far as the card's own: {pressed}")
        else:
            (account.refused if pressed.told in REFUSED else account.lost).append(str(pressed))


@dataclass(frozen=True, slots=True)
class Stored:
    """A vote as it was recorded."""

    key: str
    run_id: str
    person: str
    value: Any


def _accepted(database: Path) -> list[Stored]:
    """Every vote that was recorded."""
    query = """
        SELECT event_key, run_id, person, value FROM events JOIN requests USING (request_key) JOIN runs USING (run_key)
        WHERE outcome IN ('resolved', 'counted', 'held')
    """
    return [
        Stored(str(key), str(run_id), str(person), json.loads(value))
        for key, run_id, person, value in _rows(database, query)
    ]


def references(database: Path) -> list[str]:
    """The messages that are known to be cards."""
    return [
        str(row[0]) for row in _rows(database, "SELECT reference FROM deliveries WHERE reference IS NOT NULL")
    ]


def _published(log: Path) -> Counter[str]:
    """How often steps ran, by the number of their question."""
    return Counter(log.read_text().split()) if log.exists() else Counter[str]()


def _rows(database: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class Replay:
    """The trail, read once more: who is one person, what each request's votes come to, and whether it decided so."""

    def __init__(self, questions: Iterable[Question], account: Account) -> None:
        self._questions = {one.run_id: one for one in questions}
        self._account = account
        self._whose: dict[str, str] = {}
        self._votes: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._requesters: dict[str, set[str]] = {}
        self.decided: dict[str, str] = {}
        self._decided_at: dict[str, datetime] = {}
        self.asked: set[str] = set()

    def play(self, rows: Iterable[AuditRow]) -> None:
        """Take all rows in, in their order."""
        for one in self._questions.values():
            for human in one.named:
                if human.name == "Zoe":
                    self._whose |= dict.fromkeys(human.accounts, "person:zoe")
        for row in rows:
            if row.kind in SHOWN:
                self._account.counts[row.kind.replace("_", " ")] += 1
            self._take(row)

    def may_be_refused(self, pressed: Pressed) -> bool:
        """Whether somebody may hear that this answer is not theirs: of a forged press once the question is closed
        alone, for before that nobody asks who pressed.
        """
        if pressed.question.may(pressed.human, pressed.value) is True:
            return False
        decided_at = self._decided_at.get(pressed.question.run_id)
        is_closed = decided_at is not None and pressed.heard_at is not None and decided_at <= pressed.heard_at
        return is_closed or not pressed.how.startswith("forged")

    def _take(self, row: AuditRow) -> None:
        payload: Any = row.payload
        match row.kind:
            case "account_linked":
                self._whose[payload["account"]] = payload["whose"]
            case "account_unlinked":
                self._whose.pop(payload["account"], None)
            case "requested":
                self._asked(str(row.run_id), row.person)
            case "request_reassigned":
                votes = self._votes[str(row.run_id)]
                for account in [one for one in votes if self._one(one) == self._one(payload["person"])]:
                    del votes[account]
            case "card_forged" if not self._questions[str(row.run_id)].is_attacked:
                self._account.false_alarms.append(f"{row.run_id}: {payload}")
            case "request_expired":
                self._decide(str(row.run_id), "expired", row.at)
            case "answer_accepted":
                self._answered(row, payload)
            case _:
                pass

    def _one(self, account: str) -> str:
        return self._whose.get(account, account)

    def _asked(self, run_id: str, requester: str | None) -> None:
        if run_id in self.asked:
            self._account.doubled.append(f"{run_id} was asked twice")
        self.asked.add(run_id)
        if requester is not None:
            one = self._one(requester)
            self._requesters[run_id] = {requester, one, *(a for a, b in self._whose.items() if b == one)}

    def _answered(self, row: AuditRow, payload: dict[str, Any]) -> None:
        run_id, person = str(row.run_id), str(row.person)
        question, value = self._questions[run_id], str(payload["value"])
        if run_id in self.decided:
            self._account.doubled.append(f"{run_id} was answered after its end, by {person}")
            return
        mine = {person, self._one(person)}
        theirs = self._requesters.get(run_id, set())
        if question.requester is not None and value == APPROVE and mine & {*theirs, *map(self._one, theirs)}:
            self._account.not_theirs.append(f"{run_id}: the requester approved, as {person}")
        votes = self._votes[run_id]
        votes.pop(person, None)
        votes[person] = value
        people = {self._one(account): cast for account, cast in votes.items()}
        approvals = sum(cast == APPROVE for cast in people.values())
        expected = (
            "reject" if "reject" in people.values() else APPROVE if approvals >= question.need else None
        )
        said = payload["decided"]["value"] if payload.get("decided") else None
        if said != expected:
            kind = self._account.doubled if said == APPROVE else self._account.wrong
            kind.append(f"{run_id}: {votes} of {self._whose} decided {said!r}, not {expected!r}")
        if said is not None:
            self._decide(run_id, said, row.at)

    def _decide(self, run_id: str, value: str, at: datetime) -> None:
        if run_id in self.decided:
            self._account.doubled.append(f"{run_id} was decided twice")
        self.decided[run_id] = value
        self._decided_at[run_id] = at


def _hold_ends(database: Path, replay: Replay, done: Counter[str], account: Account) -> None:
    """Every run has ended as its votes say."""
    query = "SELECT run_id, runs.status, requests.status, answer FROM runs JOIN requests USING (run_key)"
    unruly = "SELECT run_id, status, attention FROM runs WHERE run_id LIKE 'unruly-%'"
    for run_id, run, reason in _rows(database, unruly):
        account.counts[f"unruly: {run}"] += 1
        if run not in ("COMPLETED", "FAILED", "NEEDS_ATTENTION"):
            account.problems.append(f"{run_id} is {run}: {reason}")
    for run_id, run, request, answer in _rows(database, query):
        value = None if answer is None else json.loads(answer)
        decided = replay.decided.get(run_id)
        account.counts[str(decided)] += 1
        account.counts["stopped for an operator in the middle of a step"] += run == "NEEDS_ATTENTION"
        if run not in ("COMPLETED", "NEEDS_ATTENTION"):
            account.problems.append(f"{run_id} is {run}")
        if (value or request.lower()) != decided:
            account.wrong.append(f"{run_id} is {request} with {value!r}, its votes say {decided!r}")
        if run == "COMPLETED" and decided == APPROVE and run_id.removeprefix("run-") not in done:
            account.lost.append(f"{run_id} was approved, and nothing was published")


def _hold_steps(done: Counter[str], replay: Replay, account: Account) -> None:
    """What was approved was done once, and nothing else was."""
    for number, count in done.items():
        if count > 1:
            account.doubled.append(f"run-{number} was published {count} times")
        if replay.decided.get(f"run-{number}") != APPROVE:
            account.wrong.append(f"run-{number} was published without an approval")
    account.counts["published"] = len(done)
