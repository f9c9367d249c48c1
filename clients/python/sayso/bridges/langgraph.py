"""A LangGraph thread that people resume: `Resumer` asks for each interrupt, waits, and resumes the thread once.

Interrupts of `sayso.bridges.langchain.Gate`, of LangChain's `HumanInTheLoopMiddleware` (batched and per call) and of
nodes of one's own are asked; each call of a batch is a question of its own. Where a tool must run at most once whatever
happens to the process, put it behind a `Gate`: LangGraph itself runs again what was cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, GraphOutput, Interrupt

from sayso.bridges._calls import approvals, ask_together, key_for
from sayso.bridges._interrupts import Ask, asks_of, question_of, resume_value
from sayso.client import AlreadyUsed, AsyncClient, Question, Refused, Request, SaysoError, Unreachable

POLL = 20.0
"""Seconds of one long poll; between two of them the thread is looked at."""

AGAIN = "This was approved before, and the thread was cut off: it may have run."

_WAITING = "sayso.request"


class ThreadError(SaysoError):
    """A thread that cannot be resumed in its present state. `thread` is its id."""

    def __init__(self, thread: str, words: str) -> None:
        self.thread = thread
        self.words = words
        super().__init__(thread, words)

    def __str__(self) -> str:
        return f"thread {self.thread}: {self.words}"


class CutOff(ThreadError):
    """The thread was cut off in the middle of a step, or another process is running it. What it did is unknown."""


class Gone(ThreadError):
    """The thread no longer waits for what was asked. Its open requests were withdrawn; nothing was resumed."""


class Unanswered(ThreadError):
    """The request was closed without an answer that the interrupt takes. The thread still waits."""


class _Asked(msgspec.Struct, frozen=True):
    """An interrupt with its requests as they were seen last. One of a gate has no questions of ours."""

    interrupt: Interrupt[Any]
    asks: tuple[Ask, ...]
    requests: tuple[Request, ...]
    attempt: int = 0

    @property
    def is_open(self) -> bool:
        return any(request.is_open for request in self.requests)

    def value(self, thread: str) -> Any:
        """What the decisions resume the interrupt with. A gate is only woken."""
        if not self.asks:
            return True
        values: list[Any] = []
        for ask, request in zip(self.asks, self.requests, strict=True):
            assert request.decision is not None
            value = ask.value(request.decision)
            if value is None:
                outcome = request.decision.outcome
                raise Unanswered(
                    thread, f"request {request.id} was {outcome}, and the thread takes no refusal"
                )
            values.append(value)
        return resume_value(self.interrupt, values)


def waiting_for(request: Request) -> dict[str, Any]:
    """What a gate interrupts a thread with: the request that it waits for, which was asked already."""
    return {"type": _WAITING, "request": request.id, "url": request.url}


class Resumer:
    """Runs threads of one graph, and asks people wherever a thread is interrupted.

    `tools` are the questions of tools that a `HumanInTheLoopMiddleware` holds; others are asked plainly. `ask` makes
    the question of any other interrupt: an approval resumes its node with True or False, an input with the value.

    No answer is never a yes: what expires or is withdrawn rejects the call. A yes resumes its thread once: right
    before, the thread must still wait for that question, and the approval is used, so that another process that resumes
    the same thread finds it used. Within a process, one thread is run by one caller at a time. Being cancelled leaves
    the thread and its questions as they are; `resume` takes both up.
    """

    def __init__(
        self,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        client: AsyncClient,
        tools: Mapping[str, Question] | None = None,
        ask: Callable[[Interrupt[Any]], Question] = question_of,
    ) -> None:
        self._graph = graph
        self._client = client
        self._questions = approvals(tools or {})
        self._ask_of = ask
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, input: Any, config: RunnableConfig) -> GraphOutput[Any]:
        """Run the thread of `config` on `input` until it ends, however long people take. Raises what the graph raises,
        and the errors of this module.
        """
        async with self._turn(config):
            return await self._drive(config, await self._run(input, config), again=False)

    async def resume(self, config: RunnableConfig, *, again: bool = False) -> GraphOutput[Any]:
        """Resume a thread that another process left, and run it until it ends; one that has ended is returned.

        A thread that was cut off in the middle of a step raises `CutOff`. With `again` its step is run again, and
        people are asked again for an approval that was used. A `Gate` does not run a call again on a used approval, so
        where gates hold all that must not run twice, `again` is safe.
        """
        async with self._turn(config):
            before = await self._graph.aget_state(config)
            if not before.next:
                return GraphOutput(before.values)
            stopped = [task.name for task in before.tasks if task.result is None and not task.interrupts]
            if stopped and not again:
                raise CutOff(
                    _thread(config),
                    f"cut off in the middle of {', '.join(stopped)}, or another process is running it. "
                    "Find out what ran; resume(config, again=True) runs it again",
                )
            # Interrupts anew what waits, by the code of today: whatever asks something else now is asked anew.
            output = await self._run(None, config)
            await self._forget(config, before.interrupts, output.interrupts)
            return await self._drive(config, output, again=again)

    def _turn(self, config: RunnableConfig) -> asyncio.Lock:
        return self._turns.setdefault(_thread(config), asyncio.Lock())

    async def _run(self, input: Any, config: RunnableConfig) -> GraphOutput[Any]:
        return await self._graph.ainvoke(input, config, version="v2")

    async def _drive(
        self, config: RunnableConfig, output: GraphOutput[Any], *, again: bool
    ) -> GraphOutput[Any]:
        while output.interrupts:
            answered, value = await self._answer(config, output.interrupts, again=again)
            output = await self._run(Command(resume={answered: value}), config)
        return output

    async def _answer(
        self, config: RunnableConfig, interrupts: tuple[Interrupt[Any], ...], *, again: bool
    ) -> tuple[str, Any]:
        """The first interrupt that people answered, and the value to resume it with; its approvals are used."""
        thread = _thread(config)
        asked = await self._asked(thread, interrupts)
        while True:
            closed = next((one for one in asked if not one.is_open), None)
            if closed is None:
                asked = [await self._look(one, POLL / len(asked)) for one in asked]
            if not {one.interrupt.id for one in asked} <= await self._waits_for(config):
                for one in asked:
                    await self._withdraw(one.requests)
                raise Gone(thread, "it no longer waits for what was asked; open requests were withdrawn")
            if closed is None:
                continue
            value = closed.value(thread)
            if await self._use(closed):
                return closed.interrupt.id, value
            if not again:
                raise CutOff(
                    thread,
                    "an approval was used, but the thread still waits for it: it was cut off, or another process is "
                    "running it. Find out what ran; resume(config, again=True) asks people again",
                )
            place = asked.index(closed)
            (asked[place],) = await self._asked(thread, [closed.interrupt], closed.attempt + 1)

    async def _asked(
        self, thread: str, interrupts: Sequence[Interrupt[Any]], attempt: int = 0
    ) -> list[_Asked]:
        """The requests of interrupts; those that were not asked before are asked together."""
        asks: list[tuple[Ask, ...]] = []
        waiting: list[tuple[Question, str]] = []
        for interrupt in interrupts:
            found = () if _gate_waits_for(interrupt) else asks_of(interrupt, self._questions, self._ask_of)
            asks.append(found)
            for index, one in enumerate(found):
                question = one.question
                place = f"lg:{thread}:{interrupt.id}:{index}"
                if attempt:
                    question = msgspec.structs.replace(question, note=AGAIN)
                    place = f"{place}:{attempt}"
                waiting.append((question, key_for(place, question)))
        requests = iter(await ask_together(self._client, waiting))
        asked: list[_Asked] = []
        for interrupt, found in zip(interrupts, asks, strict=True):
            id = _gate_waits_for(interrupt)
            known = [next(requests) for _ in found] if id is None else [await self._client.request(id)]
            asked.append(_Asked(interrupt, found, tuple(known), attempt))
        return asked

    async def _look(self, asked: _Asked, seconds: float) -> _Asked:
        """What it became, after `seconds` at most. While the service is away it stays as it is."""
        found: list[Request] = []
        for request in asked.requests:
            try:
                found.append(await self._client.wait(request.id, timeout=seconds / len(asked.requests)))
            except Unreachable:
                found.append(request)
        return msgspec.structs.replace(asked, requests=tuple(found))

    async def _waits_for(self, config: RunnableConfig) -> set[str]:
        return {interrupt.id for interrupt in (await self._graph.aget_state(config)).interrupts}

    async def _use(self, asked: _Asked) -> bool:
        """Use the approvals of an interrupt. A gate uses its own, where the call runs."""
        for request in asked.requests if asked.asks else ():
            if request.approved:
                try:
                    await self._client.consume(request.id, key=asked.interrupt.id)
                except AlreadyUsed:
                    return False
        return True

    async def _forget(
        self, config: RunnableConfig, before: tuple[Interrupt[Any], ...], now: tuple[Interrupt[Any], ...]
    ) -> None:
        """Withdraw what the thread waited for before and no longer asks."""
        thread = _thread(config)
        kept = {request.id for one in await self._asked(thread, now) for request in one.requests}
        for one in await self._asked(thread, before):
            await self._withdraw([request for request in one.requests if request.id not in kept])

    async def _withdraw(self, requests: Iterable[Request]) -> None:
        for request in requests:
            if request.is_open:
                with suppress(Refused):  # decided meanwhile; nothing is resumed by it
                    await self._client.withdraw(request.id)


def _gate_waits_for(interrupt: Interrupt[Any]) -> str | None:
    """The request that a gate waits for, which was asked already; None for any other interrupt."""
    match interrupt.value:
        case {"type": waits, "request": str(id)} if waits == _WAITING:
            return id
        case _:
            return None


def _thread(config: RunnableConfig) -> str:
    return str(config["configurable"]["thread_id"])
