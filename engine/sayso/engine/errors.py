"""Every error that sayso raises on purpose.

The families say who must act::

    SaysoError
    ├── AuthorError          the workflow's author changes the code
    │   ├── InvalidWorkflow      a graph that cannot be run
    │   ├── InvalidRequest       bad arguments to request_input or request_approval
    │   ├── UnknownPolicy        a policy by a name that is not known
    │   ├── AmbiguousRequest     a name that could mean two questions or steps
    │   ├── UnstorableValue      a value that JSON would change
    │   ├── ValueTooLarge        a value above the store's limit
    │   ├── ConditionFailed      an edge's condition raised
    │   ├── StrayExit            code raised what is meant to end its process
    │   ├── NoCurrentVisit       request_input or step outside a node
    │   ├── RequestExpired       nobody answered in time, and there is no default
    │   ├── NotApproved          something else would happen than what was approved
    │   └── RunSuspended         the visit was set aside; it will run again
    ├── AnswerError          the person who answers, or starts a run
    │   ├── AnswerRefused        an answer by name that was refused
    │   ├── InvalidInputs        what a run was to start with does not fit its workflow
    │   └── UnusedInput          input that no question took
    └── OperatorError        the people who run sayso
        ├── UnknownRun, RunExists, NotApplicable, RunMovedOn, RightLapsed, KeyReused, TokenExists, PlatformUnusable
        └── StoreError
            ├── StoreInUse, StoreFull, StoreUnreadable, StoreUncertain, StoreReplaced, SchemaTooNew, StoreClosed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sayso.engine._outcomes import Outcome


class SaysoError(Exception):
    """The root of all errors of sayso."""


class AuthorError(SaysoError):
    """The workflow's author must act."""


class InvalidWorkflow(AuthorError):
    """The graph cannot be run: a duplicate id, a missing start, an edge that leads outside."""


class InvalidRequest(AuthorError):
    """Bad arguments to `request_input` or `request_approval`. Nothing was asked.

    `argument` is the name of the offending parameter.
    """

    def __init__(self, argument: str, reason: str) -> None:
        self.argument = argument
        self.reason = reason
        super().__init__(f"{argument}: {reason}")


class UnknownPolicy(AuthorError):
    """The question names an unknown policy. Nothing was asked."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"no policy is named {name!r} here; known: {', '.join(known) or 'none'}. Policies get their names from "
            f"[policies.{name}] in sayso.toml, or from Runtime(policies=)."
        )


class AmbiguousRequest(AuthorError):
    """A request or step whose name could mean two things. Nothing was asked or run."""

    def __init__(self, kind: str, name: str | None, reason: str) -> None:
        self.kind = kind
        self.name = name
        self.reason = reason
        super().__init__(f"{kind} {name!r}: {reason}" if name else f"unnamed {kind}: {reason}")


class UnstorableValue(AuthorError):
    """A value that would not come back from JSON equal and of the same type.

    `path` says where in the value it stands, for example ``shared['order'][2]``.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} cannot be stored: {reason}. Stored values are None, bool, int, finite float, str, "
            "list, and dict with str keys; convert it first."
        )


class ValueTooLarge(AuthorError):
    """A value whose JSON is longer than the store's limit (1 MB unless the store says otherwise)."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        self.path = path
        self.size = size
        self.limit = limit
        super().__init__(
            f"{path} is {size:,} bytes as JSON, and the limit is {limit:,}. Store it elsewhere and keep its name here."
        )


class ConditionFailed(AuthorError):
    """The condition of an edge raised or could not be read; the run fails with this."""

    def __init__(self, source: str, target: str, condition: str, reason: str) -> None:
        self.source = source
        self.target = target
        self.condition = condition
        self.reason = reason
        super().__init__(f"the condition {condition} of the edge {source} > {target} failed: {reason}")


class StrayExit(AuthorError):
    """A workflow's code raised something that is meant for the interpreter, such as SystemExit from `sys.exit()`. Here
    that is a failure like any other. `raised` says what it was.
    """

    def __init__(self, raised: str) -> None:
        self.raised = raised
        super().__init__(
            f"{raised} (that ends no process here: a node returns, or raises an Exception, which fails its run)"
        )


class NoCurrentVisit(AuthorError):
    """`request_input`, `step` or `step_key` was called where no node is being executed."""

    def __init__(self, function: str) -> None:
        self.function = function
        super().__init__(f"{function} was called outside a node. Call it from a node that an engine runs.")


class RequestExpired(AuthorError):
    """Nobody answered before the deadline, and the request has no default. Raised at the `await`."""

    def __init__(self, name: str, deadline: str) -> None:
        self.name = name
        self.deadline = deadline
        super().__init__(f"request {name!r} expired at {deadline} without an answer")


class RequestWithdrawn(AuthorError):
    """The requester withdrew the request before it was decided. Raised at the `await`."""

    def __init__(self, name: str, by: str) -> None:
        self.name = name
        self.by = by
        super().__init__(f"request {name!r} was withdrawn by {by}")


class NotApproved(AuthorError):
    """People did not approve what is about to happen, so it must not happen. Raised by `Decision.verify`."""

    def __init__(self, action: str, reason: str) -> None:
        self.action = action
        self.reason = reason
        super().__init__(f"{action!r} may not go ahead: {reason}. Ask for an approval of exactly this.")


class RunSuspended(AuthorError):
    """The visit has been set aside: what it does now is ignored, and it will run again from its start."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} is suspended; this visit will run again from stored state")


class AnswerError(SaysoError):
    """The person who answers must act."""


class AnswerRefused(AnswerError):
    """Input by name was refused. `outcome` says why; the request is as it was."""

    def __init__(self, key: str, outcome: Outcome) -> None:
        self.key = key
        self.outcome = outcome
        super().__init__(f"the input for {key!r} was refused ({outcome.kind}): {outcome.reason}")


class InvalidInputs(AnswerError):
    """The initial state of a run does not fit the inputs of its workflow. Nothing was started. `field` is the path of
    what is wrong, empty if it is the whole.
    """

    def __init__(self, workflow: str, field: str, reason: str) -> None:
        self.workflow = workflow
        self.field = field
        self.reason = reason
        super().__init__(f"{workflow} was not started: {f'{field}: ' if field else ''}{reason}.")


class UnusedInput(AnswerError):
    """Entries of `input_data` that no open request took. The others were committed.

    `keys` are the entries' names.
    """

    def __init__(self, keys: Sequence[str], open_requests: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.open_requests = tuple(open_requests)
        waiting = ", ".join(repr(name) for name in open_requests) or "nothing"
        super().__init__(
            f"no open request took the input for {', '.join(repr(key) for key in keys)}; waiting now: {waiting}. "
            "A key is a request's id, its request_id, or the id of a node that has exactly one open request."
        )


class OperatorError(SaysoError):
    """The operator must act."""


class UnknownRun(OperatorError):
    """No run of this id is stored."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"no run {run_id!r} is stored here. `sayso runs` lists them.")


class RunExists(OperatorError):
    """A run of this id is stored already; nothing was started."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id!r} exists already. Resume it, or start another under a new id.")


class NotApplicable(OperatorError):
    """An operator's action does not fit the run's state; nothing was changed."""

    def __init__(self, run_id: str, action: str, reason: str) -> None:
        self.run_id = run_id
        self.action = action
        self.reason = reason
        super().__init__(f"{action} does not apply to run {run_id!r}: {reason}")


class RunMovedOn(OperatorError):
    """An operator decided about something that the run has left behind; nothing was changed. `now` is its present
    state.
    """

    def __init__(self, run_id: str, now: str) -> None:
        self.run_id = run_id
        self.now = now
        super().__init__(
            f"run {run_id!r} has moved on since you looked: {now}. Nothing was done. Look again, then decide."
        )


class RightLapsed(OperatorError):
    """The person had access when they signed in, and no longer has; nothing was done. `reason` says why."""

    def __init__(self, person: str, reason: str) -> None:
        self.person = person
        self.reason = reason
        super().__init__(f"{person}: {reason}")


class KeyReused(OperatorError):
    """An idempotency key that the person has already used for something else; nothing was done."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the idempotency key {key!r} was already used for something else. Repeat exactly that, or use a new key."
        )


class TokenExists(OperatorError):
    """An API token with this name already exists; none was made."""

    def __init__(self, person: str) -> None:
        self.person = person
        super().__init__(f"there is a {person} already. Revoke it first, or use another name.")


class PlatformUnusable(OperatorError):
    """An installed package names a platform that cannot be used, by the entry point `value`; `reason` says why."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        self.name = name
        self.value = value
        self.reason = reason
        super().__init__(
            f"the platform {name!r} of the entry point {value!r} cannot be used: {reason}. Correct or remove the "
            "package that it is from."
        )


class StoreError(OperatorError):
    """The store could not do its work. What was not acknowledged was not stored, unless it is `StoreUncertain`."""


class StoreInUse(StoreError):
    """Another process writes this file."""

    def __init__(self, path: str, process_id: int | None) -> None:
        self.path = path
        self.process_id = process_id
        holder = f"process {process_id}" if process_id else "another process"
        super().__init__(
            f"{path} is in use: {holder} writes it. Answer there or stop it first; reading "
            "(`sayso runs`, `sayso requests`) is possible meanwhile."
        )


class StoreFull(StoreError):
    """The disk or the database is full. The transaction was NOT recorded."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"not recorded: {path} is full. Nothing was changed; free some space and try again.")


class StoreUnreadable(StoreError):
    """The database is not one of sayso's, is damaged, or cannot be reached, opened or written."""

    def __init__(
        self,
        path: str,
        reason: str,
        advice: str = "Check the path and its permissions, or restore a backup.",
    ) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} cannot be used: {reason}. {advice}")


class StoreUncertain(StoreError):
    """The connection to the database was lost in the middle of a commit: it may be recorded, or not. A repeat under the
    same key finds out.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"perhaps recorded: the connection to {path} was lost in the middle of a commit. Look whether it was, or "
            "try again: what was recorded is not done twice."
        )


class StoreReplaced(StoreError):
    """A file that is open is not what its path names any more; nothing is recorded or read until it is again.

    `file` is the database, or a file that SQLite keeps next to it; `gone` says that nothing has replaced it.
    """

    def __init__(self, path: str, file: str, *, gone: bool) -> None:
        self.path = path
        self.file = file
        self.gone = gone
        what = "was deleted or moved away" if gone else "was replaced by another file"
        super().__init__(
            f"not recorded: {file} {what} while it was open. Nothing is recorded or read until then. Put it back; or "
            "stop sayso, put the right file in its place (`sayso restore FILE` does), and start it again."
        )


class SchemaTooNew(StoreError):
    """The file was written by a newer sayso."""

    def __init__(self, path: str, found: int, known: int) -> None:
        self.path = path
        self.found = found
        self.known = known
        super().__init__(
            f"{path} has schema {found}, and this sayso knows {known}. Run `pip install --upgrade sayso`; "
            "nothing was changed."
        )


class StoreClosed(StoreError):
    """The store was closed before the call."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} has been closed. Open a new store to continue.")
