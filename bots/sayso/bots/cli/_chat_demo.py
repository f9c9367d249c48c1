"""`sayso demo --chat`: what the terminal says while two local chats run in the browser."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.exit_codes import ExitCode
from sayso.config import MissingExtra

CHAT_PORT = 8788
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
_SERVE = "from sayso.bots.cli._chat_demo import serve_with_the_demo; serve_with_the_demo()"


def chat_demo(folder: Path | None, port: int, output: Output) -> ExitCode:
    """Run the demo until Ctrl-C or SIGTERM."""
    for module in _NEEDED:
        if find_spec(module) is None:
            raise MissingExtra("sayso demo --chat", "testing", module)
    from sayso.bots.demo import demo_folder

    output.say("Starting a local Slack and a local Telegram, and sayso between them. No account is needed.")
    try:
        with demo_folder(folder) as used:
            return asyncio.run(_run(used, port, output, is_kept=folder is not None))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} or {port + 1} is already in use. Choose another with --port."
        else:
            reason = f"the demo cannot start: {error.filename or 'its files'}: {error.strerror or error}"
        raise UsageProblem(reason) from error


async def _run(folder: Path, port: int, output: Output, *, is_kept: bool) -> ExitCode:
    from sayso.bots.demo import running_demo

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_demo(folder, port, (sys.executable, "-c", _SERVE)) as demo:
        output.say("")
        output.say("Open this page. It has both chats, and a guide in three steps:", "bold")
        output.say(f"  {demo.url}", "bold green")
        output.say("First be Bo, and press Approve in Slack. Then be Chris, and press it in Telegram.")
        output.say("")
        output.say(f"Web inbox   {demo.inbox}")
        kept = "kept: --folder resumes from there" if is_kept else "deleted when the demo stops"
        output.say(f"Files       {demo.folder} ({kept})")
        output.say(f"Log         {demo.log}")
        output.say("Stop        Ctrl-C")
        output.value({"url": demo.url, "inbox": demo.inbox, "folder": str(demo.folder)})
        await stop.wait()
        output.say("Stopping.", "dim")
    return ExitCode.OK


def serve_with_the_demo() -> None:
    """`sayso serve` for as long as standard input stays open: the demo holds the other end, and may be killed too."""
    from sayso.bots.cli._app import main

    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    main(["serve"])


def _end_with_standard_input() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(ExitCode.INTERRUPTED)  # kill -9 would be as safe
