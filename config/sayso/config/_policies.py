"""Policies of the settings as those of the engine, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sayso.config._errors import InvalidSettings
from sayso.config._lines import place_of
from sayso.config._sections import PolicySettings
from sayso.engine import Grants, InvalidRequest, Policy, Rule, Stage

_SHOWN = "See docs/how-to/decide-together.md for examples."


def policy_of(given: PolicySettings) -> Policy:
    """The policy that a table describes. Raises `InvalidRequest`."""
    fields = given.model_dump(exclude={"stages", "rules", "grants"})
    stages = [Stage(**one.model_dump()) for one in given.stages]
    rules = [Rule(**one.model_dump()) for one in given.rules]
    grants = None if given.grants is None else Grants(**given.grants.model_dump())
    return Policy(stages=stages, rules=rules, grants=grants, **fields)


def check_policies(policies: Mapping[str, PolicySettings], path: Path) -> None:
    """Raise `InvalidSettings` with the place of what contradicts itself."""
    for name, given in policies.items():
        key = f"policies.{name}"
        if not given.stages:
            place = place_of(path, ("policies", name))
            raise InvalidSettings(place, key, "no stages", f"Add [[{key}.stages]] with approvers.")
        parts = (("stage", Stage, given.stages), ("rule", Rule, given.rules))
        for word, part, tables in parts:
            for position, one in enumerate(tables, 1):
                try:
                    part(**one.model_dump())
                except InvalidRequest as error:
                    place = place_of(path, ("policies", name, f"{word}s", position - 1))
                    raise InvalidSettings(
                        place, f"{word} {position} of {key}", error.reason, _SHOWN
                    ) from error
        try:
            policy_of(given)
        except InvalidRequest as error:
            place = place_of(path, ("policies", name))
            raise InvalidSettings(place, key, error.reason, _SHOWN) from error
