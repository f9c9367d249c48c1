"""`sayso resume`: going on with a session of an agent that stopped to wait for people."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from sayso.bots.cli._hook import SettingsOption, UrlOption
from sayso.bots.exit_codes import ExitCode
from sayso.bots.hooks import InvalidRules, read_settings, seconds, service_url
from sayso.client import Client, Request, SaysoError

_SESSION = re.compile(r"[A-Za-z0-9_-]+")

app = typer.Typer(
    help="Resume a session of a coding agent once people have answered what it waits for.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Resume a session of a coding agent once people have answered what it waits for."""


@app.command("claude")
def claude(
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION", help="ID of the session, as Claude Code prints it.", show_default=False
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTIONS]", help="Other options for `claude`.", show_default=False),
    ] = None,
    *,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long to wait, such as 4h. Default: until it is answered.",
            show_default=False,
        ),
    ] = None,
    settings: SettingsOption = None,
    url: UrlOption = None,
) -> int:
    """Wait for the answer to the call that a session deferred, then run `claude -p --resume SESSION`.

    It keeps waiting across restarts of sayso. If the time is over, it exits with 6 and the session stays as it is.
    """
    if not _SESSION.fullmatch(session):
        sys.stderr.write(f"Error: {session!r} is not the ID of a session.\n")
        return ExitCode.USAGE
    if wait is not None and seconds(wait) <= 0:
        sys.stderr.write(f"Error: {wait!r} is not a time; use one such as 30m or 4h.\n")
        return ExitCode.USAGE
    try:
        with Client(service_url(url, settings, read_settings(settings), os.environ)) as client:
            is_answered = _wait_for(client, session, None if wait is None else seconds(wait))
    except InvalidRules as error:
        sys.stderr.write(f"Error: {error}\n")
        return ExitCode.USAGE
    except SaysoError as error:
        sys.stderr.write(f"Error: {error}. The session was not resumed.\n")
        return ExitCode.NOT_FOUND
    if not is_answered:
        sys.stderr.write("Still waiting for people. Run this command again later.\n")
        return ExitCode.WAITING
    return _replace(_directory_of(session), ["claude", "-p", "--resume", session, *(arguments or [])])


def _replace(directory: Path | None, command: list[str]) -> int:
    try:
        if directory is not None:
            os.chdir(directory)
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        name = error.filename or command[0]
        sys.stderr.write(f"Error: {name}: {error.strerror}. The session was not resumed.\n")
        return ExitCode.NOT_FOUND


def _wait_for(client: Client, session: str, timeout: float | None) -> bool:
    """Wait until every question of a session is closed; whether all are. The questions say to which session they
    belong, so nothing is kept here.
    """
    end = None if timeout is None else time.monotonic() + timeout
    for request in client.requests(mine=True):
        if _session_of(request) != session:
            continue
        left = None if end is None else max(0.0, end - time.monotonic())
        if client.wait(request.id, timeout=left).is_open:
            return False
    return True


def _session_of(request: Request) -> object:
    details: Any = request.details
    return cast("dict[str, Any]", details).get("Session") if isinstance(details, dict) else None


class _Entry(msgspec.Struct, frozen=True):
    cwd: str | None = None


def _directory_of(session: str) -> Path | None:
    """The directory in which a session began, by its transcript: Claude Code finds the session only from there."""
    home = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
    for transcript in home.glob(f"projects/*/{session}.jsonl"):
        with transcript.open("rb") as lines:
            for line in lines:
                with contextlib.suppress(msgspec.DecodeError):
                    if (cwd := msgspec.json.decode(line, type=_Entry).cwd) is not None:
                        return Path(cwd)
    return None
