"""Draw the picture of the reference to commands: what `sayso demo` shows in a terminal, as SVG.

    .venv/bin/python scripts/make_picture.py        # writes docs/pictures/terminal.svg

The run is a real one: the content-creation example is driven on a store in a temporary directory, and what is drawn
are the cards that the terminal shows. Only the clock, the run's id and the people are fixed, so that the picture
comes out the same every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from examples.content_creation import workflow  # noqa: E402 - the repository's folder comes first
from sayso.adapters.console import outcome_words, read_reply, reply_hint, request_card  # noqa: E402
from sayso.engine import Runtime, SQLiteStore  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "terminal.svg"
NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
WIDTH = 92
FONTS = "ui-monospace, Menlo, DejaVu Sans Mono, Liberation Mono"
CHARACTER_WIDTH = 0.602  # of those fonts, in terms of their height
UNSHOWN = ["green tea"]
SHOWN = ["approve", "yes"]


class FixedClock:
    """A clock that stands still; the example has no deadlines."""

    def now(self) -> datetime:
        """The same instant, always."""
        return NOW

    async def wait_until(self, instant: datetime) -> None:
        """Never called."""
        raise AssertionError(f"nothing here waits until {instant}")


async def talk(runtime: Runtime, run_id: str, typed: str, console: Console | None) -> None:
    """Answer the run's open request, and print what the terminal would show."""
    await runtime.wait(run_id)
    record = (await runtime.pending(run_id))[0]
    value = read_reply(record.question, typed)
    outcome = await runtime.answer(record.id, record.revision, value, person="local:ana", via="console")
    if console is not None:
        console.print(request_card(record, workflow.name, NOW))
        console.print(
            Text(f"{reply_hint(record.question)}: ", style="bold cyan") + Text(typed, style="not bold white")
        )
        console.print(outcome_words(outcome, record.question, value))
        console.print()


async def drive(console: Console) -> None:
    """The example from its topic to its end."""
    async with SQLiteStore("picture.db", clock=FixedClock()) as store, Runtime(store, [workflow]) as runtime:
        run_id = await runtime.start(workflow.name, run_id="8f3a61c2d94b7e05", requested_by="local:ana")
        for typed in UNSHOWN:
            await talk(runtime, run_id, typed, None)
        for typed in SHOWN:
            await talk(runtime, run_id, typed, console)
        state = await runtime.wait(run_id)
        console.print(Text(f"Run {run_id} is {state.workflow_status.lower()}.", style="bold green"))


def draw() -> str:
    """The picture's SVG. Changes the working directory while it runs: the example writes its article there."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
        asyncio.run(drive(console))
    drawn = console.export_svg(
        title="sayso demo", theme=MONOKAI, unique_id="sayso", font_aspect_ratio=CHARACTER_WIDTH
    )
    # Nothing is fetched to show it: the reader's own fixed-width font serves.
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code", FONTS)


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))
