"""Workflows that the tests of the command line write into a folder and run from there."""

from __future__ import annotations

from pathlib import Path

SHOP = '''
"""Workflows of many kinds."""
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypedDict

from sayso.engine import Node, Policy, Stage, Workflow, WorkflowEngine, node, request_approval, request_input, step

print("shop is imported")


@dataclass
class Order:
    item: str
    count: int
    note: str = ""


@dataclass
class Packed:
    tools: list[str]
    days: list[date] = field(default_factory=list)


@node
def ordered(shared):
    pass


@node
async def release(shared):
    print("release runs")
    shared["decision"] = await request_input(
        PROMPT if "PROMPT" in globals() else "Release 4.2.0?", ["approve", "reject"], "select", "release"
    )


@node
async def everything(shared):
    shared["many"] = await request_input("Which?", ["red", "green", "blue"], "multiselect", "many")
    shared["sure"] = await request_input("Sure?", input_type="confirm", request_id="sure")
    shared["count"] = await request_input("How many?", input_type="number", request_id="count")
    shared["order"] = await request_input("The order?", input_type="form", schema=Order, request_id="order")
    shared["text"] = await request_input("Anything else?", request_id="text")


@node
async def two_texts(shared):
    shared["first"] = await request_input("First?", request_id="first")
    shared["second"] = await request_input("Second?", request_id="second")


@node
async def chat(shared):
    shared["answer"] = await request_input("In the chat?", request_id="chat", to="slack:#releases")


@node
async def soon(shared):
    shared["answer"] = await request_input(
        "Quickly?", request_id="quick", expires_after=timedelta(milliseconds=1), default="too late"
    )


@node
async def fragile(shared):
    await request_input("Try?", input_type="confirm", request_id="try")
    import pathlib
    if not pathlib.Path("mended").exists():
        raise RuntimeError("the printer is on \x1b[5mfire")


@node
async def together(shared):
    policy = Policy(stages=[Stage(["operator", "web:bo"], need=2)])
    shared["approved"] = (await request_approval("Together?", request_id="together", policy=policy)).approved


@node
async def gated(shared):
    policy = Policy(stages=[Stage(["operator"])], comment=shared.get("comment", []))
    decision = await request_approval(
        "Release?", request_id="gate", policy=policy, reject_reasons=["Not tested", "Release freeze"]
    )
    shared["why"] = decision.comment


@node
async def hostile(shared):
    await request_input("\\x1b]0;owned\\x07\\x1b[2J[bold]Approved[/bold]\\x9b31m", request_id="hostile")


@node
async def quick(shared):
    shared["done"] = True


@node
async def once(shared):
    async def charge():
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    shared["receipt"] = await step("charge", charge, once=True)


class Receipt(TypedDict):
    number: int
    lines: list[str]


@node
async def settled(shared):
    async def settle() -> Receipt:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    async def notify() -> None:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    shared["receipt"] = await step("settle", settle, once=True)
    await step("notify", notify, once=True)


release_flow = Workflow("release", release)
everything_flow = Workflow("everything", everything)
two_texts_flow = Workflow("two-texts", two_texts)
chat_flow = Workflow("chat", chat)
soon_flow = Workflow("soon", soon)
fragile_flow = Workflow("fragile", fragile)
together_flow = Workflow("together", together)
gated_flow = Workflow("gated", gated)
hostile_flow = Workflow("hostile", hostile)
quick_flow = Workflow("quick", quick)
once_flow = Workflow("once", once)
settled_flow = Workflow("settled", settled)
ordered_flow = Workflow("ordered", ordered, inputs=Order)
packed_flow = Workflow("packed", ordered, inputs=Packed)
not_one = 42
'''


def write_shop(folder: Path, *, prompt: str | None = None) -> None:
    """Write the module `shop`; `prompt` changes what `release` asks."""
    head = "" if prompt is None else f"PROMPT = {prompt!r}\n"
    (folder / "shop.py").write_text(head + SHOP, encoding="utf-8")
