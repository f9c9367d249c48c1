"""The settings of the service and those of a client have the same rules."""

from __future__ import annotations

import msgspec

from sayso.bots.hooks import Rule, Rules, rules_from
from sayso.config import HookRuleSettings, HooksSettings


def test_the_service_and_a_client_read_the_same_keys_with_the_same_defaults() -> None:
    assert set(HooksSettings.model_fields) == set(Rules.__struct_fields__)
    assert set(HookRuleSettings.model_fields) == set(Rule.__struct_fields__)
    assert rules_from(HooksSettings().model_dump(mode="json")) == Rules()
    assert msgspec.convert(HookRuleSettings().model_dump(mode="json"), Rule) == Rule()
