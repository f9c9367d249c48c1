"""Agents of each framework whose tool people approve: the tool runs at most once, never without a yes, and a yes is not
lost where the framework's state survived. The programs run the examples with a scripted model and the real packages.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.bridges.frameworks import (
    DEADLINE,
    LANGCHAIN,
    OPENAI,
    PYDANTIC_AI,
    Cut,
    Framework,
    Point,
    Shop,
    is_decided,
    killed_while_waiting,
    looks,
)

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]

each_framework = pytest.mark.parametrize(
    "framework", [LANGCHAIN, PYDANTIC_AI, OPENAI], ids=lambda one: one.name
)

QUESTION = 'Question(prompt="Refund this order?")'
REFUNDED = ["A-17 40"]


def is_use(method: str, path: str) -> bool:
    return method == "POST" and path.endswith("/consumption")


def asked(method: str, path: str, reply: Any) -> bool:
    return method == "POST" and path.endswith(("/requests", "/batches")) and reply is not None


def answered(method: str, path: str, reply: Any) -> bool:
    return method == "GET" and is_decided(reply)


def using(method: str, path: str, reply: Any) -> bool:
    return is_use(method, path) and reply is None


def used(method: str, path: str, reply: Any) -> bool:
    return is_use(method, path) and reply is not None


@each_framework
def test_an_approved_call_runs(shop: Shop, framework: Framework) -> None:
    """People see the call's arguments; nothing runs before they say yes."""
    shop.deploy(framework)
    with shop.run(framework, "serve") as agent:
        (request,) = shop.open()
        assert request["prompt"] == "Refund this order?"
        assert request["details"] == {"order": "A-17", "amount": 40}
        assert shop.refunds == []
        shop.answer(request)
        assert agent.result() == "A-17 is refunded"
    assert shop.refunds == REFUNDED


@each_framework
def test_the_model_hears_why_a_call_was_rejected(shop: Shop, framework: Framework) -> None:
    shop.deploy(framework)
    with shop.run(framework, "serve") as agent:
        shop.answer(shop.open()[0], "reject", "A-17 was never paid")
        assert agent.result() == "Rejected by token:boss: A-17 was never paid. It was not run."
    assert shop.refunds == []


@pytest.mark.parametrize("framework", [LANGCHAIN, OPENAI], ids=lambda one: one.name)
def test_the_calls_of_one_turn_are_asked_together_and_decided_by_themselves(
    shop: Shop, framework: Framework
) -> None:
    shop.deploy(framework)
    with shop.run(framework, "pair") as agent:
        first, second = sorted(shop.open(2), key=lambda one: one["details"]["order"])
        assert first["run_id"] == second["run_id"], "one call asked both, so that they share a card"
        shop.answer(second, "reject", "not this one")
        shop.answer(first)
        assert agent.result() == "A-17 is refunded / Rejected by token:boss: not this one. It was not run."
    assert shop.refunds == REFUNDED


@each_framework
def test_no_answer_is_no_yes(shop: Shop, framework: Framework) -> None:
    shop.deploy(framework, soon=(QUESTION, 'Question(prompt="Refund this order?", expires_after=1)'))
    with shop.run(framework, "serve") as agent:
        assert agent.result() == "Nobody approved this in time. It was not run."
    assert shop.refunds == []


@each_framework
@pytest.mark.parametrize("point", [asked, answered, using])
def test_a_yes_outlives_the_agent(shop: Shop, framework: Framework, point: Point) -> None:
    """Killed at any point before the approval is used, and started again, it runs what people approved, once."""
    shop.deploy(framework)
    cut = Cut(shop.url, point)
    with cut.listening(), shop.run(framework, "serve", url=cut.url) as agent:
        (request,) = shop.open()
        if point is not asked:
            shop.answer(request)
        assert cut.reached.wait(DEADLINE)
        agent.kill()
    if point is asked:
        shop.answer(request)
    assert shop.refunds == []
    with shop.run(framework, "serve") as again:
        assert again.result() == "A-17 is refunded"
    assert shop.refunds == REFUNDED
    assert shop.call("GET", "/requests")["requests"] == []


@each_framework
def test_a_used_yes_runs_nothing_again(shop: Shop, framework: Framework) -> None:
    """Killed between use and run: whether it ran is unknown, so it does not run, and the model is told."""
    shop.deploy(framework)
    cut = Cut(shop.url, used)
    with cut.listening(), shop.run(framework, "serve", url=cut.url) as agent:
        shop.answer(shop.open()[0])
        assert cut.reached.wait(DEADLINE)
        agent.kill()
    with shop.run(framework, "serve") as again:
        assert "It was not run again." in again.result()
    assert shop.refunds == []


@each_framework
def test_what_ran_does_not_run_again(shop: Shop, framework: Framework) -> None:
    """Killed after the refund and before the framework has kept that, which by itself would refund twice."""
    shop.deploy(framework)
    with shop.run(framework, "die") as agent:
        shop.answer(shop.open()[0])
        assert agent.died()
    assert shop.refunds == REFUNDED
    with shop.run(framework, "serve") as again:
        assert again.result()
    assert shop.refunds == REFUNDED


@each_framework
def test_two_processes_run_one_yes_once(shop: Shop, framework: Framework) -> None:
    shop.deploy(framework)
    request = killed_while_waiting(shop, framework, "serve")
    cuts = [Cut(shop.url, looks, holds=False) for _ in range(2)]
    with (
        cuts[0].listening(),
        cuts[1].listening(),
        shop.run(framework, "serve", url=cuts[0].url) as one,
        shop.run(framework, "serve", url=cuts[1].url) as other,
    ):
        assert all(cut.reached.wait(DEADLINE) for cut in cuts)
        shop.answer(request)
        said = [one.last_words(), other.last_words()]
    assert shop.refunds == REFUNDED
    assert "A-17 is refunded" in said


@each_framework
def test_the_service_may_die_while_an_agent_waits(closed_shop: Shop, framework: Framework) -> None:
    shop = closed_shop
    shop.deploy(framework)
    with shop.serving() as service, shop.run(framework, "serve") as agent:
        (request,) = shop.open()
        service.kill()
        with shop.serving():
            shop.answer(request)
            assert agent.result() == "A-17 is refunded"
    assert shop.refunds == REFUNDED


@each_framework
def test_a_changed_question_is_another(shop: Shop, framework: Framework) -> None:
    """A deploy between question and answer: the yes to the old question lets nothing run."""
    shop.deploy(framework)
    shop.answer(killed_while_waiting(shop, framework, "serve"))
    shop.deploy(framework, harder=("Refund this order?", "Refund this order without a receipt?"))
    with shop.run(framework, "serve") as again:
        (after,) = shop.open()
        assert after["prompt"] == "Refund this order without a receipt?"
        assert shop.refunds == []
        shop.answer(after, "reject")
        assert "Rejected" in again.result()
    assert shop.refunds == []


@pytest.mark.parametrize(
    ("framework", "said"),
    [(LANGCHAIN, "1"), (PYDANTIC_AI, "3"), (OPENAI, "Undecided")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_yes_of_the_program_is_none(shop: Shop, framework: Framework, said: str) -> None:
    """Resumed with yeses that nobody gave, the call still waits for people."""
    shop.deploy(framework)
    killed_while_waiting(shop, framework, "serve")
    with shop.run(framework, "forge") as forged:
        assert forged.result() == said
    assert len(shop.open()) == 1
    assert shop.refunds == []


def test_a_changed_call_is_not_approved(shop: Shop) -> None:
    """Messages whose call was changed after the yes: by itself Pydantic AI runs the changed call."""
    shop.deploy(PYDANTIC_AI)
    shop.answer(killed_while_waiting(shop, PYDANTIC_AI, "serve"))
    with shop.run(PYDANTIC_AI, "edit") as edited:
        assert edited.result() == "True"
    assert shop.open()[0]["details"]["amount"] == 4000
    assert shop.refunds == []


@pytest.mark.parametrize(
    ("framework", "refunds"),
    [
        (LANGCHAIN, REFUNDED * 2),
        (PYDANTIC_AI, [*REFUNDED * 2, "A-17 4000"]),
        (OPENAI, REFUNDED * 2),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_what_frameworks_do_by_themselves(shop: Shop, framework: Framework, refunds: list[str]) -> None:
    """What the gates are for: one yes, resumed twice, runs twice."""
    shop.deploy(framework)
    with shop.run(framework, "alone") as alone:
        assert alone.result() == "ran"
    assert shop.refunds == refunds
