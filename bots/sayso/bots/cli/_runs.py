"""`sayso runs`, `cancel`, `retry`, `attention`: runs, and what an operator decides about them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, cast

import msgspec
import typer

from sayso.adapters.console import attention_card, form_fields, runs_table, visible_line
from sayso.bots.cli._acting import carry_out, read
from sayso.bots.cli._conversation import CONSOLE
from sayso.bots.cli._ids import run_named
from sayso.bots.cli._json import read_value
from sayso.bots.cli._options import DatabaseOption, JsonFlag, RunArgument
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.cli._reading import read_value as read_form
from sayso.bots.cli._terminal import EndOfInput, Terminal
from sayso.bots.client import Service, ServiceClient
from sayso.bots.exit_codes import ExitCode
from sayso.engine import (
    ATTENTION_ACTIONS,
    Attention,
    Json,
    Question,
    RunSummary,
    Runtime,
    Store,
    WorkflowStatus,
    attention_actions,
    local_person,
)

SeenOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="The `stops` value you saw when you decided; refused if the run has stopped again since.",
        show_default=False,
    ),
]
ACTIONS = tuple(dict.fromkeys(action for actions in ATTENTION_ACTIONS.values() for action in actions))


def runs(
    *,
    status: Annotated[
        WorkflowStatus | None, typer.Option(help="Only runs with this status.", case_sensitive=False)
    ] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of runs.")] = 100,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """List runs, newest first."""
    output = Output(as_json=as_json)
    service = Service.build(database)
    found = read(service, lambda reader: reader.runs(status=status, workflow=workflow, limit=limit))
    if as_json:
        output.value({"runs": [_as_dict(one) for one in found]})
    elif found:
        output.show(runs_table(found, datetime.now(UTC)))
    else:
        output.say("No runs.")
    return ExitCode.OK


def _as_dict(run: RunSummary) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.to_builtins(run))


def cancel(run_id: RunArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Cancel a run and its open requests. This cannot be undone."""
    output = Output(as_json=as_json)
    run_id = run_named(database, run_id)
    _operate(
        database,
        lambda client: client.cancel(run_id),
        lambda runtime: runtime.cancel(run_id, person=local_person(), via=CONSOLE),
    )
    output.say(f"Run {visible_line(run_id)} cancelled.")
    output.value({"run_id": run_id, "action": "cancel"})
    return ExitCode.OK


def retry(
    run_id: RunArgument,
    *,
    ask_again: Annotated[
        bool,
        typer.Option("--ask-again", help="Discard its answers and step results, and ask everything again."),
    ] = False,
    seen: SeenOption = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Retry the failed node of a run. Its recorded answers and step results are kept.

    If a service is running, it resumes the run at once; otherwise the run resumes with `sayso run`.
    """
    output = Output(as_json=as_json)
    run_id = run_named(database, run_id)
    stop = _look(database, run_id, seen, output)
    served = _operate(
        database,
        lambda client: client.retry(run_id, seen=stop, ask_again=ask_again),
        lambda runtime: runtime.retry(
            run_id, person=local_person(), via=CONSOLE, ask_again=ask_again, seen=stop
        ),
    )
    output.say(f"Run {visible_line(run_id)} will be retried. {_continues(run_id, served=served)}")
    output.value({"run_id": run_id, "action": "retry", "ask_again": ask_again})
    return ExitCode.OK


def attention(
    run_id: RunArgument,
    action: Annotated[
        str | None,
        typer.Argument(metavar=f"[{'|'.join(ACTIONS)}]", help="Your decision.", show_default=False),
    ] = None,
    result: Annotated[
        str | None,
        typer.Argument(
            metavar="[RESULT]",
            help="With done: the step's result as JSON; asked for at a terminal if its type is known.",
        ),
    ] = None,
    *,
    seen: SeenOption = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Show why a run is paused for an operator, or decide how it continues.

    reask: ask the question again. accept: keep the recorded answer (not possible for an approval). done RESULT: the
    step did happen, with this result. again: run the step or node again. cancel: cancel the run. Both texts are
    recorded in the audit trail.
    """
    output = Output(as_json=as_json)
    if action is not None and action not in ACTIONS:
        raise UsageProblem(f"unknown action {action!r}. Choose one of: {', '.join(ACTIONS)}.")
    run_id = run_named(database, run_id)
    if action is None:
        return _show_attention(database, run_id, output)
    stop = _look(database, run_id, seen, output)
    try:
        value = _read_result(_read_run(database, run_id).attention, action, result, output)
    except (KeyboardInterrupt, EndOfInput):
        output.say("")
        output.say("Stopped before anything was decided.")
        return ExitCode.INTERRUPTED
    served = _operate(
        database,
        lambda client: client.attention(run_id, action, value, seen=stop),
        lambda runtime: runtime.attention(
            run_id, action, person=local_person(), via=CONSOLE, result=value, seen=stop
        ),
    )
    if action == "cancel":
        output.say(f"Run {visible_line(run_id)} cancelled.")
    else:
        output.say(f"Decided. {_continues(run_id, served=served)}")
    output.value({"run_id": run_id, "action": action})
    return ExitCode.OK


def _read_result(attention: Attention | None, action: str, text: str | None, output: Output) -> Json:
    """The result that goes with `done`: the JSON that is given, or what is filled in where the step's type is known."""
    schema = None if attention is None or action != "done" or text is not None else attention.result
    form = Question(None, None, "form", schema, None)
    if schema is not None and form_fields(form) is None:
        return None  # it returns nothing
    if schema is not None and output.has_reader:
        filled_in = asyncio.run(read_form(form, Terminal(sys.stdin.fileno()), output))
        return cast("dict[str, Json]", filled_in)["result"]
    if (action == "done") != (text is not None):
        raise UsageProblem("`done` needs RESULT, the step's result as JSON; no other action takes one.")
    return read_value(text, "RESULT")


def _read_run(database: str | None, run_id: str) -> RunSummary:
    return read(Service.build(database), lambda reader: reader.run(run_id))


def _look(database: str | None, run_id: str, seen: int | None, output: Output) -> int:
    """Show what is decided about; the stop that the decision is bound to: the one named, or else the one found."""
    found = _read_run(database, run_id)
    if seen is None or seen == found.stops:
        if found.attention is not None:
            about = f"{found.attention.kind}: {visible_line(found.attention.name)}"
            output.say(f"Deciding about {about}", "dim")
        elif found.error is not None:
            output.say(f"Deciding about the failure: {visible_line(found.error)}", "dim")
    return found.stops if seen is None else seen


def _show_attention(database: str | None, run_id: str, output: Output) -> ExitCode:
    found = _read_run(database, run_id)
    actions = [] if found.attention is None else list(attention_actions(found.attention))
    if found.attention is None:
        output.say(f"Run {visible_line(run_id)} is {found.status}; nothing to decide.")
        if found.status is WorkflowStatus.WAITING_FOR_INPUT:
            output.say(
                "To check whether the current code can continue it: sayso check-parked MODULE:WORKFLOW"
            )
    else:
        output.card(attention_card(run_id, found.workflow, found.attention, found.stops))
    output.value({**_as_dict(found), "actions": actions})
    return ExitCode.OK


def _continues(run_id: str, *, served: bool) -> str:
    if served:
        return "The workflow continues."
    return f"To continue, run: sayso run MODULE:WORKFLOW {visible_line(run_id)}"


def _operate(
    database: str | None,
    ask_service: Callable[[ServiceClient], None],
    action: Callable[[Runtime], Awaitable[None]],
) -> bool:
    """Carry out an operator's decision; whether a service did it, so that the run resumes without another command."""
    service = Service.build(database)

    async def act(store: Store) -> None:
        async with service.runtime(store) as runtime:
            await action(runtime)

    return carry_out(service, ask_service, act)[1]
