"""`sayso init`: from nothing to a card that was answered, in one command that can be interrupted and run again."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from sayso.adapters.console import visible_line
from sayso.bots.chats import AnswerUnusable, Finding, HasSetUp, SetUp
from sayso.bots.cli._doctor import check_all, finding_as_dict, findings_table, try_first_card_at
from sayso.bots.cli._options import JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.cli._questions import Asked, kept_secrets
from sayso.bots.cli._terminal import EndOfInput
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.config import FILE_NAME, Settings, all_settings, load_settings, to_toml

_MODULE: Final = "first_workflow"
_WORKFLOW: Final = '''\
"""A first workflow: it asks for approval, and continues with the answer."""

from sayso.engine import Workflow, node, request_approval


@node
async def ask(shared):
    shared.setdefault("version", "1.0.0")
    decision = await request_approval(
        f"Release {shared['version']} to production?",
        {"Change": "14 commits, 2 migrations"},
        request_id="release",
    )
    shared["approved"] = decision.approved


workflow = Workflow("release", start=ask)
'''
_NONE: Final = "none"


def init(
    *,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A chat platform to set up, or none. Can be repeated. Default: ask.",
            show_default=False,
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An answer given in advance, by the name of its question. Can be repeated. "
            "Secrets come from the environment.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        str,
        typer.Option(metavar="DURATION", help="How long to wait for each message or press in a chat."),
    ] = "10m",
    no_press: Annotated[
        bool, typer.Option("--no-press", help="Post no test card.", show_default=False)
    ] = False,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Set up sayso in this directory: settings, a first workflow, your chats, and a test card.

    Existing files are not changed. If you stop it, run it again to continue.
    """
    output = Output(as_json=as_json)
    directory = Path.cwd()
    asked = Asked(output, _read_answers(answer or []), read_age(wait), directory=directory)
    try:
        written = asyncio.run(_write(asked, platform, directory, output))
        service = Service.build()
        findings = _check(service, None if no_press else wait, output)
    except (KeyboardInterrupt, EndOfInput):
        output.say("")
        output.say("Stopped. To continue, run `sayso init` again.")
        return ExitCode.INTERRUPTED
    is_ready = all(one.is_good for one in findings)
    _say_what_is_next(output, service.settings, is_ready=is_ready)
    output.value({"written": written, "findings": [finding_as_dict(one) for one in findings]})
    return ExitCode.OK if is_ready else ExitCode.FAILED


def _check(service: Service, wait: str | None, output: Output) -> list[Finding]:
    """What `doctor` finds, and where all is good, what a test card in each chat shows; no cards without `wait`."""
    findings = check_all(service, output)
    output.show(findings_table(findings))
    if wait is None or not all(one.is_good for one in findings):
        return findings
    for place in _chats(service.settings):
        tried = try_first_card_at(service, place, wait, output)
        output.show(findings_table([tried]))
        findings = [*findings, tried]
    return findings


def _read_answers(given: Sequence[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or not key or not value:
            raise UsageProblem(f"--answer {one}: write KEY=VALUE.")
        answers[key] = value
    return answers


async def _write(asked: Asked, names: Sequence[str] | None, directory: Path, output: Output) -> list[str]:
    """Ask, and write what is not there yet; the names of the files that were written."""
    if (directory / FILE_NAME).exists():
        _check_named(names or [], load_settings(directory))
        output.say(f"Using the {FILE_NAME} that is here.")
        return []
    platforms = await _choose(asked, names)
    before = load_settings(directory)
    found = {one.name: await one.set_up(before, asked) for one in platforms}
    user = None if found else await asked.ask("name", "Your name in the web inbox", _read_name)
    text = _settings(directory, found, user)
    written = [
        name
        for name, content in ((f"{_MODULE}.py", _WORKFLOW), (FILE_NAME, text))
        if _create(directory / name, content)
    ]
    output.say(f"Wrote {' and '.join(written)}.")
    return written


def _check_named(names: Sequence[str], settings: Settings) -> None:
    """Raises `UsageProblem` for a platform that the settings which are there lack."""
    for name in names:
        if name != _NONE and name not in settings.platforms:
            raise UsageProblem(
                f"{FILE_NAME} is here already, and has no [{name}]. Add it by hand "
                f"(docs/how-to/set-up-{name}.md), or run `sayso init` in a new directory."
            )


async def _choose(asked: Asked, names: Sequence[str] | None) -> list[HasSetUp]:
    offered = {one.name: cast("HasSetUp", one) for one in all_settings() if isinstance(one, HasSetUp)}

    async def read(given: str) -> list[HasSetUp]:
        chosen = [one for one in given.replace(",", " ").lower().split() if one != _NONE]
        for one in chosen:
            if one not in offered:
                raise AnswerUnusable("platform", f"{one!r} is not one of {', '.join([*offered, _NONE])}.")
        return [offered[one] for one in dict.fromkeys(chosen)]

    if names:
        return await read(" ".join(names))
    return await asked.ask(
        "platform",
        f"Where do people answer? {', '.join(offered)}, or {_NONE} for the web inbox only",
        read,
    )


async def _read_name(given: str) -> str:
    if not given.isidentifier():
        raise AnswerUnusable("name", f"use letters and digits, such as {getpass.getuser()}.")
    return given


def _settings(directory: Path, found: Mapping[str, SetUp], user: str | None) -> str:
    """The text of sayso.toml."""
    people = [one.person for one in found.values() if one.person is not None]
    places = [one.place for one in found.values()]
    if user is not None:
        people = places = [f"web:{user}"]
    lines = [
        "# Written by `sayso init`. docs/reference/settings.md lists every setting.",
        "",
        "[[workflows]]",
        f'workflow = "{_MODULE}:workflow"',
        f"starters = {to_toml(people)}",
        f"to = {to_toml(places)}",
    ]
    for name, one in found.items():
        given = one.destination.model_dump(exclude_defaults=True, mode="json")
        lines += ["", f"[destinations.{to_toml(one.place)}]", *_table(given)]
        lines += ["", f"[{name}]", *_table(kept_secrets(directory, name))]
    if user is not None:
        lines += ["", "[http]", f"operators = {to_toml(people)}"]
    return "\n".join([*lines, ""])


def _table(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {to_toml(value)}" for key, value in values.items()]


def _create(path: Path, text: str) -> bool:
    """Write a file that is not there yet; False where it is."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _chats(settings: Settings) -> list[str]:
    return [one.name for one in settings.chats()]


def _say_what_is_next(output: Output, settings: Settings, *, is_ready: bool) -> None:
    if not is_ready:
        output.say("Fix what is listed above, then run `sayso init` again.", "yellow")
        return
    output.say("Ready. Next, start the service, and in another terminal the workflow:", "bold green")
    output.say("  sayso serve")
    output.say("  sayso start release")
    users = [one for given in settings.workflows for one in given.to if one.startswith("web:")]
    for one in users:
        output.say(f"  sayso sign-in {visible_line(one.removeprefix('web:'))}")
