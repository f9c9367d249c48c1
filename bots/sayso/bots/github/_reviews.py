"""Decisions as GitHub's reviews, sent as the app: approved only for a yes, and only for the attempt it was given to."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import msgspec

from sayso.config import FILE_NAME, InvalidSettings, needs_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sayso.bots.github._deployments import Review
    from sayso.engine import Clock

_T = TypeVar("_T")

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_MAY = {"actions": "read", "deployments": "write"}
_SKEW, _LASTS = timedelta(minutes=1), timedelta(minutes=9)  # GitHub takes ten minutes at most
_OVER = frozenset({409, 410, 422})  # reviewed already, or nothing waits any more


class Undelivered(Exception):
    """GitHub did not take a review; with `is_over`, it never will."""

    def __init__(self, words: str, *, is_over: bool = False) -> None:
        self.is_over = is_over
        super().__init__(words)


class _Token(msgspec.Struct):
    token: str


class _Run(msgspec.Struct):
    run_started_at: datetime


class GitHubApp:
    """The app, which reviews the deployments that its rule holds. Raises `InvalidSettings` for a key that is none, and
    `MissingExtra`.
    """

    def __init__(self, id: str, key_file: Path, api_url: str, clock: Clock) -> None:
        self._id = id
        self._api_url = api_url.rstrip("/")
        self._clock = clock
        with needs_extra("github.app_id", "github"):
            from jwt import PyJWTError
        try:
            self._key = key_file.read_text(encoding="utf-8")
            self._proof()
        except (OSError, UnicodeDecodeError, PyJWTError, ValueError, TypeError) as error:
            raise InvalidSettings(
                FILE_NAME,
                "github.private_key_file",
                f"cannot use {key_file}: {getattr(error, 'strerror', None) or error}",
                "Name the file with the private key (PEM) that GitHub made for the app.",
            ) from error

    async def send(
        self, client: httpx.AsyncClient, url: str, review: Review, decision: Mapping[str, Any]
    ) -> None:
        """Send a decision to where a deployment waits. Raises `Undelivered`."""
        if not url.startswith(f"{self._api_url}/"):
            raise Undelivered("it does not belong to github.api_url", is_over=True)
        try:
            authorization = await self._authorization(client, review.installation)
            await self._check_attempt(client, url, review, authorization)
            response = await client.post(url, json=_body(review, decision), headers=authorization)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Undelivered(f"{type(error).__name__}: {error}") from error
        if not response.is_success:
            raise Undelivered(f"it answered {response.status_code}", is_over=response.status_code in _OVER)

    async def _check_attempt(
        self, client: httpx.AsyncClient, url: str, review: Review, authorization: Mapping[str, str]
    ) -> None:
        """Raise `Undelivered` where the run has begun again since: a review counts for whatever attempt waits now."""
        run = await client.get(url.rpartition("/")[0], headers=authorization)
        if _read(run, _Run).run_started_at > review.created_at:
            raise Undelivered(
                "the run was started again, and that attempt is asked about by itself", is_over=True
            )

    async def _authorization(self, client: httpx.AsyncClient, installation: int) -> Mapping[str, str]:
        """The headers of an installation, with a token that may do no more than this needs."""
        made = await client.post(
            f"{self._api_url}/app/installations/{installation}/access_tokens",
            json={"permissions": _MAY},
            headers={**_HEADERS, "Authorization": f"Bearer {self._proof()}"},
        )
        return {**_HEADERS, "Authorization": f"Bearer {_read(made, _Token).token}"}

    def _proof(self) -> str:
        """Who the app is, signed (docs.github.com, "Generating a JSON Web Token for a GitHub App")."""
        import jwt

        now = self._clock.now()
        claims = {"iss": self._id, "iat": now - _SKEW, "exp": now + _LASTS}
        return jwt.encode(claims, self._key, algorithm="RS256")


def _body(review: Review, decision: Mapping[str, Any]) -> dict[str, str]:
    """Approved for a yes of people, and rejected for everything else."""
    outcome, by = str(decision["outcome"]).capitalize(), ", ".join(decision["by"])
    comment = f"{outcome} in sayso" + (f" by {by}" if by else "")
    if decision["comment"]:
        comment = f"{comment}: {decision['comment']}"
    state = "approved" if decision["approved"] is True else "rejected"
    return {"environment_name": review.environment, "state": state, "comment": comment}


def _read(response: httpx.Response, kind: type[_T]) -> _T:
    """What a call returned. Raises `Undelivered`."""
    place = response.request.url.path
    if not response.is_success:
        raise Undelivered(f"{place} answered {response.status_code}")
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError as error:
        raise Undelivered(f"{place} answered something else: {error}") from error
