"""`sayso ask`: a question from a script, which waits for its answer and ends by it. No answer is never a yes."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from sayso.adapters.console import visible_line
from sayso.bots.cli._ask_options import (
    CodeOption,
    DetailOption,
    DiffOption,
    ExpiresAfterOption,
    FileOption,
    InputOption,
    KeepFlag,
    KeyOption,
    LinkOption,
    NoteOption,
    PolicyOption,
    QuestionArgument,
    RequestedByOption,
    ToOption,
    UrlOption,
    WaitOption,
    WithdrawFlag,
)
from sayso.bots.cli._asking import Shown, Terms, build_question, find_service
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import ServiceRefused
from sayso.bots.exit_codes import ExitCode

if TYPE_CHECKING:
    from sayso.client import Client, Consumption, Decision, Question, Refused, Request

_PATIENCE = 30.0
"""Seconds for which a question is asked, or an approval used, again and again while the service is away."""

_LEAVING = 5.0
"""Seconds for a withdrawal on the way out: who stops a job kills it soon after."""

_STOPS = (signal.SIGINT, signal.SIGTERM)
_NOT_FOUND, _SERVER_ERROR = 404, 500
_OF_STATE = frozenset({"AlreadyUsed", "NotApproved", "TooOften"})
"""Refusals that are due to how things stand, and to no argument."""

_YES = frozenset({"approved", "answered"})
_ENDS = {
    "approved": "Approved",
    "rejected": "Rejected",
    "answered": "Answered",
    "expired": "Expired: nobody answered in time",
    "withdrawn": "Withdrawn",
    "cancelled": "Cancelled",
}


class NothingHeard(NotFound):
    """The service did not answer in time, so there is no yes. `key` finds the question again."""

    def __init__(self, reason: str, key: str) -> None:
        self.reason = reason
        self.key = key
        super().__init__(f"{reason}. This is not a yes. To continue, run the same command with --key {key}.")


def ask(  # noqa: PLR0913 - a question has many sides, each an option
    prompt: QuestionArgument,
    *,
    to: ToOption = None,
    policy: PolicyOption = None,
    wanted: InputOption = None,
    detail: DetailOption = None,
    diff: DiffOption = None,
    code: CodeOption = None,
    file: FileOption = None,
    link: LinkOption = None,
    note: NoteOption = None,
    requested_by: RequestedByOption = None,
    expires_after: ExpiresAfterOption = None,
    wait: WaitOption = None,
    key: KeyOption = None,
    keep: KeepFlag = False,
    withdraw_on_exit: WithdrawFlag = False,
    url: UrlOption = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Ask people a question from a script. Exits with 0 for a yes, 1 for a no, 6 if it is still open.

    An approval is used up by the command that exits with 0: it lets one thing run once. If the command is killed while
    it waits, run it again with the same --key.
    """
    output = Output(as_json=as_json)
    shown = Shown(detail=detail or [], link=link or [], code=code or [], file=file or [], diff=diff)
    terms = Terms(
        to=to or [], policy=policy, note=note, requested_by=requested_by, expires_after=expires_after
    )
    wish = _Wish(
        build_question(prompt, wanted, shown, terms),
        uuid.uuid4().hex if key is None else key,
        None if wait is None else read_age(wait).total_seconds(),
        keep=keep,
        withdraws=withdraw_on_exit,
    )
    with _translated(wish.key):
        return _Asker(wish, find_service(url, database), output, has_key=key is not None).run()


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is wanted: the question under its key, for how long to wait, and whether a yes is kept for others."""

    question: Question
    key: str
    wait: float | None
    keep: bool
    withdraws: bool


class _Asker:
    """Asks one question of the service at an address, and waits. Whoever gave no key cannot find the question again, so
    it is withdrawn when they stop the command.
    """

    def __init__(self, wish: _Wish, address: str, output: Output, *, has_key: bool) -> None:
        self._wish = wish
        self._address = address
        self._output = output
        self._withdraws_if_stopped = wish.withdraws or not has_key

    def run(self) -> ExitCode:
        """The exit code that the answer means. Raises the client's errors."""
        from sayso.client import Client

        asked: Request | None = None
        with _stoppable(), Client(self._address, patience=_PATIENCE) as client:
            try:
                asked = client.ask(self._wish.question, key=self._wish.key)
                if asked.is_open:
                    self._say_asked(asked)
                    asked = client.wait(asked.id, timeout=self._wish.wait)
                return self._end(client, asked)
            except KeyboardInterrupt:
                self._leave(asked)
                return ExitCode.INTERRUPTED

    def _end(self, client: Client, found: Request) -> ExitCode:
        if found.decision is None and self._wish.withdraws:
            found = _withdrawn(client, found.id)
        if found.decision is None:
            key = visible_line(self._wish.key)
            self._output.note(f"Still waiting. To continue, run the same command with --key {key}.")
            self._output.value(self._as_dict(found, None))
            return ExitCode.WAITING
        used = None
        if found.approved and not self._wish.keep:
            used = client.consume(found.id, key=self._wish.key)
        self._say_end(found.decision)
        self._output.value(self._as_dict(found, used))
        return ExitCode.OK if found.decision.outcome in _YES else ExitCode.FAILED

    def _as_dict(self, request: Request, used: Consumption | None) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(request)
        return found | {"key": self._wish.key, "consumption": msgspec.to_builtins(used)}

    def _say_asked(self, asked: Request) -> None:
        asked_of = ", ".join(visible_line(one) for one in asked.to)
        self._output.note(f"Asked: {visible_line(asked.prompt or '')} Waiting for {asked_of}.")
        if asked.url is not None:
            self._output.note(visible_line(asked.url))

    def _say_end(self, decision: Decision) -> None:
        end = _ENDS[decision.outcome]
        by = "" if decision.outcome == "expired" else ", ".join(visible_line(one) for one in decision.by)
        words = f"{end} by {by}" if by else end
        said = [f'"{visible_line(one.comment)}"' for one in decision.votes if one.comment]
        line = " ".join([f"{words}.", *said])
        if self._wish.question.kind == "approval" or decision.value is None:
            self._output.say(line)
        else:
            self._output.note(line)
            self._output.result(_value_text(decision.value))

    def _leave(self, asked: Request | None) -> None:
        """Say, or see to, what becomes of the question of a command that is stopped. Nothing else stops it: a runner
        that cancels a job sends several signals, and this takes seconds at most.
        """
        from sayso.client import Client

        if not self._withdraws_if_stopped:
            self._output.note(
                f"Stopped. The request stays open; --key {visible_line(self._wish.key)} finds it."
            )
            return
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)
        with Client(self._address, timeout=_LEAVING, patience=_LEAVING) as client:
            # Where it is not known whether it was asked, its key finds it.
            found = asked or client.ask(self._wish.question, key=self._wish.key)
            left = _withdrawn(client, found.id)
        is_gone = left.decision is not None and left.decision.outcome == "withdrawn"
        self._output.note(f"Stopped. The request was {'withdrawn' if is_gone else 'decided before'}.")


def _withdrawn(client: Client, id: str) -> Request:
    """A request that is withdrawn now, or was decided first."""
    from sayso.client import Refused

    try:
        return client.withdraw(id)
    except Refused:
        return client.request(id)


@contextmanager
def _stoppable() -> Generator[None]:
    """SIGTERM stops the command as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _translated(key: str) -> Generator[None]:
    """The client's errors, as those of the command line."""
    from sayso.client import InvalidAddress, Refused, Unreachable

    try:
        yield
    except InvalidAddress as error:
        raise UsageProblem(str(error)) from error
    except Unreachable as error:
        raise NothingHeard(str(error), key) from error
    except Refused as error:
        raise ServiceRefused(
            error.kind, error.detail, _exit_code(error), error.status, error.problem
        ) from error


def _exit_code(refused: Refused) -> ExitCode:
    """What a refusal means to a script: whatever is no answer of people is told apart from their no."""
    if refused.kind in _OF_STATE or refused.status >= _SERVER_ERROR:
        return ExitCode(refused.exit_code)
    return ExitCode.NOT_FOUND if refused.status == _NOT_FOUND else ExitCode.USAGE


def _value_text(value: Any) -> str:
    """A value as scripts read it: text as it stands, several one per line, a form as JSON."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list():
            return "\n".join(_value_text(one) for one in value)  # pyright: ignore[reportUnknownVariableType]
        case _:
            return msgspec.json.encode(value).decode()
