"""`sayso policy check`: a policy of sayso.toml in plain words, and what votes would come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from sayso.adapters.console import visible_line
from sayso.bots.cli._exit_codes import ExitCode, NotFound, UsageProblem
from sayso.bots.cli._options import JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.service import Service
from sayso.engine import (
    Directory,
    Fact,
    InvalidRequest,
    Json,
    Policy,
    Progress,
    Question,
    Stage,
    Verdict,
    Vote,
    bind,
    evaluate,
)

app = typer.Typer(name="policy", no_args_is_help=True, help="The policies of sayso.toml.")

_WAYS = {"web": "web", "token": "api", "local": "console"}


@app.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One policy; all of them where none is named.")
    ] = None,
    *,
    details: Annotated[
        str | None, typer.Option(metavar="JSON", help="The request's details, for conditions of stages.")
    ] = None,
    requested_by: Annotated[str | None, typer.Option(metavar="PERSON", help="Who asks.")] = None,
    vote: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERSON[@WAY]=approve|reject|break-glass",
            help="A vote to play, in the order of voting; WAY is the chat, group or surface it comes by.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Explain policies in plain words, and play votes through one. Asks nobody and stores nothing."""
    output = Output(as_json=as_json)
    settings = Service.build().settings
    policies, directory = settings.named_policies(), settings.directory()
    if name is not None and name not in policies:
        known = ", ".join(sorted(policies)) or "none"
        raise NotFound(f"no policy of sayso.toml is named {name!r}; known: {known}.")
    if name is None and (vote or details or requested_by):
        raise UsageProblem("Votes, details and a requester go with the NAME of one policy.")
    chosen = policies if name is None else {name: policies[name]}
    found = [
        _explain(output, directory, one, policy, _read_details(details), requested_by, vote or [])
        for one, policy in chosen.items()
    ]
    if not chosen:
        output.say("sayso.toml has no policies. docs/how-to/decide-together.md shows some.")
    output.value({"policies": found})
    return ExitCode.OK


def _explain(
    output: Output,
    directory: Directory,
    name: str,
    policy: Policy,
    details: Json,
    requested_by: str | None,
    votes: list[str],
) -> dict[str, Any]:
    output.say(f"{visible_line(name)}:", "bold")
    for stage in policy.stages:
        output.say(f"  {_stage_words(stage)}")
    for line in _rules(policy):
        output.say(f"  {line}")
    verdicts: list[dict[str, Any]] = []
    if details is not None or votes:
        played = [(given, _read_vote(given, directory, policy)) for given in votes]
        question = Question("?", ["approve", "reject"], "select", None, details)
        try:
            bound = bind(policy, question, (), requested_by, directory.person_of)
        except InvalidRequest as error:
            raise UsageProblem(f"it could not be asked so: {error.reason}.") from error
        cast: dict[str, Vote] = {}
        for given, one in played:
            verdict = evaluate(bound, [*(cast | {one.person: one}).values()], one.at)
            if one.person not in verdict.refused:
                cast[one.person] = one
            output.say(
                f"  {given}: {_verdict_words(verdict, one.person)}", "green" if verdict.decided else ""
            )
            verdicts.append({"vote": given, "decided": verdict.decided, "value": verdict.value,
                             "refused": verdict.refused.get(one.person)})  # fmt: skip
            if verdict.decided:
                break
    return {"name": name, "stages": len(policy.stages), "verdicts": verdicts}


def _stage_words(stage: Stage) -> str:
    people = ", ".join(visible_line(one) for one in stage.approvers)
    named = f"{visible_line(stage.name)}: " if stage.name else ""
    need = f"all of {people}" if stage.need == "all" else f"{stage.needed} of {people}"
    rejections = "one rejection" if stage.reject_at == 1 else f"{stage.reject_at} rejections"
    words = f"{named}{need} must approve; {rejections} of theirs reject"
    if stage.veto:
        words += f"; one of {', '.join(visible_line(one) for one in stage.veto)} can reject alone"
    return f"{words}; only if {visible_line(stage.when)}" if stage.when else words


def _rules(policy: Policy) -> list[str]:
    rules = ["Whoever asked may not approve."] if policy.exclude_requester else []
    rules += [f"{visible_line(policy.author)} may not approve."] if policy.author else []
    rules += ["The stages vote one after the other."] if policy.ordered else []
    rules += [f"To {one}, a remark is needed." for one in policy.comment]
    for stage in policy.stages:
        if stage.fallback:
            rules.append(f"Where four eyes leaves too few, {_names(stage.fallback)} may approve as well.")
    if policy.expires_after is not None:
        end = "nothing is answered, and the workflow is told"
        end = end if policy.on_expiry is None else f"the answer is {policy.on_expiry}"
        rules.append(f"After {_long(policy.expires_after)} without a decision, {end}.")
    if policy.remind_every is not None:
        rules.append(
            f"Those still needed are reminded after {_long(policy.remind_every)}, then ever more rarely."
        )
    if policy.escalate_after is not None:
        rules.append(
            f"After {_long(policy.escalate_after)}, {_names(policy.escalate_to)} may decide as well."
        )
    if policy.break_glass:
        rules.append(f"In an emergency, {_names(policy.break_glass)} may approve alone, with a reason.")
    return rules + (["An approval is good for the whole run."] if policy.reusable else [])


def _names(entries: Sequence[str]) -> str:
    return ", ".join(visible_line(one) for one in entries)


def _long(duration: timedelta) -> str:
    """A duration in words: 1 day, 4 hours, 30 minutes."""
    seconds = int(duration.total_seconds())
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _read_details(text: str | None) -> Json:
    if text is None:
        return None
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise UsageProblem(f"--details is no JSON: {error}.") from error
    return value


def _read_vote(given: str, directory: Directory, policy: Policy) -> Vote:
    who, separator, value = given.rpartition("=")
    person, _, way = who.partition("@")
    if not separator or not person or value not in _CHOICES:
        raise UsageProblem(f"{given!r} is no vote; write PERSON=approve or PERSON@WAY=reject.")
    kind = person.partition(":")[0]
    now = datetime.now(UTC)
    ids = (directory.person_of(person), person, *directory.accounts_of(directory.person_of(person)))
    groups = [entry for stage in policy.stages for entry in stage.approvers if entry.startswith("group:")]
    facts = [
        Fact(group, value=True, as_of=now)
        for group in groups
        if any(member in ids for member in directory.members_of(group))
    ]
    alone = value == _BREAK_GLASS
    return Vote(
        ids[0],
        way or _WAYS.get(kind, kind),
        "approve" if alone else value,
        now,
        comment="it is played" if alone else None,
        facts=tuple(facts),
        accounts=ids,
        break_glass=alone,
    )


_BREAK_GLASS = "break-glass"
_CHOICES = ("approve", "reject", _BREAK_GLASS)


def _verdict_words(verdict: Verdict, person: str) -> str:
    if person in verdict.refused:
        return f"refused. {verdict.refused[person]}"
    if verdict.decided:
        return "approved." if verdict.value == "approve" else "rejected."
    return f"counts. Still needed: {'; '.join(_missing(one) for one in verdict.stages if one.missing)}"


def _missing(one: Progress) -> str:
    return f"{one.missing} of {', '.join(visible_line(entry) for entry in one.stage.approvers)}"
