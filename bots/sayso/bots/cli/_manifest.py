"""`sayso manifest`: what a platform needs to know of the app."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from sayso.adapters.slack import REQUEST_PATH, manifest
from sayso.bots.exit_codes import ExitCode

app = typer.Typer(name="manifest", no_args_is_help=True, help="What a platform needs to know of the app.")


@app.command("slack")
def slack(
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", help="The service's public https address, for http mode.", metavar="URL"),
    ] = None,
) -> ExitCode:
    """Print the Slack app's manifest as JSON, with exactly the scopes and events that are used.

    It is for Socket Mode; with --url, for signed requests to that address.
    """
    address = None if url is None else f"{url.rstrip('/')}{REQUEST_PATH}"
    sys.stdout.write(json.dumps(manifest(address), indent=2) + "\n")
    return ExitCode.OK
