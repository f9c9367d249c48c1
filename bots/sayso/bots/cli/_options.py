"""The options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

JsonFlag: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to standard output, and nothing else; errors too.")
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE",
        help="The database, instead of SAYSO_DATABASE or sayso.toml.",
        show_default=False,
    ),
]
RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The run's id, as `sayso runs` lists it; six or more of its characters do.",
        show_default=False,
    ),
]
WorkflowArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:WORKFLOW",
        help="A Workflow in a module of the working directory or of Python's path.",
        show_default=False,
    ),
]
