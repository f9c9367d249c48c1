"""A service with workflows for the API's and the inbox's tests, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.bots.command import sayso
from tests.bots.service_process import ServiceProcess

SHOP = """
import asyncio
import datetime
import json
import os
from typing import Annotated, Literal, TypedDict
import msgspec
from sayso.engine import Policy, Stage, Workflow, node, request_approval, request_input, step

FORM = {"type": "object", "required": ["name", "seats"], "properties": {
    "name": {"type": "string", "title": "Name"}, "seats": {"type": "integer", "title": "Seats"},
    "plan": {"enum": ["basic", "team"], "title": "Plan"}, "remote": {"type": "boolean", "title": "Remote"},
    "starts": {"type": "string", "format": "date", "title": "Starts"},
    "arrives": {"type": "string", "format": "date-time", "title": "Arrives"}}}
REGIONS = [f"region-{number:02d}" for number in range(12)]
HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)> {{ 7 * 7 }} \\u202e & 'quoted'"


@node
async def ask(shared):
    shared["answer"] = await request_input(
        shared.get("prompt", "Release 4.2.0?"), shared.get("options", ["approve", "reject"]), "select", "release",
        to=shared.get("to"), details=shared.get("details"))
    if shared.get("fails"):
        raise RuntimeError("connection refused")


@node
async def kinds(shared):
    async with asyncio.TaskGroup() as group:
        asked = {name: group.create_task(request_input(*rest, name)) for name, rest in {
            "buttons": ("Release 4.2.0 to production?", ["approve", "reject"], "select"),
            "list": ("Which region?", REGIONS, "select"),
            "many": ("Which tools?", ["laptop", "phone", "desk"], "multiselect"),
            "sure": ("Delete the staging database?", None, "confirm"),
            "text": ("What is it about?", None, "text"),
            "number": ("How many seats?", None, "number"),
            "date": ("From when on?", None, "date"),
        }.items()}
        asked["form"] = group.create_task(request_input("Who is coming?", None, "form", "form", schema=FORM))
        asked["hostile"] = group.create_task(request_input(HOSTILE, ["yes <i>", "no"], "select", "hostile"))
    shared["answers"] = {name: task.result() for name, task in asked.items()}


@node
async def two(shared):
    window, release = await asyncio.gather(
        request_input("Which window?", ["early", "late"], "select", "window", to="console"),
        request_input(os.environ.get("SHOP_PROMPT", "Release 4.2.0?"), None, "text", "release"))
    shared["answers"] = [window, release]


@node
async def sign_up(shared):
    await asyncio.gather(
        request_input("Which day?", ["first", "second"], "select", "day"),
        request_input("Who is coming?", None, "form", "form", schema=json.loads(os.environ["SHOP_FORM"])))


class Address(msgspec.Struct):
    city: str
    country: str = "IT"


class Trip(msgspec.Struct):
    traveller: Annotated[str, msgspec.Meta(description="Who travels.")]
    nights: int
    to: Address
    by: Literal["train", "plane"] = "train"
    starts: datetime.date | None = None
    stops: list[str] = []
    departs: datetime.datetime | None = None
    express: bool = False


@node
async def book(shared):
    shared["seat"] = await request_input("Which seat?", ["aisle", "window"], "select", "seat", to="requester")


@node
async def charge(shared):
    async def cut_off():
        os.kill(os.getpid(), 9)
    shared["receipt"] = await step("charge", cut_off, once=True)


class Receipt(TypedDict):
    number: int
    lines: list[str]


@node
async def settle(shared):
    async def cut_off() -> Receipt:
        os.kill(os.getpid(), 9)
    shared["receipt"] = await step("settle", cut_off, once=True)
    async def cut_off_again() -> None:
        os.kill(os.getpid(), 9)
    await step("notify", cut_off_again, once=True)


@node
async def careful(shared):
    policy = Policy(stages=[Stage(["operator"])], comment=["reject"])
    shared["approved"] = (await request_approval("Release 4.2.0?", request_id="release", policy=policy)).approved


@node
async def gated(shared):
    policy = Policy(stages=[Stage(["operator"])], comment=shared.get("comment", []))
    reasons = ["Not tested", "Release freeze until Monday"]
    decision = await request_approval(
        "Release 5.0.0 to production?", {"Change": "14 commits, 2 migrations", "Risk": "high"}, request_id="gate",
        policy=policy, reject_reasons=reasons,
    )
    shared["why"] = decision.comment


@node
async def placed(shared):
    policy = Policy(stages=[Stage(["operator"])], reject_reasons=["Too far away", "No quota"])
    regions = ["approve", "reject", *REGIONS]
    shared["region"] = await request_input("Which region?", regions, "select", "region", policy=policy)


@node
def publish(shared):
    shared["published"] = True


ask - "shared['answer'] == 'approve'" > publish
ask - "shared['answer'] != 'approve'" > ask
release = Workflow("release", start=ask)
all_kinds = Workflow("kinds", start=kinds)
pair = Workflow("pair", start=two)
once = Workflow("once", start=charge)
settled = Workflow("settled", start=settle)
strict = Workflow("strict", start=careful)
gate = Workflow("gate", start=gated)
course = Workflow("course", start=sign_up)
place = Workflow("place", start=placed)
trip = Workflow("trip", start=book, inputs=Trip)
"""

CONFIGURATION = """
[[workflows]]
workflow = "shop:release"
starters = ["token:ci", "web:ana"]

[[workflows]]
workflow = "shop:all_kinds"

[[workflows]]
workflow = "shop:pair"

[[workflows]]
workflow = "shop:once"

[[workflows]]
workflow = "shop:settled"

[[workflows]]
workflow = "shop:strict"

[[workflows]]
workflow = "shop:gate"

[[workflows]]
workflow = "shop:course"

[[workflows]]
workflow = "shop:place"

[[workflows]]
workflow = "shop:trip"
starters = ["token:ci", "web:ana"]

[http]
port = {port}
operators = ["web:olga", "token:operator"]
sign_ins_per_minute = 1000
{more}
"""


def write(folder: Path, *, port: int = 0, more: str = "") -> None:
    """Put workflows and configuration into a folder."""
    (folder / "shop.py").write_text(SHOP)
    (folder / "sayso.toml").write_text(CONFIGURATION.format(port=port, more=more))


def token(folder: Path, name: str, *scopes: str) -> str:
    """A token made as an operator makes it; without scopes, it may start and read."""
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    return str(sayso(folder, "token", name, *wanted, "--json").json["token"])


def link(folder: Path, name: str) -> str:
    """A sign-in link made as an operator makes it."""
    return str(sayso(folder, "sign-in", name, "--json").json["url"])


def ask(folder: Path, workflow: str, shared: str = "{}") -> str:
    """Start a run, and wait until its request is open; the request's id."""
    sayso(folder, "start", workflow, shared)
    while not (found := sayso(folder, "requests", "--json").json["requests"]):
        pass
    return str(found[0]["id"])


def held_for_two(folder: Path, *, port: int = 0) -> str:
    """A run whose two answered questions have changed: the next service holds it for each in turn; its id."""
    write(folder, port=port)
    with ServiceProcess(folder) as service:
        run_id = str(sayso(folder, "start", "pair", "--json").json["run_id"])
        while len(found := sayso(folder, "requests", "--json").json["requests"]) < 2:
            pass
        service.stop()
    for request, value in zip(found, ("early", "yes"), strict=True):
        assert sayso(folder, "answer", f"{request['id']}@1", value).code == 0
    shop = folder / "shop.py"
    shop.write_text(shop.read_text().replace("Which window?", "Which window then?").replace("4.2.0", "5.0.0"))
    return run_id


__all__ = ["ServiceProcess", "ask", "held_for_two", "link", "token", "write"]
