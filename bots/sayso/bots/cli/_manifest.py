"""`sayso manifest`: the app manifest to paste into a chat platform."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from sayso.adapters.slack import REQUEST_PATH, manifest
from sayso.bots.exit_codes import ExitCode

app = typer.Typer(name="manifest", no_args_is_help=True, help="Print the app manifest for a chat platform.")


@app.command("slack")
def slack(
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Public https address of the service, for HTTP mode.", metavar="URL"),
    ] = None,
) -> ExitCode:
    """Print the Slack app manifest as JSON, with only the scopes and events that sayso uses.

    The manifest is for Socket Mode; with --url, for HTTP requests to that address.
    """
    address = None if url is None else f"{url.rstrip('/')}{REQUEST_PATH}"
    sys.stdout.write(json.dumps(manifest(address), indent=2) + "\n")
    return ExitCode.OK
