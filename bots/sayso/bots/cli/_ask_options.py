"""The argument and the options of `sayso ask`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

QuestionArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="QUESTION", help="What to ask.", show_default=False)
]
ToOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TO",
        help="Where or whom to ask, such as slack:#releases; can be repeated.",
        show_default=False,
    ),
]
PolicyOption: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Policy in the service's sayso.toml.", show_default=False)
]
InputOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="TYPE",
        help="Ask for a value and print it: text, select:A,B, multiselect:A,B, confirm, number, date or "
        "form:SCHEMA.json. Default: ask for approval.",
        show_default=False,
    ),
]
DetailOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A detail to show; can be repeated.", show_default=False),
]
DiffOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="A diff to show; - reads standard input.", show_default=False),
]
CodeOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE", help="A file to show as code; can be repeated.", show_default=False),
]
FileOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="A file to attach, of at most 8 MB; a picture is shown. Can be repeated.",
        show_default=False,
    ),
]
LinkOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="LABEL=URL", help="An https link to show; can be repeated.", show_default=False),
]
NoteOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A note to show; it is not part of the question.", show_default=False),
]
RequestedByOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="PERSON", help="On whose behalf a program asks, such as person:ana.", show_default=False
    ),
]
ExpiresAfterOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION", help="When the request expires; then it is not approved.", show_default=False
    ),
]
WaitOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="How long to wait: 90s, 30m, 0s. Default: until it is decided.",
        show_default=False,
    ),
]
KeyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        envvar="SAYSO_KEY",
        help="Idempotency key: the same command with the same key finds its request again.",
        show_default=False,
    ),
]
KeepFlag: TypeAlias = Annotated[
    bool, typer.Option("--keep", help="Leave the approval unused: the same key gives the same yes again.")
]
WithdrawFlag: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--withdraw-on-exit",
        help="Withdraw the request when the wait is over or the command is stopped.",
    ),
]
UrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Address of the service; the token is read from SAYSO_TOKEN. Default: SAYSO_URL, or the service on the "
        "database here.",
        show_default=False,
    ),
]
