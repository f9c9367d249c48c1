"""Onboarding: one conversation that asks for a text, a number, a date, several choices and a form.

`sayso serve` hosts it with a sayso.toml such as::

    [[workflows]]
    workflow = "examples.onboarding:workflow"
    starters = ["telegram:1001", "slack:T0001:U0001"]
    to = ["telegram:1001"]                  # who is asked: here one person, in a direct message

Start it with `/run onboarding` in Telegram or `/sayso start onboarding` in Slack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sayso.engine import Node, Workflow, step

TOOLS = ["Laptop", "Monitor", "Keyboard", "Headset", "Phone", "Desk lamp"]


@dataclass
class Access:
    """What the new colleague may use."""

    account: str
    team: Literal["platform", "payments", "support"]
    admin: bool
    quota_gb: int = 50


class Person(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["name"] = await request_input("Who starts? The full name, please.", request_id="name")
        shared["hours"] = await request_input(
            f"How many hours a week does {shared['name']} work?", input_type="number", request_id="hours"
        )
        shared["first_day"] = await request_input(
            f"When is the first day of {shared['name']}?", input_type="date", request_id="first-day"
        )


class Equipment(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["tools"] = await request_input(
            f"What does {shared['name']} need?", options=TOOLS, input_type="multiselect", request_id="tools"
        )


class Rights(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["access"] = await request_input(
            f"Which access does {shared['name']} get?", input_type="form", schema=Access, request_id="access"
        )
        shared["confirmed"] = await request_input(
            "Is this right?",
            input_type="confirm",
            request_id="confirm",
            details={
                "Name": shared["name"],
                "Hours": shared["hours"],
                "First day": shared["first_day"],
                "Tools": shared["tools"],
                "Access": shared["access"],
            },
        )


class Prepare(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["ticket"] = await step("ticket", open_ticket, shared["name"], shared["tools"])


def open_ticket(name: str, tools: list[str]) -> str:
    """Tell whoever prepares the desk. THE PLACE FOR your ticket system."""
    return f"{name}: {', '.join(tools) or 'nothing'}"


person, equipment, rights, prepare = (
    Person("person"),
    Equipment("equipment"),
    Rights("rights"),
    Prepare("desk"),
)
person > equipment
equipment > rights
rights - "shared['confirmed']" > prepare
rights > person

workflow = Workflow("onboarding", start=person)
