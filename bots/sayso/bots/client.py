"""A thin client of a running service, over the control socket beside its database."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from sayso.engine import Json, Outcome, OutcomeKind, SaysoError

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 30.0
_OK = 200


class ServiceRefused(SaysoError):
    """The service refused; `kind`, message and `exit_code` are those of the error that it raised."""

    def __init__(self, kind: str, message: str, exit_code: int) -> None:
        self.kind = kind
        self.exit_code = exit_code
        super().__init__(message)


class ServiceUnclear(SaysoError):
    """The service broke off: nobody knows whether it was done. Repeat it under the same event key, or look."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the running service did not answer ({reason}); whether it was done is unknown. Look with "
            "`sayso requests` or `sayso runs`; an answer can be repeated under the same --event-key."
        )


class ServiceClient:
    """Calls of one running service. Every call raises `ServiceRefused` and `ServiceUnclear`."""

    def __init__(self, client: httpx.Client, folder: int | None) -> None:
        self._client = client
        self._folder = folder

    @classmethod
    def find(cls, database: Path) -> Self | None:
        """The service that writes a database, or None where none runs (or the extra `web` is not installed)."""
        try:
            import httpx

            from sayso.bots.http import socket_path
        except ModuleNotFoundError:
            return None
        place = socket_path(database)
        if not place.is_there:
            return None
        folder = os.open(place.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        transport = httpx.HTTPTransport(uds=f"/proc/self/fd/{folder}/{place.path.name}")
        found = cls(httpx.Client(transport=transport, base_url="http://sayso", timeout=_TIMEOUT), folder)
        try:
            found._client.get("/api/v1/requests", params={"limit": 1})
        except httpx.TransportError:
            # A socket that nobody listens on is what a killed service left.
            found.close()
            return None
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def start(self, workflow: str, shared: dict[str, Any] | None = None) -> str:
        """Start a run; its id."""
        return str(
            self._call("POST", "/api/v1/runs", {"workflow": workflow, "shared": shared or {}})["run_id"]
        )

    def status(self, run_id: str) -> dict[str, Any]:
        """A run as listings show it."""
        return self._call("GET", f"/api/v1/runs/{run_id}")

    def pending(self, run_id: str | None = None) -> list[dict[str, Any]]:
        """The open requests, the oldest first; of one run where it is named."""
        path = "/api/v1/requests" if run_id is None else f"/api/v1/requests?run_id={run_id}"
        return cast("list[dict[str, Any]]", self._call("GET", path)["requests"])

    def answer(
        self,
        request_id: str,
        revision: int,
        value: Json,
        *,
        comment: str | None = None,
        event_key: str | None = None,
    ) -> Outcome:
        """Answer a request as the user of this process."""
        body = {"revision": revision, "value": value, "comment": comment, "event_key": event_key}
        said = self._call("POST", f"/api/v1/requests/{request_id}/answers", body)
        return Outcome(OutcomeKind(said["outcome"]), said["reason"], repeated=said["repeated"])

    def cancel(self, run_id: str) -> None:
        """Cancel a run."""
        self._call("POST", f"/api/v1/runs/{run_id}/cancel", {})

    def retry(self, run_id: str, *, ask_again: bool = False) -> None:
        """Let a failed run try again."""
        self._call("POST", f"/api/v1/runs/{run_id}/retry", {"ask_again": ask_again})

    def attention(self, run_id: str, action: str, result: Json = None) -> None:
        """Decide about a run that needs attention."""
        self._call("POST", f"/api/v1/runs/{run_id}/attention", {"action": action, "result": result})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import httpx

        try:
            response = self._client.request(method, path, json=body)
            said: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ServiceUnclear(type(error).__name__) from error
        if response.status_code == _OK:
            return said
        problem = said.get("error")
        if not isinstance(problem, dict):
            raise ServiceRefused("Refused", f"the service refused: {said.get('detail', said)}", 1)
        given = cast("dict[str, Any]", problem)
        raise ServiceRefused(given["kind"], given["message"], given["exit_code"])
