"""Whose an account is, by what `users.info` and `auth.test` say: the same however much of it Slack leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.bots.people import LookUpFailed
from sayso.bots.slack._people import Identity, Installation

ENTERPRISE, TEAM, OTHER_TEAM = "E1", "T1", "T2"
ORG_WIDE: list[dict[str, Any]] = [
    {"team_id": ENTERPRISE, "enterprise_id": ENTERPRISE},
    {"team_id": None, "enterprise_id": ENTERPRISE},
    {"enterprise_id": ENTERPRISE},
]
INSTALLATIONS = st.sampled_from([{"team_id": TEAM, "enterprise_id": ENTERPRISE}, *ORG_WIDE]).map(
    Installation.read
)
TEAMS = st.lists(st.sampled_from([TEAM, OTHER_TEAM, "T3"]), unique=True)


@given(installation=INSTALLATIONS, home=st.sampled_from([TEAM, OTHER_TEAM, ENTERPRISE, None]), teams=TEAMS)
def test_people_of_the_enterprise_are_its_own_in_every_workspace(
    installation: Installation, home: str | None, teams: list[str]
) -> None:
    user = {"team_id": home, "enterprise_user": {"enterprise_id": ENTERPRISE, "teams": teams}}
    identity = Identity.read("U7", user, installation)
    assert identity.person == "slack:E1:U7"
    assert identity.belongs_to(installation)
    expected = {home, *teams, installation.team} - {ENTERPRISE, None}
    assert set(identity.forms) == {f"slack:{team}:U7" for team in expected}


def test_the_apps_own_workspace_is_its_enterprises_also_where_slack_does_not_say_it() -> None:
    installation = Installation.read({"team_id": TEAM, "enterprise_id": ENTERPRISE})
    assert Identity.read("U7", {"team_id": TEAM}, installation).person == "slack:E1:U7"


@given(
    home=st.sampled_from(["T8", "T9"]),
    enterprise=st.sampled_from([None, "E9"]),
    installation=INSTALLATIONS | st.just(Installation(TEAM, None)),
)
def test_people_of_another_organisation_stay_its_own(
    home: str, enterprise: str | None, installation: Installation
) -> None:
    """None of the app's workspaces is a form of theirs, whatever their user id is."""
    user: dict[str, Any] = {"team_id": home}
    if enterprise is not None:
        user["enterprise_user"] = {"enterprise_id": enterprise, "teams": [home]}
    identity = Identity.read("U7", user, installation)
    assert identity.person == f"slack:{enterprise or home}:U7"
    assert not identity.belongs_to(installation)
    assert set(identity.forms) <= {f"slack:{home}:U7"}


def test_without_an_enterprise_a_person_has_one_form() -> None:
    identity = Identity.read("U7", {"team_id": TEAM}, Installation(TEAM, None))
    assert (identity.person, identity.forms) == ("slack:T1:U7", ())


@pytest.mark.parametrize("user", [{}, {"team_id": ""}, {"team_id": None, "enterprise_user": {}}])
def test_nobody_is_guessed_where_slack_says_nothing(user: dict[str, Any]) -> None:
    for installation in (Installation(TEAM, ENTERPRISE), Installation("", None)):
        with pytest.raises(LookUpFailed, match="does not say to which workspace U7 belongs"):
            Identity.read("U7", user, installation)
