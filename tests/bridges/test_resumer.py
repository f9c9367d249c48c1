"""Threads of LangGraph that people resume: what LangChain's own middleware holds, and what nodes ask."""

from __future__ import annotations

import pytest

from tests.bridges.frameworks import DEADLINE, Cut, Framework, Point, Shop, killed_while_waiting, looks
from tests.bridges.test_gates import answered, asked, used, using

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]

THREADS = Framework("langgraph", "threads_program.py", "")
BOTH = ["A-17 40", "mail to eve"]
SAID = "A-17 40: done / mail to eve: done"

each_mode = pytest.mark.parametrize("mode", ["batched", "per_call"])


@each_mode
def test_each_call_of_a_batch_is_decided_by_itself(shop: Shop, mode: str) -> None:
    """One is approved and one is rejected; LangChain's own batch takes answers by position."""
    with shop.run(THREADS, mode, "run") as agent:
        requests = {one["prompt"]: one for one in shop.open(2)}
        assert len({one["run_id"] for one in requests.values()}) == 1, (
            "asked in one call, so that they share a card"
        )
        assert requests["Send this mail?"]["details"] == {"to": "eve"}
        shop.answer(requests["Send this mail?"], "reject", "wrong person")
        shop.answer(requests["Refund this order?"])
        said = agent.result()
    assert shop.refunds == ["A-17 40"]
    assert "Rejected by token:boss: wrong person. It was not run." in said


@each_mode
@pytest.mark.parametrize("point", [asked, answered, using])
def test_a_yes_outlives_the_process(shop: Shop, mode: str, point: Point) -> None:
    """Killed before any approval is used, another process resumes the thread with what people said."""
    cut = Cut(shop.url, point)
    with cut.listening(), shop.run(THREADS, mode, "run", url=cut.url) as agent:
        if point is not asked:
            for request in shop.open(2):
                shop.answer(request)
        assert cut.reached.wait(DEADLINE)
        agent.kill()
    with shop.run(THREADS, mode, "resume") as again:
        if point is asked:
            for request in shop.open(2):
                shop.answer(request)
        assert again.result() == SAID
    assert sorted(shop.refunds) == BOTH


def test_a_used_yes_resumes_nothing_again(shop: Shop) -> None:
    """Killed between use and resume: whether it ran is unknown, and only people can say yes again."""
    mode = "batched"
    cut = Cut(shop.url, used)
    with cut.listening(), shop.run(THREADS, mode, "run", url=cut.url) as agent:
        for request in shop.open(2):
            shop.answer(request)
        assert cut.reached.wait(DEADLINE)
        agent.kill()
    with shop.run(THREADS, mode, "resume") as refused:
        assert refused.result() == "CutOff"
    assert shop.refunds == []
    with shop.run(THREADS, mode, "again") as again:
        for request in shop.open(2):
            assert request["note"] == "This was approved before, and the thread was cut off: it may have run."
            assert shop.refunds == []
            shop.answer(request)
        assert again.result() == SAID
    assert sorted(shop.refunds) == BOTH


def test_a_deploy_misroutes_no_answer(shop: Shop) -> None:
    """The new code holds another tool: a yes to the refund, which LangChain would take by position, sends no mail."""
    shop.answer(killed_while_waiting(shop, THREADS, "refund_only", "run"))
    with shop.run(THREADS, "mail_only", "resume") as again:
        (after,) = shop.open()
        assert after["prompt"] == "Send this mail?"
        assert shop.refunds == []
        shop.answer(after, "reject")
        assert "Rejected" in again.result()
    assert "mail to eve" not in shop.refunds


def test_what_a_deploy_no_longer_asks_is_withdrawn(shop: Shop) -> None:
    before = killed_while_waiting(shop, THREADS, "refund_only", "run")
    with shop.run(THREADS, "mail_only", "resume") as again:
        while [one["id"] for one in shop.open()] == [before["id"]] or len(shop.open()) > 1:
            pass
        assert shop.request(before["id"])["decision"]["outcome"] == "withdrawn"
        shop.answer(shop.open()[0], "reject")
        again.result()


def test_a_thread_that_is_gone_asks_nobody(shop: Shop) -> None:
    """The thread was deleted while people were asked: their yes resumes nothing, and what is open is withdrawn."""
    with shop.run(THREADS, "per_call", "run") as agent:
        first, second = shop.open(2)
        with shop.run(THREADS, "per_call", "drop") as dropping:
            assert dropping.result() == "dropped"
        shop.answer(first)
        assert agent.result() == "Gone"
    assert shop.request(second["id"])["decision"]["outcome"] == "withdrawn"
    assert shop.refunds == []


def test_two_processes_resume_a_thread_once(shop: Shop) -> None:
    killed_while_waiting(shop, THREADS, "batched", "run")
    cuts = [Cut(shop.url, looks, holds=False) for _ in range(2)]
    with (
        cuts[0].listening(),
        cuts[1].listening(),
        shop.run(THREADS, "batched", "resume", url=cuts[0].url) as one,
        shop.run(THREADS, "batched", "resume", url=cuts[1].url) as other,
    ):
        assert all(cut.reached.wait(DEADLINE) for cut in cuts)
        for request in shop.open(2):
            shop.answer(request)
        said = {one.last_words(), other.last_words()}
    assert SAID in said
    assert sorted(shop.refunds) == BOTH


@pytest.mark.parametrize(("answer", "deleted"), [("approve", ["deleted acme"]), ("reject", [])])
def test_a_node_asks_for_a_value_and_for_a_yes(shop: Shop, answer: str, deleted: list[str]) -> None:
    """Its schema says what people enter; without one, they approve or reject."""
    with shop.run(THREADS, "node", "run") as agent:
        (which,) = shop.open()
        assert (which["prompt"], which["input_type"]) == ("Which customer?", "text")
        shop.answer(which, "acme")
        while (sure := shop.open()[0])["id"] == which["id"]:
            pass
        assert sure["details"] == {"delete": "acme"}
        shop.answer(sure, answer)
        assert agent.result() == f"acme: {answer == 'approve'}"
    assert shop.refunds == deleted
