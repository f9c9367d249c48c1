"""`sayso hook`: hooks of coding agents, and `sayso resume`: going on with a session that waited for people.

An agent starts the hook for each tool call, so this module imports little.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sayso.bots.exit_codes import ExitCode
from sayso.bots.hooks import (
    Agent,
    HookOptions,
    InvalidRules,
    NotInstalled,
    Rules,
    Wanted,
    install,
    read_settings,
    rules_in,
    run_hook,
    seconds,
    settings_file,
    uninstall,
)

app = typer.Typer(help="Ask people before a coding agent uses a tool.", no_args_is_help=True)

WaitOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="TIME",
        help="How long to wait for an answer, such as 30s or 10m. Default: `wait` under [hooks], or 10m.",
        show_default=False,
    ),
]
SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="TOML file with [hooks], such as the service's sayso.toml. Without it, every call asks.",
        show_default=False,
    ),
]
UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Address of the service. Default: SAYSO_URL, or the socket next to the database in --settings.",
        show_default=False,
    ),
]
DeferFlag: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--defer",
        help="In `claude -p`: if nobody answers in time or sayso is down, stop the session until `sayso resume`.",
    ),
]

ToolsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="Tools that the agent calls the hook for, as its `matcher`, such as 'Bash|Edit'. Default: all.",
        show_default=False,
    ),
]
PermissionFlag: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--permission-request",
        help="Ask only where the agent itself would ask, at the same time as its dialog in the terminal.",
    ),
]
HttpOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Have Claude Code call the service at URL directly, with the token in SAYSO_TOKEN.",
        show_default=False,
    ),
]


@app.command("claude-code")
def claude_code(
    *,
    wait: WaitOption = None,
    settings: SettingsOption = None,
    url: UrlOption = None,
    defer: DeferFlag = False,
) -> int:
    """Judge a tool call of Claude Code: read the event on standard input, and print the verdict.

    Exits with 0 and a verdict, or with 2, which blocks the call. Install it with `sayso hook install claude-code`.
    """
    return run_hook(HookOptions(Agent.CLAUDE_CODE, settings, url, wait, defers=defer), os.environ)


@app.command("codex")
def codex(*, wait: WaitOption = None, settings: SettingsOption = None, url: UrlOption = None) -> int:
    """Judge a tool call of Codex: read the event on standard input, and print the verdict.

    Exits with 0 and a verdict, or with 2, which blocks the call. Install it with `sayso hook install codex`.
    """
    return run_hook(HookOptions(Agent.CODEX, settings, url, wait), os.environ)


@app.command("install")
def install_hook(  # noqa: PLR0913 - the options of a command
    agent: Annotated[
        Agent, typer.Argument(metavar="AGENT", help="claude-code or codex.", show_default=False)
    ],
    *,
    wait: WaitOption = None,
    settings: SettingsOption = None,
    url: UrlOption = None,
    defer: DeferFlag = False,
    tools: ToolsOption = None,
    permission_request: PermissionFlag = False,
    http: HttpOption = None,
    project: Annotated[
        bool,
        typer.Option("--project", help="Install in this directory. Default: for you, in every directory."),
    ] = False,
    remove: Annotated[bool, typer.Option("--uninstall", help="Remove the hook.")] = False,
) -> int:
    """Add the hook to the agent's settings, so that a failing hook blocks the call.

    Other settings are kept. Repeating the command with other options replaces the hook.
    """
    path = settings_file(agent, os.environ, project=Path.cwd() if project else None)
    try:
        if remove:
            is_gone = uninstall(path)
            return _say(f"Removed the hook from {path}." if is_gone else f"There is no sayso hook in {path}.")
        wanted = Wanted(
            agent,
            _program(),
            _wait(wait, rules_in(read_settings(settings))),
            settings,
            url,
            tools,
            defers=defer,
            asks_permission=permission_request,
            service=http,
        )
        _check(wanted)
        is_new = install(path, wanted)
    except (NotInstalled, InvalidRules) as error:
        sys.stderr.write(f"Error: {error}\n")
        return ExitCode.USAGE
    _say(f"Installed the hook in {path}." if is_new else f"The hook in {path} is up to date.")
    return _say(*_what_is_next(wanted))


def _check(wanted: Wanted) -> None:
    if wanted.agent is Agent.CODEX and (wanted.defers or wanted.service is not None):
        raise NotInstalled("Codex has neither --defer nor --http: it ignores both and runs the tool")
    if wanted.service is not None and (
        wanted.defers or wanted.settings is not None or wanted.url is not None
    ):
        raise NotInstalled("--http uses the service's own rules: leave out --defer, --settings and --url")
    if wanted.service is not None and not re.match(r"https?://[^/]", wanted.service):
        raise NotInstalled(
            f"{wanted.service!r} is not an address that starts with https:// or http://, so every call would fail"
        )
    if wanted.asks_permission and wanted.defers:
        raise NotInstalled(
            "--defer cannot be combined with --permission-request, which is for sessions with a terminal"
        )


def _wait(given: str | None, rules: Rules) -> str:
    if given is not None and seconds(given) <= 0:
        raise InvalidRules(f"{given!r} is not a time; use one such as 30s, 10m or 4h")
    return (given or rules.wait).replace(" ", "")


def _program() -> str:
    """The `sayso` that runs, by its full path: agents start hooks with other search paths."""
    beside = Path(sys.executable).with_name("sayso")
    return str(beside) if beside.exists() else shutil.which("sayso") or "sayso"


def _what_is_next(wanted: Wanted) -> list[str]:
    lines: list[str] = []
    if wanted.settings is None and wanted.service is None:
        lines.append(
            "Every tool call asks. To allow some without people, pass --settings with a file that has [hooks]."
        )
    if wanted.url is None and wanted.settings is None and wanted.service is None:
        lines.append(
            "Start the agent with SAYSO_URL and SAYSO_TOKEN set; `sayso token NAME --scope ask` makes a token."
        )
    if wanted.agent is Agent.CODEX:
        lines.append("Codex runs a new or changed hook only once you trust it: start codex, and open /hooks.")
        lines.append("Until then Codex skips the hook, and tools run without asking.")
    elif wanted.service is not None:
        lines.append(
            "Needs Claude Code 2.1.295 or newer: before that, tools run if the service cannot be reached."
        )
    return lines


def _say(*lines: str) -> int:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return ExitCode.OK
