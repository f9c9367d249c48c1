"""`sayso policy check`: a policy of sayso.toml in plain words, and how votes would turn out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from sayso.adapters.console import visible_line
from sayso.bots.cli._json import read_value
from sayso.bots.cli._options import JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.config import Settings, UnknownDestination
from sayso.engine import (
    Directory,
    Fact,
    Grants,
    InvalidRequest,
    Json,
    Policy,
    Progress,
    Question,
    Ruling,
    Stage,
    Verdict,
    Vote,
    bind,
    evaluate,
    is_person,
    platform_names,
    ruling_on,
)

app = typer.Typer(name="policy", no_args_is_help=True, help="Explain and test the policies in sayso.toml.")

_WAYS = {"web": "web", "token": "api", "local": "console"}


@app.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of a policy. Default: all.")
    ] = None,
    *,
    details: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Details of the request, for the conditions of stages and rules."),
    ] = None,
    requested_by: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who requested the approval.")
    ] = None,
    vote: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERSON[@WAY]=approve|reject|break-glass",
            help="A vote to simulate; repeat in voting order. WAY is the chat or surface used.",
        ),
    ] = None,
    after: Annotated[
        str, typer.Option(metavar="DURATION", help="Cast the votes this long after the request: 90m, 4h, 1d.")
    ] = "0s",
    as_json: JsonFlag = False,
) -> ExitCode:
    """Explain policies in plain words and simulate votes. Notifies nobody and stores nothing.

    Exits with 1 if a policy names a person, group or chat that sayso.toml does not define.
    """
    output = Output(as_json=as_json)
    settings = Service.build().settings
    policies = settings.named_policies()
    if name is not None and name not in policies:
        known = ", ".join(sorted(policies)) or "none"
        raise NotFound(f"no policy named {name!r} in sayso.toml. Policies: {known}.")
    if name is None and (vote or details or requested_by):
        raise UsageProblem("--vote, --details and --requested-by need the NAME of a policy.")
    chosen = policies if name is None else {name: policies[name]}
    play = _Play(read_value(details, "--details"), requested_by, vote or [], read_age(after))
    found = [_explain(output, settings, one, policy, play) for one, policy in chosen.items()]
    if not chosen:
        output.say("sayso.toml has no policies. See docs/how-to/decide-together.md for examples.")
    output.value({"policies": found})
    return ExitCode.FAILED if any(one["unknown"] for one in found) else ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Play:
    """A request that is played: votes as they were typed, so long after it was asked."""

    details: Json
    requested_by: str | None
    votes: list[str]
    after: timedelta


def _explain(output: Output, settings: Settings, name: str, policy: Policy, play: _Play) -> dict[str, Any]:
    output.say(f"{visible_line(name)}:", "bold")
    for stage in policy.stages:
        output.say(f"  {_stage_words(stage)}")
    for line in (*_rules(policy), *_decided_by_rules(policy)):
        output.say(f"  {line}")
    unknown = [problem for entry in _named(policy) if (problem := _unknown(settings, entry))]
    for problem in unknown:
        output.say(f"  {problem}", "red")
    verdicts = (
        _verdicts(output, settings.directory(), policy, play)
        if play.details is not None or play.votes
        else []
    )
    return {"name": name, "stages": len(policy.stages), "unknown": unknown, "verdicts": verdicts}


def _verdicts(output: Output, directory: Directory, policy: Policy, play: _Play) -> list[dict[str, Any]]:
    """What a rule decides, or else what the votes come to, until they decide."""
    asked_at = datetime.now(UTC)
    at = asked_at + play.after
    votes = [(given, _read_vote(given, directory, policy, at)) for given in play.votes]
    bound, question = _bound(policy, directory, play, asked_at)
    if policy.expires_after is not None and play.after > policy.expires_after and play.votes:
        raise UsageProblem(f"the request would already have expired, after {_long(policy.expires_after)}.")
    ruling = ruling_on(bound, question)
    if isinstance(ruling, Ruling):
        number, value = ruling.rule.number, ruling.value
        output.say(f"  Rule {number} decides, so nobody is asked: {_PAST[str(value)]}.", "green")
        return [{"rule": number, "decided": True, "value": value, "refused": None}]
    if ruling is not None:
        output.say(
            f"  Rule {ruling.number} cannot be checked, so people are asked: {visible_line(ruling.why)}."
        )
    cast: dict[str, Vote] = {}
    found: list[dict[str, Any]] = []
    for given, one in votes:
        verdict = evaluate(bound, [*(cast | {one.person: one}).values()], at)
        if one.person not in verdict.refused:
            cast[one.person] = one
        output.say(f"  {given}: {_verdict_words(verdict, one.person)}", "green" if verdict.decided else "")
        found.append({"vote": given, "decided": verdict.decided, "value": verdict.value,
                      "refused": verdict.refused.get(one.person)})  # fmt: skip
        if verdict.decided:
            break
    return found


def _bound(policy: Policy, directory: Directory, play: _Play, asked_at: datetime) -> tuple[Policy, Question]:
    """A request with these details, with its policy; whoever asks is nobody of the voters unless named."""
    question = Question("?", ["approve", "reject"], "select", None, play.details)
    try:
        bound = bind(
            policy,
            question,
            (),
            play.requested_by or _SOMEBODY,
            directory.person_of,
            directory.may_be_somebody,
        )
    except InvalidRequest as error:
        raise UsageProblem(f"this request would be refused: {error.reason}.") from error
    if policy.escalate_after is None:
        return bound, question
    return replace(bound, escalates_at=asked_at + policy.escalate_after), question


_PAST = {"approve": "approved", "reject": "rejected"}
_SOMEBODY = "person:~somebody"


def _named(policy: Policy) -> list[str]:
    """Everybody whom a policy names."""
    of_stages = [
        entry for stage in policy.stages for entry in (*stage.approvers, *stage.veto, *stage.fallback)
    ]
    author = [policy.author] if policy.author and not policy.author.startswith("details.") else []
    return list(
        dict.fromkeys([*of_stages, *policy.escalate_to, *policy.break_glass, *policy.hand_over_to, *author])
    )


def _unknown(settings: Settings, entry: str) -> str | None:
    """What is wrong with somebody whom a policy names, if sayso.toml does not know them."""
    kind, _, name = entry.partition(":")
    if (kind == "group" and name not in settings.groups) or (
        kind == "person" and name not in settings.people
    ):
        return f"{visible_line(entry)} is not defined: add [{_SECTIONS[kind]}.{visible_line(name)}] to sayso.toml."
    if kind not in platform_names() or is_person(entry):
        return None
    try:
        settings.destination(entry)
    except UnknownDestination:
        return (
            f'{visible_line(entry)} is not defined: add [destinations."{visible_line(entry)}"] to sayso.toml.'
        )
    return None


_SECTIONS = {"group": "groups", "person": "people"}


def _stage_words(stage: Stage) -> str:
    people = ", ".join(visible_line(one) for one in stage.approvers)
    named = f"{visible_line(stage.name)}: " if stage.name else ""
    need = f"all of {people}" if stage.need == "all" else f"{stage.needed} of {people}"
    rejections = "one rejection" if stage.reject_at == 1 else f"{stage.reject_at} rejections"
    words = (
        f"{named}{need} must approve; {rejections} from them rejects"
        if stage.reject_at == 1
        else (f"{named}{need} must approve; {rejections} from them reject")
    )
    if stage.veto:
        words += f"; one of {', '.join(visible_line(one) for one in stage.veto)} can reject alone"
    return f"{words}; only if {visible_line(stage.when)}" if stage.when else words


def _rules(policy: Policy) -> list[str]:
    rules = ["The requester may not approve."] if policy.exclude_requester else []
    rules += [f"{visible_line(policy.author)} may not approve."] if policy.author else []
    rules += ["Stages vote in order."] if policy.ordered else []
    rules += [f"A comment is required to {one}." for one in policy.comment]
    if policy.reject_reasons:
        rules.append(f"Suggested reasons to reject: {'; '.join(map(visible_line, policy.reject_reasons))}.")
    for stage in policy.stages:
        if stage.fallback:
            people = _names(stage.approvers)
            rules.append(f"If too few of {people} may approve, {_names(stage.fallback)} may approve as well.")
    if policy.expires_after is not None:
        end = "the request expires unanswered and the workflow is told"
        end = end if policy.on_expiry is None else f"the answer is {policy.on_expiry}"
        rules.append(f"After {_long(policy.expires_after)} without a decision, {end}.")
    if policy.remind_every is not None:
        rules.append(
            f"People who have not voted are reminded after {_long(policy.remind_every)}, then less and less often."
        )
    if policy.escalate_after is not None:
        rules.append(
            f"After {_long(policy.escalate_after)}, {_names(policy.escalate_to)} may decide as well."
        )
    if policy.break_glass:
        rules.append(f"In an emergency, {_names(policy.break_glass)} may approve alone, with a reason.")
    if policy.hand_over_to:
        rules.append(f"A request may be handed over only to {_names(policy.hand_over_to)}.")
    rules += [] if policy.grants is None else [f"Approvers may grant {_grants(policy.grants)}."]
    return rules + (["One approval covers the whole run."] if policy.reusable else [])


def _grants(grants: Grants) -> str:
    """What may be granted, and for how long."""
    offers = [] if grants.session is None else [f"a session, as {visible_line(grants.session)} names it"]
    offers += [_long(one) for one in grants.durations]
    offers += [] if grants.times is None else [f"{grants.times} more requests"]
    differ = ", ".join(f"{name} ({pattern})" for name, pattern in grants.patterns.items())
    apart = f"; {visible_line(differ)} may differ" if differ else ""
    return f"{' or '.join(offers)}, for {_long(grants.longest)} at most{apart}"


def _decided_by_rules(policy: Policy) -> list[str]:
    return [
        f"Rule {number}, written by {visible_line(rule.written_by)}: {rule.answer} without asking people if "
        f"{visible_line(rule.when)}"
        for number, rule in enumerate(policy.rules, 1)
    ]


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


def _read_vote(given: str, directory: Directory, policy: Policy, at: datetime) -> Vote:
    who, separator, value = given.rpartition("=")
    person, _, way = who.partition("@")
    if not separator or not person or value not in _CHOICES:
        raise UsageProblem(f"invalid vote: {given!r}. Use PERSON=approve or PERSON@WAY=reject.")
    kind = person.partition(":")[0]
    ids = (directory.person_of(person), person, *directory.accounts_of(directory.person_of(person)))
    facts = [
        Fact(group, value=True, as_of=at)
        for group in _named(policy)
        if any(member in ids for member in directory.members_of(group))
    ]
    alone = value == _BREAK_GLASS
    return Vote(
        ids[0],
        way or _WAYS.get(kind, kind),
        "approve" if alone else value,
        at,
        comment="simulated" if alone else None,
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
    return f"counted. Waiting for {'; '.join(_missing(one) for one in verdict.stages if one.missing)}."


def _missing(one: Progress) -> str:
    return f"{one.missing} of {', '.join(visible_line(entry) for entry in one.stage.approvers)}"
