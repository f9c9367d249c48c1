"""`sayso demo --chat`: the service with local chats in the browser, for people without any token."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.bots.slack import SlackSettings
from sayso.bots.telegram import TelegramSettings
from sayso.config import DestinationSettings, HttpSettings, LogSettings, MissingExtra, Settings
from sayso.engine import ENDED, PersonId, Runtime, SQLiteReader, Workflow

if TYPE_CHECKING:
    from sayso.testing.slack import LocalSlack
    from sayso.testing.telegram import LocalTelegram

CHAT_DATABASE = "sayso-demo-chat.db"
CHAT_PORT = 8788
_GROUP = "Editors"
_CHANNEL = "editors"
_PEOPLE = ("Ana", "Bo", "Eve")
_IN_GROUP = ("Ana", "Bo")
_NEEDED = (
    "aiohttp",
    "aiogram",
    "fastapi",
    "jsonschema_rs",
    "slack_events",
    "slack_sdk",
    "teremok",
    "telegram",
)


def chat_demo(database: str | None, port: int, output: Output) -> ExitCode:
    """Run the demo until Ctrl-C or SIGTERM."""
    for module in _NEEDED:
        if find_spec(module) is None:
            raise MissingExtra("sayso demo --chat", "testing", module)
    return asyncio.run(_run(Service.build(database or CHAT_DATABASE, settings=Settings()), port, output))


async def _run(service: Service, port: int, output: Output) -> ExitCode:
    from sayso.bots.cli._content_creation import workflow
    from sayso.bots.service import Hosted, Sayso, set_up_logging
    from sayso.testing.page import ChatPage
    from sayso.testing.slack import LocalSlack
    from sayso.testing.telegram import LocalTelegram

    set_up_logging(LogSettings(level="warning"))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(
            LocalTelegram(state_file=service.path.with_suffix(".telegram.json"))
        )
        slack = await stack.enter_async_context(
            LocalSlack(state_file=service.path.with_suffix(".slack.json"))
        )
        destinations = {**_slack_channel(slack), **await _telegram_group(telegram)}
        people = [person for one in destinations.values() for person in one.audience or ()]
        sayso = Sayso(
            _settings(telegram, slack, destinations, service.location, port + 1 if port else 0),
            workflows=[Hosted(workflow, frozenset(people), (*destinations, "operator"))],
            new_store=service.new_store,
        )
        routes = {"slack": slack.control.add_routes, "telegram": telegram.control.add_routes}
        page = ChatPage(routes, port=port)
        try:
            await stack.enter_async_context(page)
            await stack.enter_async_context(sayso)
        except OSError as error:
            raise UsageProblem(
                f"port {port} or the next, for the inbox, cannot be had ({error.strerror}); name another with --port."
            ) from error
        for person, name in _names(slack, telegram).items():
            await sayso.store.know(PersonId(person), name)
        await _begin(workflow, sayso.runtime, sayso.store.reader, people[0])
        # Whoever reads the address may press at once, and a press that finds nobody connected is lost.
        await slack.until(lambda: slack.connections > 0)
        await telegram.until(lambda: telegram.is_polled)
        output.say(
            "An article is drafted and reviewed in Slack and Telegram. Open this page and be Ana or Bo:",
            "bold",
        )
        output.say(f"  {page.url}", "green")
        output.say("The same questions wait in the web inbox. This link signs you in there, once:", "bold")
        link = await sayso.make_link()
        output.say(f"  {link}", "green")
        output.say("Stop it whenever you like, even with kill -9; started again, it goes on.", "dim")
        output.value({"url": page.url, "inbox": sayso.url, "link": link})
        await stop.wait()
    return ExitCode.OK


async def _telegram_group(telegram: LocalTelegram) -> dict[str, DestinationSettings]:
    """The group as a destination, with its people, made at the first start."""
    people = {person.name: person for person in telegram.people()}
    for name in _PEOPLE:
        if name not in people:
            people[name] = telegram.add_person(name)
    members = [people[name] for name in _IN_GROUP]
    groups = telegram.groups() or [await telegram.add_group(_GROUP, members)]
    audience = tuple(f"telegram:{member.id}" for member in members)
    return {f"telegram:{groups[0].id}": DestinationSettings(audience=audience, name=f"{_GROUP} (Telegram)")}


def _slack_channel(slack: LocalSlack) -> dict[str, DestinationSettings]:
    """The channel as a destination, likewise."""
    people = {person.name: person for person in slack.people()}
    for name in _PEOPLE:
        if name not in people:
            people[name] = slack.add_person(name)
    members = [people[name] for name in _IN_GROUP]
    channels = slack.channels() or [slack.add_channel(_CHANNEL, members)]
    audience = tuple(f"slack:{slack.team_id}:{member.id}" for member in members)
    return {f"slack:{channels[0].id}": DestinationSettings(audience=audience, name=f"#{_CHANNEL} (Slack)")}


def _settings(
    telegram: LocalTelegram,
    slack: LocalSlack,
    destinations: dict[str, DestinationSettings],
    database: str,
    port: int,
) -> Settings:
    return Settings(
        database=database,
        destinations=destinations,
        telegram=TelegramSettings.model_validate({"token": telegram.token, "api_url": telegram.url}),
        slack=SlackSettings.model_validate(
            {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_url": slack.api_url}
        ),
        http=HttpSettings(port=port, public_url=f"http://127.0.0.1:{port}" if port else None),
    )


def _names(slack: LocalSlack, telegram: LocalTelegram) -> dict[str, str]:
    """What people are called, for cards that name them before they have pressed anything."""
    names = {f"slack:{slack.team_id}:{person.id}": person.name for person in slack.people()}
    return names | {f"telegram:{person.id}": person.name for person in telegram.people()}


async def _begin(workflow: Workflow, runtime: Runtime, reader: SQLiteReader, person: str) -> None:
    """Start a run unless one is under way."""
    for found in await reader.runs(workflow=workflow.name, limit=1000):
        if found.status not in ENDED:
            return
    await runtime.start(workflow.name, requested_by=person)
