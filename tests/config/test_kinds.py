"""Entries of a kind that there is not: they would mean nobody, so they are refused where they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.config import InvalidSettings, load_settings

POLICY = '[policies.release]\n{more}\n[[policies.release.stages]]\napprovers = ["{approver}"]\n{stage}\n'


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("policies.release.break_glass", POLICY.format(more='break_glass = ["slak:U1"]', approver="web:ana", stage="")),
        ("policies.release.hand_over_to", POLICY.format(
            more='hand_over_to = ["slak:U1"]', approver="web:ana", stage="")),
        ("policies.release.escalate_to", POLICY.format(
            more='escalate_to = ["slak:U1"]\nescalate_after = "1h"', approver="web:ana", stage="")),
        ("policies.release.stages.approvers", POLICY.format(more="", approver="slak:U1", stage="")),
        ("policies.release.stages.veto", POLICY.format(more="", approver="web:ana", stage='veto = ["slak:U1"]')),
        ("people.ana.accounts", '[people.ana]\naccounts = ["slak:U1"]\n'),
        ("groups.sre.members", '[groups.sre]\nmembers = ["slak:U1"]\n'),
        ("http.operators", '[http]\noperators = ["slak:U1"]\n'),
    ],
)  # fmt: skip
def test_an_entry_of_an_unknown_kind_is_refused_by_its_setting(
    tmp_path: Path, setting: str, text: str
) -> None:
    (tmp_path / "sayso.toml").write_text(text)
    with pytest.raises(InvalidSettings) as refused:
        load_settings(tmp_path)
    assert setting in str(refused.value)
    assert "slak" in str(refused.value)


def test_what_is_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text('[http]\noperators = ["slak:U1"]\n')
    with pytest.raises(InvalidSettings, match="slack, telegram"):
        load_settings(tmp_path)
