"""`POST /hooks/github`: GitHub tells of a deployment that waits, and people are asked, once for each.

Whatever is refused here asks nobody, and the deployment keeps waiting on GitHub.
"""

from __future__ import annotations

import hmac
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from sayso.bots.github._deployments import Deployment, UnreadableDeployment, read_deployment, signature
from sayso.bots.http import Problem
from sayso.engine import KeyReused, SaysoError, StoreError, WorkflowStatus, read_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sayso.config import GitHubSettings
    from sayso.engine import Policy, Runtime

logger = logging.getLogger("sayso.github")

PATH = "/hooks/github"
_EVENT = "deployment_protection_rule"
_ASKER = "api:github"


class DeploymentWebhook:
    """Asks people about deployments, by the settings of their environments. `secret` proves that GitHub calls."""

    def __init__(
        self, settings: GitHubSettings, secret: str, policies: Mapping[str, Policy], runtime: Runtime
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._policies = policies
        self._runtime = runtime
        self.router = APIRouter()
        self.router.add_api_route(PATH, self._hear, methods=["POST"])

    async def _hear(self, request: Request) -> Response:
        body = await request.body()
        try:
            self._check(request.headers.get("x-hub-signature-256", ""), body)
            if request.headers.get("x-github-event") != _EVENT:
                return Response(status_code=HTTPStatus.NO_CONTENT)
            deployment = read_deployment(body, self._settings.api_url)
            run_id, is_new = await self._ask(deployment)
        except Problem as problem:
            logger.warning("GitHub was refused at %s: %s", PATH, problem)
            return problem.response()
        except UnreadableDeployment as error:
            logger.warning("A deployment from GitHub was not asked about: %s", error)
            return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "UnreadableDeployment", str(error)).response()
        except SaysoError as error:
            logger.error("A deployment from GitHub was not asked about: %s", error)  # noqa: TRY400 - it says it all
            return _problem_of(error).response()
        return JSONResponse({"run": run_id}, HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    def _check(self, given: str, body: bytes) -> None:
        """Raises `Problem` for a body that GitHub did not sign."""
        if not hmac.compare_digest(signature(self._secret, body).encode(), given.encode()):
            words = "X-Hub-Signature-256 does not match. Check the webhook's secret on both sides."
            raise Problem(HTTPStatus.UNAUTHORIZED, "WrongSignature", words)

    async def _ask(self, deployment: Deployment) -> tuple[str, bool]:
        """Ask people: the run of the question, and whether it is new. Raises `Problem`, `SaysoError`."""
        asked = read_asked({**deployment.question(), **self._terms(deployment)})
        run_id, _, is_new = await self._runtime.ask(
            asked,
            requested_by=_ASKER,
            event_key=deployment.key,
            callback=deployment.review.callback(deployment.url),
        )
        state = await self._runtime.wait(run_id)
        if state.workflow_status is WorkflowStatus.FAILED:
            raise _refused("NotAsked", f"The question could not be asked: {state.error}")
        return run_id, is_new

    def _terms(self, deployment: Deployment) -> dict[str, Any]:
        """Who is asked, and on whose behalf. Raises `Problem`."""
        name, repository = deployment.review.environment, deployment.repository.casefold()
        for one in self._settings.environments:
            if one.name == name and (one.repository is None or one.repository.casefold() == repository):
                break
        else:
            words = f"The environment {name} of {deployment.repository} is not listed. Add it under "
            raise _refused("UnknownEnvironment", f"{words}[[github.environments]] in sayso.toml.")
        people = {login.casefold(): person for login, person in self._settings.people.items()}
        person = people.get(deployment.started_by.casefold())
        if person is None and one.policy is not None and self._policies[one.policy].exclude_requester:
            words = f"The policy {one.policy} excludes who started the deployment, and nobody knows who "
            raise _refused("UnknownPerson", f"{words}{deployment.started_by} is. Add them to github.people.")
        given = {"policy": one.policy, "to": list(one.to), "requested_by": person}
        return {field: value for field, value in given.items() if value}


def _refused(kind: str, words: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, kind, words)


def _problem_of(error: SaysoError) -> Problem:
    if isinstance(error, StoreError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        status = HTTPStatus.CONFLICT if isinstance(error, KeyReused) else HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(status, type(error).__name__, str(error))
