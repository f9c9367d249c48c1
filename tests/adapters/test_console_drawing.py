"""Rich details in a terminal: drawn by its own means, and text stays text."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from sayso.adapters.console import draw_content
from sayso.engine import Code, Content, Diff, Link, Markdown, Table


def drawn(content: Content, *, colours: bool = False) -> str:
    console = Console(
        file=StringIO(), width=60, force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(draw_content(content))
    written = console.file
    assert isinstance(written, StringIO)
    return written.getvalue()


def test_code_and_diffs_have_a_bar_before_each_line_and_colours_where_there_are_some() -> None:
    assert drawn(Diff("-a\n+b\x1b[2J\n")) == "│ -a\n│ +b\\x1b[2J\n"
    assert drawn(Code("def f():\n    pass\n", "python")) == "│ def f():\n│     pass\n"
    assert drawn(Code("[bold]x[/bold]", "no such language")) == "│ [bold]x[/bold]\n"
    assert "\x1b[91;49m-a" in drawn(Diff("-a\n+b"), colours=True)


def test_a_table_has_columns() -> None:
    lines = drawn(Table(["Service", "Replicas"], [["[red]mail", 3], ["shop", None]])).splitlines()
    assert "Service" in lines[1]
    assert "Replicas" in lines[1]
    assert any("[red]mail" in line and "3" in line for line in lines)


def test_links_say_their_host_in_markdown_too() -> None:
    assert drawn(Link("Review", "https://git.example.org/1")) == "│ Review (git.example.org)\n"
    text = "see [the **log**](https://ci.example.org/1)\n\n- one\n  - two"
    assert drawn(Markdown(text)) == "│ see the log (ci.example.org)\n│ • one\n│   • two\n"
