"""`sayso run` and `sayso demo`: one run, driven by this process, with its questions in the terminal."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sayso.adapters.console import visible_line
from sayso.bots.cli._chat_demo import CHAT_PORT, chat_demo
from sayso.bots.cli._conversation import Conversation, Told, answer_command, database_words
from sayso.bots.cli._ids import find_run
from sayso.bots.cli._json import read_object
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import DatabaseOption, JsonFlag, WorkflowArgument
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.cli._reading import read_inputs
from sayso.bots.cli._terminal import EndOfInput, Terminal
from sayso.bots.client import Service, check_purpose
from sayso.bots.exit_codes import ExitCode
from sayso.engine import ENDED, NotApplicable, Reader, RequestRecord, Workflow, WorkflowStatus, local_person

DEMO_DATABASE = "sayso-demo.db"


@dataclass(slots=True)
class _Drive:
    """What `_drive` is to do, and how far it came: `run_id` is None until a run is started or found."""

    service: Service
    workflow: Workflow
    output: Output
    resume: str
    database: str | None
    run_id: str | None = None
    shared: dict[str, Any] | None = None
    requested_by: str | None = None
    go_on: bool = False

    @property
    def resume_command(self) -> str:
        """The command that resumes this run."""
        named = "" if self.run_id is None else f" {self.run_id}"
        run = "" if self.go_on else named
        return f"{self.resume}{run}{database_words(self.database)}"


def run(
    workflow: WorkflowArgument,
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Resume this run instead of starting one.", show_default=False),
    ] = None,
    *,
    shared: Annotated[
        str | None, typer.Option(metavar="JSON", help="Initial state of the new run, a JSON object.")
    ] = None,
    requested_by: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who requested the new run. Default: you.")
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Run a workflow in this terminal, or resume RUN, and answer its requests here.

    Progress is saved at every step, so you can stop at any time with Ctrl-C, Ctrl-D or even kill -9; the command to
    resume is printed. Without a terminal, open requests are listed with the commands that answer them.
    """
    if run_id is not None and (shared is not None or requested_by is not None):
        raise UsageProblem(
            "--shared and --requested-by apply to new runs only. Leave them out to resume RUN."
        )
    initial = read_object(shared, "--shared")
    service = Service.build(database)
    if run_id is not None:
        service.existing_store()
    output = Output(as_json=as_json)
    with output.foreign_code():
        loaded = load_workflow(workflow, Path.cwd())
    drive = _Drive(
        service,
        loaded,
        output,
        f"sayso run {workflow}",
        database,
        run_id,
        initial,
        requested_by or local_person(),
    )
    return _finish(drive)


def demo(
    *,
    chat: Annotated[
        bool,
        typer.Option(
            "--chat", help="Use a simulated Slack and Telegram in your browser. No accounts or tokens needed."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="With --chat: port of the page; 0 picks a free one.")
    ] = CHAT_PORT,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            file_okay=False,
            help="With --chat: keep the demo's files in DIR, and resume from them next time.",
            show_default=False,
        ),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Try sayso with an example: review a draft article, then approve or reject it.

    Progress is saved in sayso-demo.db in the working directory. Stop at any time with Ctrl-C or kill -9; the next start
    resumes where you left off. With --chat, two people approve a release in a simulated Slack and Telegram in your
    browser, and the files are in a temporary folder that is deleted at the end.
    """
    if chat:
        if database is not None:
            raise UsageProblem(
                "--database cannot be used with --chat. To choose where the demo keeps its files, use --folder."
            )
        return chat_demo(folder, port, Output(as_json=as_json))
    from sayso.bots.cli._content_creation import workflow

    service = Service.build(database or DEMO_DATABASE)
    output = Output(as_json=as_json)
    output.say(
        "sayso demo: review a draft article. Nothing is published until you approve it.",
        "bold",
    )
    output.say(
        f"Stop at any time, even with kill -9. `sayso demo` resumes from {service.beside.name}.", "dim"
    )
    drive = _Drive(service, workflow, output, "sayso demo", database, requested_by=local_person(), go_on=True)
    return _finish(drive)


def _finish(drive: _Drive) -> ExitCode:
    """Drive the run, and print how to resume it wherever it stops."""
    output = drive.output
    try:
        told, pending = asyncio.run(_drive(drive))
    except (KeyboardInterrupt, EndOfInput) as stop:
        interrupted = isinstance(stop, KeyboardInterrupt)
        code = ExitCode.INTERRUPTED if interrupted else ExitCode.WAITING
        output.say("")
        if drive.run_id is None:
            output.say("Stopped before a run was started.")
        else:
            output.say("Stopped. Your progress is saved. To resume:", "yellow")
            output.say(f"  {drive.resume_command}")
        output.value({"run_id": drive.run_id, "resume": drive.resume_command, "exit_code": code})
        return code
    if told.code is ExitCode.WAITING and told.state.workflow_status is WorkflowStatus.WAITING_FOR_INPUT:
        output.say("The run is waiting for answers. Once they are in, resume with:", "yellow")
        output.say(f"  {drive.resume_command}")
    elif drive.go_on and told.code is ExitCode.OK:
        output.say(f"To run it again: {drive.resume_command}", "dim")
    output.value(_result(drive, told, pending))
    return told.code


async def _drive(drive: _Drive) -> tuple[Told, list[RequestRecord]]:
    output, service = drive.output, drive.service
    async with service.new_store() as store:
        await check_purpose(store, is_development=False)
        if drive.go_on:
            await _find_unfinished(drive, store.reader)
        elif drive.run_id is not None:
            drive.run_id = await find_run(store.reader, drive.run_id)
            await _check_workflow(drive.run_id, drive.workflow, store.reader)
        with output.foreign_code():
            async with service.runtime(store, [drive.workflow]) as runtime:
                terminal = Terminal(sys.stdin.fileno()) if output.has_reader else None
                if drive.run_id is None:
                    inputs = drive.workflow.inputs
                    if drive.shared is None and inputs is not None and terminal is not None:
                        drive.shared = await read_inputs(drive.workflow.name, inputs, terminal, output)
                    drive.run_id = await runtime.start(
                        drive.workflow.name, drive.shared, requested_by=drive.requested_by
                    )
                    output.say(f"Started run {drive.run_id} of {visible_line(drive.workflow.name)}.", "dim")
                conversation = Conversation(
                    runtime,
                    store,
                    output,
                    terminal,
                    workflow=drive.workflow.name,
                    location=drive.database or (service.location if drive.go_on else None),
                )
                told = await conversation.hold(drive.run_id)
                return told, await runtime.pending(drive.run_id)


async def _find_unfinished(drive: _Drive, reader: Reader) -> None:
    """Take up the newest run that has not ended, if there is one."""
    for found in await reader.runs(workflow=drive.workflow.name, limit=1000):
        if found.status not in ENDED:
            drive.run_id = found.run_id
            drive.output.say(f"Resuming where you left off: run {found.run_id}.", "green")
            return


async def _check_workflow(run_id: str, workflow: Workflow, reader: Reader) -> None:
    found = await reader.run(run_id)
    if found.workflow != workflow.name:
        raise NotApplicable(
            run_id, f"running it as {workflow.name!r}", f"it belongs to workflow {found.workflow!r}"
        )


def _result(drive: _Drive, told: Told, pending: list[RequestRecord]) -> dict[str, Any]:
    state = told.state
    location = drive.database or (drive.service.location if drive.go_on else None)
    return {
        "run_id": state.run_id,
        "workflow": drive.workflow.name,
        "status": state.workflow_status,
        "error": state.error,
        "attention": msgspec.to_builtins(state.attention),
        "shared": state.shared,
        "pending": [{**one.as_dict(), "answer_command": answer_command(one, location)} for one in pending],
        "resume": drive.resume_command,
        "exit_code": told.code,
    }
