"""Who may answer: the people who are let in where the request was sent, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.engine import AnswerRefused, OutcomeKind, Store, WorkflowEngine, WorkflowStatus
from tests.engine.support import asking, say, waiting

pytestmark = pytest.mark.usefixtures("resident")

CHAT = "slack:#releases"
CHAT_AND_ANA = [CHAT, "web:ana"]
CHAT_AND_OPERATOR = [CHAT, "operator"]


@pytest.mark.parametrize(
    ("to", "person", "via"),
    [
        (None, "local:ana", "console"),
        (None, "web:ana", "web"),
        (None, "local:ana", "api"),
        ("web", "web:ana", "web"),
        (["web", "slack:#a"], "web:ana", "web"),
        ("api", "token:ci", "api"),
        ("token:ci", "token:ci", "api"),
        ("console", "local:ana", "console"),
        (CHAT, "slack:T1:U1", CHAT),
        (CHAT_AND_ANA, "web:ana", "web"),
        (CHAT_AND_ANA, "web:ana", "api"),
        (CHAT_AND_OPERATOR, "web:bo", "web"),
        (CHAT_AND_OPERATOR, "local:bo", "console"),
        (CHAT, "local:ana", "code"),
        (["slack:@alice", "telegram:-100123"], "telegram:7", "telegram:-100123"),
    ],
)
async def test_whoever_was_asked_may_answer(store: Store, to: Any, person: str, via: str) -> None:
    async with WorkflowEngine(start=asking(to=to), store=store) as engine:
        request = waiting(await engine.run())
        outcome = await say(engine, request, "yes", person, via=via)
        assert outcome.kind is OutcomeKind.RESOLVED
        assert (await engine.run()).workflow_status is WorkflowStatus.COMPLETED


@pytest.mark.parametrize(
    ("to", "person", "via"),
    [
        (CHAT, "web:ana", "web"),
        (CHAT, "local:ana", "console"),
        (CHAT, "token:ci", "api"),
        (CHAT, "slack:T1:U1", "slack:#other"),
        (CHAT, "telegram:7", "telegram:-100123"),
        (CHAT_AND_ANA, "web:bo", "web"),
        ("web", "local:ana", "console"),
        ("web", "slack:T1:U1", CHAT),
        (None, "slack:T1:U1", CHAT),
        (None, "token:ci", "api"),
        (CHAT_AND_OPERATOR, "token:ci", "api"),
        ([], "local:ana", "console"),
        ([], "web:ana", "web"),
        ([], "local:ana", "code"),
    ],
)
async def test_nobody_else_may_and_an_empty_list_is_nobody(
    store: Store, to: Any, person: str, via: str
) -> None:
    """No surface answers for another: a chat's question is not the web's to answer."""
    async with WorkflowEngine(start=asking(to=to), store=store) as engine:
        request = waiting(await engine.run())
        outcome = await say(engine, request, "yes", person, via=via)
        assert outcome.kind is OutcomeKind.NOT_ALLOWED
        assert "aren't an approver" in outcome.reason
        assert (await engine.run()).pending == (request,)


async def test_not_even_code_may_answer_by_name_what_was_asked_of_nobody(store: Store) -> None:
    async with WorkflowEngine(start=asking(to=[]), store=store) as engine:
        await engine.run()
        with pytest.raises(AnswerRefused, match="nobody") as refused:
            await engine.run({"ask": "yes"})
        assert refused.value.outcome.kind is OutcomeKind.NOT_ALLOWED


async def test_a_refusal_says_whom_it_was_asked_of(store: Store) -> None:
    async with WorkflowEngine(start=asking(to=CHAT_AND_ANA), store=store) as engine:
        request = waiting(await engine.run())
        assert request["to"] == CHAT_AND_ANA
        outcome = await say(engine, request, "yes", "web:bo", via="web")
        assert outcome.reason == "You aren't an approver for this. Approvers: slack:#releases, web:ana."
