"""Who is still waited for, in words: people and groups as the policy names them, whom a surface may mention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Mentioned, Mentions, nobody, place_name
from sayso.adapters.console import visible_line
from sayso.engine import CardRecord, Progress, Stage, Verdict, evaluate, is_person, kind_of, waiting

LONGEST_NEEDED = 300
"""Characters of what an open card says of who is waited for."""

LONGEST_NAME = 50
"""Characters of a name among others."""

_MOST_NAMES = 6

Parts = list[str]
"""Words without instants."""


def awaited(record: CardRecord, places: Mapping[str, str], mentions: Mentions) -> tuple[str, ...]:
    """`waiting for Bo`; what is not an approval is assigned to some, any of whom answers it."""
    if record.request.policy is None:
        whom = [called(record, places, one, mentions) for one in record.request.audience]
        words = "waiting for " if kind_of(record.request) == "approval" else "assigned to "
        return merged([words, *listed(whom, "or")])
    return within(["waiting for ", *progress(record, places, mentions)], LONGEST_NEEDED)


def progress(record: CardRecord, places: Mapping[str, str], mentions: Mentions = nobody) -> Parts:
    """Who is still waited for, stage by stage: `Bo`, `2 of @sre`, `1 more of @sre`; nobody is whom it does not need.
    Those alone are mentioned whose turn it is.
    """
    policy = record.request.policy
    joined = "; then " if policy is not None and policy.ordered else "; "
    parts: Parts = []
    for position, one in enumerate(one for one in stages(record) if one.missing):
        is_later = position > 0 and policy is not None and policy.ordered
        parts += [joined] if position else []
        parts += _missing(record, places, one, nobody if is_later else mentions)
    return parts


def needed(record: CardRecord) -> tuple[str, ...]:
    """The entries of the policy or question whose answers are needed now: people who have not voted, and groups."""
    policy, verdict = record.request.policy, _verdict(record)
    if policy is None or verdict is None:
        return record.request.audience
    entries = (entry for stage in waiting(policy, verdict) for entry in stage.approvers)
    return tuple(dict.fromkeys(_not_yet(record, tuple(entries))))


def stages(record: CardRecord) -> tuple[Progress, ...]:
    """How far each stage is."""
    verdict = _verdict(record)
    return () if verdict is None else verdict.stages


def stage_name(stage: Stage) -> str:
    """A stage's name in front of what is said of it."""
    return f"{visible_line(stage.name)}: " if stage.name else ""


def called(record: CardRecord, places: Mapping[str, str], entry: str, mentions: Mentions) -> Parts:
    """What an entry is called, or whom it mentions; of a group that the platform does not know, its members as well."""
    name = cut(place_name(entry, places, record.names), LONGEST_NAME)
    found = mentions(entry)
    if not found:
        return [name]
    if is_person(entry) or found[0].is_group:
        return [part for one in found for part in (" ", one)][1:]
    return [f"{name} (", *listed([[one] for one in found], "and"), ")"]


def listed(names: Sequence[Parts], joined: str) -> Parts:
    """Names as people list them: `Ana, Bo or Chris`, and how many others there are of many."""
    shown = list(names)
    if len(shown) > _MOST_NAMES:
        shown = [*shown[: _MOST_NAMES - 1], [f"{len(shown) - _MOST_NAMES + 1} others"]]
    parts: Parts = []
    for position, name in enumerate(shown):
        is_last = position == len(shown) - 1
        parts += [] if position == 0 else [f" {joined} " if is_last else ", "]
        parts += name
    return parts or ["nobody"]


def within(parts: Parts, limit: int) -> tuple[str, ...]:
    """As much of some words as there is room for."""
    kept: Parts = []
    for part in parts:
        if len(part) > limit:
            kept.append("…" if isinstance(part, Mentioned) else cut(part, limit))
            break
        kept.append(part)
        limit -= len(part)
    return merged(kept)


def merged(parts: Parts) -> tuple[str, ...]:
    """The same words with as few parts as there can be."""
    found: Parts = []
    for part in parts:
        if found and not isinstance(part, Mentioned) and not isinstance(found[-1], Mentioned):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def _missing(record: CardRecord, places: Mapping[str, str], stage: Progress, mentions: Mentions) -> Parts:
    asked = _not_yet(record, stage.stage.approvers)
    whom = [called(record, places, entry, mentions) for entry in asked]
    named = stage_name(stage.stage)
    if asked and all(map(is_person, asked)) and stage.missing >= len(asked):
        return [named, *listed(whom, "and")]
    if asked and all(map(is_person, asked)) and stage.missing == 1:
        return [named, *listed(whom, "or")]
    more = " more" if stage.approved else ""
    return [f"{named}{stage.missing}{more} of ", *listed(whom, "or")]


def _not_yet(record: CardRecord, entries: Sequence[str]) -> list[str]:
    """Of some whom a policy names those who have not voted, and may."""
    policy = record.request.policy
    voted = {name for vote in record.votes for name in (vote.person, vote.account, *vote.accounts)}
    return [one for one in entries if one not in voted and (policy is None or one not in policy.excluded)]


def _verdict(record: CardRecord) -> Verdict | None:
    """What the votes come to, with those who are asked as well since it escalated."""
    policy = record.request.policy
    if policy is None:
        return None
    as_of = max((vote.at for vote in record.votes), default=record.request.asked_at)
    if policy.escalates_at is not None and set(policy.escalate_to) <= set(policy.audience):
        as_of = max(as_of, policy.escalates_at)
    return evaluate(policy, [vote.as_vote() for vote in record.votes], as_of)
