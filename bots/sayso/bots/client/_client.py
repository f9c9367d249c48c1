"""A thin typed client of a running service: over the control socket beside its database, or over TCP with a token.

Every write has an idempotency key. One whose answer was not heard is sent again under the same key, so it is done once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, cast

from msgspec.structs import asdict

from sayso.bots.client._socket import socket_path
from sayso.engine import Bounds, Json, Outcome, OutcomeKind, SaysoError, Scope

if TYPE_CHECKING:
    from sayso.client import Client

_PATIENCE = 1.5
"""Seconds for which a call is tried again while nobody answers."""

_LONGEST_WAIT = 60.0


class WorkflowDict(TypedDict):
    """A workflow that may be started. `inputs` is the JSON Schema of what it starts with, where it has one."""

    name: str
    inputs: dict[str, Any] | None


class RunDict(TypedDict):
    """A run. `status` is that of `WorkflowStatus`; instants are ISO 8601 in UTC; `stops` is what a decision names.
    `error`, and all of `attention` but its `kind`, are for operators.
    """

    run_id: str
    workflow: str
    status: str
    node_id: str | None
    visit: int
    error: str | None
    attention: dict[str, Any] | None
    requested_by: str | None
    created_at: str
    updated_at: str
    stops: int


class RequestDict(TypedDict):
    """A request, as `awaiting_input` shows it. Of one that was asked for by itself, `status` and `answer` are there."""

    id: str
    revision: int
    run_id: str
    node_id: str
    request_id: str
    prompt: str | None
    options: list[Any] | None
    input_type: str
    schema: dict[str, Any] | None
    details: Any
    note: str | None
    to: list[str]
    requested_by: str | None
    asked_at: str
    deadline: str | None


class ClosedRequestDict(RequestDict):
    """One request with how it stands: `status` is that of `RequestStatus`."""

    status: str
    answer: Any
    resolved_at: str | None


class ChangeDict(TypedDict):
    """Something that happened: the kind of its audit row, and what it was about."""

    sequence: int
    at: str
    kind: str
    run_id: str | None
    request_id: str | None


class ServiceRefused(SaysoError):
    """The service refused; `kind`, message and `exit_code` are those of the error that it raised, `problem` all that it
    said. `needed` are the scopes one of which the token lacks, where that is why (`kind` is `MissingScope`).
    """

    def __init__(
        self,
        kind: str,
        message: str,
        exit_code: int,
        status: int = 0,
        problem: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.kind = kind
        self.exit_code = exit_code
        self.status = status
        self.problem = problem
        self.needed = tuple(problem.get("needed", ()))
        super().__init__(message)


class ServiceUnclear(SaysoError):
    """The service broke off: nobody knows whether it was done. Repeat it under the same event key, or look."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the running service did not answer ({reason}), so the outcome is unknown. Check with "
            "`sayso requests` or `sayso runs`; you can repeat an answer safely with the same --event-key."
        )


class ServiceClient:
    """Calls of one running service. Every call raises `ServiceRefused` and `ServiceUnclear`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def find(cls, database: Path) -> Self | None:
        """The service that writes a database, or None where none runs."""
        place = socket_path(database)
        if not place.is_there:
            return None
        from sayso.client import Client, Refused, Unreachable

        address = f"unix:{place.path.absolute()}"
        with Client(address, patience=0) as probe:
            try:
                probe.call("GET", "/api/v1/me")
            except Unreachable:
                return None  # a socket that nobody listens on is what a killed service left
            except Refused:
                pass  # somebody is there; what is asked of them will be refused with the reason
        return cls(Client(address, patience=_PATIENCE))

    @classmethod
    def connect(cls, url: str, token: str) -> Self:
        """The service at an address, called by the program that the token belongs to."""
        from sayso.client import Client

        return cls(Client(url, token, patience=_PATIENCE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def whoami(self) -> dict[str, Any]:
        """Who calls: `person`, `via`, and whether they are an `operator`; of a token its `scopes`, `bounds` and
        `expires_at`.
        """
        return self._get("/api/v1/me")

    # Runs.

    def start(
        self, workflow: str, shared: dict[str, Any] | None = None, *, event_key: str | None = None
    ) -> str:
        """Start a run; its id."""
        said = self._post("/api/v1/runs", {"workflow": workflow, "shared": shared or {}}, event_key)
        return str(said["run_id"])

    def workflows(self) -> list[WorkflowDict]:
        """The workflows that may be started, with the JSON Schema of what each is started with."""
        return cast("list[WorkflowDict]", self._get("/api/v1/workflows")["workflows"])

    def status(self, run_id: str) -> RunDict:
        """A run as listings show it."""
        return cast("RunDict", self._get(f"/api/v1/runs/{run_id}"))

    def runs(self, *, status: str | None = None, limit: int = 100) -> list[RunDict]:
        """The newest runs first."""
        query = {"limit": limit} | ({"status": status} if status else {})
        return cast("list[RunDict]", self._get("/api/v1/runs", query)["runs"])

    def run_requests(self, run_id: str) -> list[ClosedRequestDict]:
        """Everything that a run has asked, with the answers."""
        return cast("list[ClosedRequestDict]", self._pages(f"/api/v1/runs/{run_id}/requests", {}))

    def wait(self, run_id: str, seconds: float, *, until: Literal["ended", "rests"] = "ended") -> RunDict:
        """A run once it has ended or needs attention, or with `rests` once it waits for an answer as well; or its state
        when the time is over.
        """
        moving = ("RUNNING", "WAITING_FOR_INPUT") if until == "ended" else ("RUNNING",)
        end = time.monotonic() + seconds
        while True:
            left = min(_LONGEST_WAIT, max(0.0, end - time.monotonic()))
            query = {"wait": left, "until": until}
            run = cast("RunDict", self._get(f"/api/v1/runs/{run_id}", query, left))
            if run["status"] not in moving or time.monotonic() >= end:
                return run

    def cancel(self, run_id: str, *, event_key: str | None = None) -> None:
        """Cancel a run."""
        self._post(f"/api/v1/runs/{run_id}/cancel", {}, event_key)

    def retry(self, run_id: str, *, seen: int, ask_again: bool = False, event_key: str | None = None) -> None:
        """Let a failed run try again. Here and below, `seen` is the run's `stops` as it was when this was decided."""
        self._post(f"/api/v1/runs/{run_id}/retry", {"seen": seen, "ask_again": ask_again}, event_key)

    def attention(
        self, run_id: str, action: str, result: Json = None, *, seen: int, event_key: str | None = None
    ) -> None:
        """Decide about a run that needs attention."""
        body = {"seen": seen, "action": action, "result": result}
        self._post(f"/api/v1/runs/{run_id}/attention", body, event_key)

    # Requests.

    def pending(self, run_id: str | None = None) -> list[RequestDict]:
        """The open requests that the caller may see, the oldest first; of one run where it is named."""
        query: dict[str, Any] = {} if run_id is None else {"run_id": run_id}
        return cast("list[RequestDict]", self._pages("/api/v1/requests", query))

    def _pages(self, path: str, query: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = self._get(path, {**query, "after": after})
            found += page["requests"]
            after = page["next"]
        return found

    def request(self, request_id: str, wait: float = 0) -> ClosedRequestDict:
        """One request, once it is closed, or its state after up to 60 seconds."""
        return cast("ClosedRequestDict", self._get(f"/api/v1/requests/{request_id}", {"wait": wait}, wait))

    def answer(
        self,
        request_id: str,
        revision: int,
        value: Json,
        *,
        comment: str | None = None,
        event_key: str | None = None,
        break_glass: bool = False,
        grant: str | None = None,
    ) -> Outcome:
        """Answer a request. Returns the outcome, refusals included. With `break_glass`, approve alone: `comment` says
        why. `grant` is the key of what is granted beyond this approval.
        """
        body = {"revision": revision, "value": value, "comment": comment, "break_glass": break_glass}
        body |= {} if grant is None else {"grant": grant}
        return _outcome(lambda: self._post(f"/api/v1/requests/{request_id}/answers", body, event_key))

    def withdraw(self, request_id: str) -> Outcome:
        """Withdraw a request that the caller asked for. Returns the outcome, refusals included."""
        return _outcome(lambda: self._post(f"/api/v1/requests/{request_id}/withdrawal", {}))

    def reassign(self, request_id: str, revision: int, to: str) -> Outcome:
        """Ask somebody else instead of the caller. Returns the outcome, refusals included."""
        body = {"revision": revision, "to": to}
        return _outcome(lambda: self._post(f"/api/v1/requests/{request_id}/reassignment", body))

    def revoke_grant(self, grant_id: str) -> Outcome:
        """End a grant. Returns the outcome, refusals included."""
        return _outcome(lambda: self._call("DELETE", f"/api/v1/grants/{grant_id}"))

    # What happens.

    def changes(self, after: int = 0, wait: float = 0) -> tuple[list[ChangeDict], int]:
        """What happened after a row, and the row to continue after. If that row has moved, there may be more even if
        nothing was found: each look takes a bounded number of rows.
        """
        said = self._get("/api/v1/changes", {"after": after, "wait": wait}, wait)
        return cast("list[ChangeDict]", said["changes"]), int(said["last"])

    def events(self, after: int | None = None) -> Generator[ChangeDict]:
        """What happens, as it happens, until the connection ends or the generator is closed."""
        with _translated():
            yield from cast("Generator[ChangeDict]", self._client.events(after))

    # Who is let in; over the control socket alone.

    def sign_in_link(self, name: str) -> str:
        """A link that signs somebody in, once, within ten minutes."""
        return str(self._post("/access/links", {"name": name})["url"])

    def make_token(
        self, name: str, scopes: Sequence[Scope], lives: timedelta, bounds: Bounds
    ) -> tuple[str, datetime]:
        """A token for a program, which cannot be shown again, and until when it works."""
        body = {"name": name, "scopes": list(scopes), "lives": lives.total_seconds()} | asdict(bounds)
        said = self._post("/access/tokens", body)
        return str(said["token"]), datetime.fromisoformat(said["expires_at"])

    def credentials(self) -> list[dict[str, Any]]:
        """Who has access, without the secrets."""
        return cast("list[dict[str, Any]]", self._get("/access")["credentials"])

    def revoke(self, person: str) -> int:
        """Remove every token, session and link of a person; how many there were."""
        return int(self._call("DELETE", f"/access/{person}")["removed"])

    def _get(self, path: str, query: dict[str, Any] | None = None, patience: float = 0) -> dict[str, Any]:
        return self._call("GET", path, query=query, patience=patience)

    def _post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        return self._call("POST", path, body=body, key=key or uuid.uuid4().hex)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
        key: str | None = None,
        patience: float = 0,
    ) -> dict[str, Any]:
        with _translated():
            said: dict[str, Any] = self._client.call(
                method, path, body=body, query=query, key=key, waits=patience
            )
        return said


@contextmanager
def _translated() -> Generator[None]:
    """The errors of the client, as those of sayso."""
    from sayso.client import Refused, Unreachable

    try:
        yield
    except Refused as error:
        raise ServiceRefused(
            error.kind, error.detail, error.exit_code, error.status, error.problem
        ) from error
    except Unreachable as error:
        raise ServiceUnclear(error.reason) from error


def _outcome(ask: Callable[[], dict[str, Any]]) -> Outcome:
    """The outcome, also if it is a refusal."""
    try:
        said: Mapping[str, Any] = ask()
    except ServiceRefused as refused:
        said = refused.problem
        if "outcome" not in said:
            raise
    reason = said.get("reason", said.get("detail", ""))
    return Outcome(OutcomeKind(said["outcome"]), reason, repeated=said.get("repeated", False))
