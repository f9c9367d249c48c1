"""The options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON only, errors included.")]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE",
        help="Database file. Default: SAYSO_DATABASE, or `database` in sayso.toml.",
        show_default=False,
    ),
]
RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Run ID from `sayso runs`, or at least its first six characters.",
        show_default=False,
    ),
]
WorkflowArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:WORKFLOW",
        help="A Workflow in a module in the working directory or on the Python path.",
        show_default=False,
    ),
]
