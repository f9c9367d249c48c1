"""Both clients with the real service: whatever is lost or killed between them, a question is asked once, and a yes runs
one thing once.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sayso.client import AlreadyUsed, Client, NotApproved, Question, Refused, Request
from tests.bots.api.served import ServiceProcess, token, write
from tests.client.either import KINDS, do
from tests.client.lossy import losing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

both = pytest.mark.parametrize("kind", KINDS)


@dataclass(frozen=True)
class Place:
    """A service, the token of a program that asks, and people."""

    url: str
    secret: str
    people: Client

    def answer(self, request: Request, value: Any) -> None:
        body = {"revision": request.revision, "value": value}
        self.people.call("POST", f"/api/v1/requests/{request.id}/answers", body=body)

    def open(self, prompt: str) -> list[Request]:
        """The open requests with this text."""
        return [one for one in self.people.requests() if one.prompt == prompt]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    folder = tmp_path_factory.mktemp("client")
    write(folder)
    with (
        ServiceProcess(folder) as service,
        Client(service.url, token(folder, "operator", "operate", "read", "answer")) as people,
    ):
        yield Place(service.url, token(folder, "agent", "ask"), people)


def approved(place: Place, prompt: str) -> Request:
    with Client(place.url, place.secret) as client:
        request = client.ask(Question(prompt))
        place.answer(request, "approve")
        return client.wait(request.id, timeout=10)


@both
def test_a_question_whose_reply_was_lost_is_asked_once(kind: Any, place: Place) -> None:
    prompt = f"Once, {kind.__name__}?"
    with losing(place.url, "POST", "/requests", times=2) as url:
        request = do(kind, url, lambda client: client.ask(Question(prompt)), token=place.secret)
    assert [one.id for one in place.open(prompt)] == [request.id]


@both
def test_a_batch_whose_reply_was_lost_is_asked_once(kind: Any, place: Place) -> None:
    prompts = [f"First, {kind.__name__}?", f"Second, {kind.__name__}?"]
    questions = [Question(one) for one in prompts]
    with losing(place.url, "POST", "/batches", times=2) as url:
        asked = do(kind, url, lambda client: client.ask_batch(questions), token=place.secret)
        keys = [f"of {one}" for one in prompts]
        keyed = do(kind, url, lambda client: client.ask_batch(questions, keys=keys), token=place.secret)
    for prompt, first, second in zip(prompts, asked, keyed, strict=True):
        assert [one.id for one in place.open(prompt)] == [first.id, second.id]


@both
def test_a_use_whose_reply_was_lost_counts_once_and_is_heard(kind: Any, place: Place) -> None:
    request = approved(place, f"Use, {kind.__name__}?")
    with losing(place.url, "POST", "/consumption") as url:
        used = do(kind, url, lambda client: client.consume(request.id, key="job"), token=place.secret)
    assert (used.request, used.key, used.repeated) == (request.id, "job", True)
    with pytest.raises(AlreadyUsed):
        do(kind, place.url, lambda client: client.consume(request.id, key="job"), token=place.secret)


def test_of_many_who_use_one_approval_at_once_one_may_go_on(place: Place) -> None:
    request = approved(place, "Who may?")

    def use(number: int) -> bool:
        with Client(place.url, place.secret) as client:
            try:
                client.consume(request.id, key=f"job {number % 2}")
            except AlreadyUsed:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [False] * 7 + [True]


@both
def test_nothing_but_an_approval_can_be_used(kind: Any, place: Place) -> None:
    with Client(place.url, place.secret) as client:
        waiting = client.ask(Question("Still open?"))
        rejected = client.ask(Question("No?"))
        place.answer(rejected, "reject")
        answered = client.ask(Question("Text?", kind="input", input_type="text"))
        place.answer(answered, "approve")
    for request in (waiting, rejected, answered):
        with pytest.raises(NotApproved):
            do(kind, place.url, lambda client: client.consume(request.id, key="job"), token=place.secret)  # noqa: B023 - called at once


@both
def test_a_withdrawal_whose_reply_was_lost_is_a_withdrawal(kind: Any, place: Place) -> None:
    with Client(place.url, place.secret) as client:
        request = client.ask(Question("Withdrawn?"))
    with losing(place.url, "DELETE", request.id) as url:
        found = do(kind, url, lambda client: client.withdraw(request.id), token=place.secret)
    assert found.decision is not None
    assert found.decision.outcome == "withdrawn"
    done = approved(place, "Withdrawn too late?")
    with pytest.raises(Refused):
        do(kind, place.url, lambda client: client.withdraw(done.id), token=place.secret)


@both
def test_a_decision_says_who_and_when_and_on_what(kind: Any, place: Place) -> None:
    request = approved(place, f"Who, {kind.__name__}?")
    found = do(kind, place.url, lambda client: client.request(request.id), token=place.secret)
    assert found == request
    decision = found.decision
    assert decision is not None
    assert (decision.outcome, decision.approved, decision.by) == ("approved", True, ("token:operator",))
    [vote] = decision.votes
    assert (vote.person, vote.via, vote.value) == ("token:operator", "api", "approve")
    assert decision.decided_at is not None
    assert decision.decided_at >= vote.at >= found.asked_at
    assert decision.digest


@both
def test_a_killed_service_is_waited_for(kind: Any, tmp_path: Path, unused_tcp_port: int) -> None:
    write(tmp_path, port=unused_tcp_port)
    with ServiceProcess(tmp_path) as service, ThreadPoolExecutor(1) as pool:
        secret = token(tmp_path, "agent", "ask")
        with Client(service.url, token(tmp_path, "operator", "operate", "read", "answer")) as people:
            place = Place(service.url, secret, people)
            service.kill()
            asking = pool.submit(
                do, kind, service.url, lambda client: client.ask(Question("Away?")), token=secret
            )
            with ServiceProcess(tmp_path) as second:
                request = asking.result()
                waiting = pool.submit(
                    do, kind, service.url, lambda client: client.wait(request.id, timeout=60), token=secret
                )
                second.kill()
            with ServiceProcess(tmp_path):
                place.answer(request, "approve")
                assert waiting.result().approved


@both
def test_the_socket_beside_the_database_is_reached_by_a_path_of_any_length(kind: Any, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("longer" * 10)
    folder.mkdir(parents=True)
    write(folder)
    with ServiceProcess(folder) as service:
        assert len(str(service.socket)) > 107
        request = do(kind, f"unix:{service.socket}", lambda client: client.ask(Question("By socket?")))
    assert request.requested_by is not None
    assert request.requested_by.startswith("local:")
