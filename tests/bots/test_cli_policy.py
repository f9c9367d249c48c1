"""`sayso policy check`: policies in plain words, and votes that are played through one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bots.command import sayso

POLICIES = """
[destinations."slack:#sre"]
id = "C1"
audience = "members"
[policies.release]
exclude_requester = true
[[policies.release.stages]]
name = "operations"
approvers = ["slack:#sre", "web:dee"]
need = 2
reject_at = 2
[[policies.release.stages]]
approvers = ["web:ana"]
when = "amount > 10_000"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sayso.toml").write_text(POLICIES)
    return tmp_path


def test_a_policy_is_explained(folder: Path) -> None:
    ran = sayso(folder, "policy", "check")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "release:",
        "  operations: 2 of slack:#sre, web:dee must approve; 2 rejections from them reject",
        "  1 of web:ana must approve; one rejection from them rejects; only if amount > 10_000",
        "  The requester may not approve.",
    ]


def test_votes_are_played_until_they_decide(folder: Path) -> None:
    votes = [
        "slack:T1:U1@slack:#sre=approve",
        "web:dee=approve",
        "web:eve=approve",
        "web:ana=approve",
        "web:ana=reject",
    ]
    arguments = [part for vote in votes for part in ("--vote", vote)]
    ran = sayso(
        folder, "policy", "check", "release", "--details", '{"amount": 20000}', "--requested-by", "web:dee", "--json",
        *arguments, "--vote", "slack:T1:U2@slack:#sre=approve",
    )  # fmt: skip
    verdicts = ran.json["policies"][0]["verdicts"]
    assert [(one["decided"], one["value"], bool(one["refused"])) for one in verdicts] == [
        (False, None, False), (False, None, True), (False, None, True), (False, None, False), (True, "reject", False),
    ]  # fmt: skip
    small = sayso(
        folder, "policy", "check", "release", "--details", '{"amount": 5}',
        "--vote", "slack:T1:U1@slack:#sre=approve", "--vote", "web:dee=approve",
    )  # fmt: skip
    assert small.out.splitlines()[-2:] == [
        "  slack:T1:U1@slack:#sre=approve: counted. Waiting for 1 of slack:#sre, web:dee.",
        "  web:dee=approve: approved.",
    ]


def test_what_cannot_be_played_is_said(folder: Path) -> None:
    for arguments, words, code in (
        (("nothing",), "no policy named 'nothing' in sayso.toml. Policies: release", 3),
        (("release", "--vote", "web:ana"), "invalid vote", 2),
        (("release", "--details", "{}"), "the condition 'amount > 10_000' failed", 2),
        (("release", "--details", "{"), "--details: this isn't valid JSON: line 1, column 2", 2),
        (("--vote", "web:ana=approve"), "need the NAME", 2),
    ):
        ran = sayso(folder, "policy", "check", *arguments)
        assert (ran.code, words in ran.err) == (code, True), ran.err
    (folder / "sayso.toml").write_text(POLICIES.replace("need = 2", "need = 0"))
    ran = sayso(folder, "policy", "check")
    assert ran.code != 0
    assert "sayso.toml, line 7: need=0" in ran.err


TEAM = """
[people.ana]
accounts = ["slack:T1:U1", "web:ana"]
[groups.sre]
members = ["ana", "web:bo"]
[policies.team]
comment = ["reject"]
reject_reasons = ["Not tested", "Release freeze"]
expires_after = "1d"
on_expiry = "reject"
remind_every = "90m"
escalate_after = "4h"
escalate_to = ["web:lead"]
break_glass = ["web:cto"]
stages = [{ approvers = ["group:sre"], need = 2, veto = ["group:board"] }]
[groups.board]
members = ["web:chair"]
[policies.pair]
exclude_requester = true
stages = [{ approvers = ["person:ana"], fallback = ["web:dee"] }]
"""


def test_times_and_people_are_explained(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(TEAM)
    assert sayso(tmp_path, "policy", "check", "team").out.splitlines() == [
        "team:",
        "  2 of group:sre must approve; one rejection from them rejects; one of group:board can reject alone",
        "  A comment is required to reject.",
        "  Suggested reasons to reject: Not tested; Release freeze.",
        "  After 1 day without a decision, the answer is reject.",
        "  People who have not voted are reminded after 1 hour, 30 minutes, then less and less often.",
        "  After 4 hours, web:lead may decide as well.",
        "  In an emergency, web:cto may approve alone, with a reason.",
    ]


def test_four_eyes_with_a_fallback_is_explained_and_played(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(TEAM)
    ran = sayso(
        tmp_path, "policy", "check", "pair", "--requested-by", "web:ana", "--vote", "slack:T1:U1=approve",
        "--vote", "web:dee=approve",
    )  # fmt: skip
    assert ran.out.splitlines()[2:] == [
        "  The requester may not approve.",
        "  If too few of person:ana may approve, web:dee may approve as well.",
        "  slack:T1:U1=approve: refused. You aren't an approver for this. Approvers: web:dee.",
        "  web:dee=approve: approved.",
    ]


RULES = """
[policies.tools]
stages = [{ approvers = ["web:ana"] }]
[[policies.tools.rules]]
when = "details.environment == 'production'"
answer = "reject"
written_by = "bo"
[[policies.tools.rules]]
when = "details.tool == 'Read'"
answer = "approve"
written_by = "ana"
"""


@pytest.mark.parametrize(
    ("details", "last"),
    [
        ('{"tool": "Read", "environment": "test"}', "Rule 2 decides, so nobody is asked: approved."),
        ('{"tool": "Read", "environment": "production"}', "Rule 1 decides, so nobody is asked: rejected."),
        ('{"tool": "Read"}', "Rule 1 cannot be checked, so people are asked: there is no 'environment'."),
        ('{"tool": "Bash", "environment": "test"}', None),
    ],
)
def test_rules_are_explained_and_played(tmp_path: Path, details: str, last: str | None) -> None:
    (tmp_path / "sayso.toml").write_text(RULES)
    lines = sayso(tmp_path, "policy", "check", "tools", "--details", details).out.splitlines()
    assert lines == [
        "tools:",
        "  1 of web:ana must approve; one rejection from them rejects",
        "  Rule 1, written by bo: reject without asking people if details.environment == 'production'",
        "  Rule 2, written by ana: approve without asking people if details.tool == 'Read'",
        *([] if last is None else [f"  {last}"]),
    ]


def test_who_is_asked_later_may_vote_later(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(TEAM)
    votes = ("--vote", "web:lead=approve", "--vote", "web:bo=approve")
    for after, last in (("239m", "counted. Waiting for 1 of group:sre."), ("4h", "approved.")):
        ran = sayso(tmp_path, "policy", "check", "team", *votes, "--after", after)
        assert ran.out.splitlines()[-1] == f"  web:bo=approve: {last}"
    expired = sayso(tmp_path, "policy", "check", "team", *votes, "--after", "2d")
    assert (expired.code, "the request would already have expired, after 1 day" in expired.err) == (2, True)


def test_somebody_whom_the_settings_do_not_know_is_told(tmp_path: Path) -> None:
    wrong = """
[policies.release]
escalate_after = "1h"
escalate_to = ["slack:#nowhere"]
break_glass = ["person:anna"]
stages = [{ approvers = ["group:sree", "web:ana", "slack:T1:U1", "telegram:7"] }]
"""
    (tmp_path / "sayso.toml").write_text(wrong)
    ran = sayso(tmp_path, "policy", "check")
    assert ran.code == 1
    assert ran.out.splitlines()[-3:] == [
        "  group:sree is not defined: add [groups.sree] to sayso.toml.",
        '  slack:#nowhere is not defined: add [destinations."slack:#nowhere"] to sayso.toml.',
        "  person:anna is not defined: add [people.anna] to sayso.toml.",
    ]


def test_accounts_and_groups_count_in_votes_that_are_played(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(TEAM)
    votes = ["web:ana=approve", "slack:T1:U1=approve", "slack:T1:U9=approve", "slack:T1:U9@group:sre=approve"]
    ran = sayso(tmp_path, "policy", "check", "team", *[part for one in votes for part in ("--vote", one)])
    assert ran.out.splitlines()[-4:] == [
        "  web:ana=approve: counted. Waiting for 1 of group:sre.",
        "  slack:T1:U1=approve: counted. Waiting for 1 of group:sre.",
        "  slack:T1:U9=approve: refused. You aren't an approver for this. Approvers: group:sre, group:board.",
        "  slack:T1:U9@group:sre=approve: approved.",
    ]
    veto = sayso(tmp_path, "policy", "check", "team", "--vote", "web:chair=reject")
    assert veto.out.splitlines()[-1] == "  web:chair=reject: rejected."
    alone = sayso(tmp_path, "policy", "check", "team", "--vote", "web:cto=break-glass")
    assert alone.out.splitlines()[-1] == "  web:cto=break-glass: approved."
