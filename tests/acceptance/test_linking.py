"""Two accounts become one person's: by both, in private, with nobody else getting anything by what they read."""

from __future__ import annotations

import asyncio
from typing import Any

from sayso.config import GroupSettings, PersonSettings
from sayso.engine import Policy, SQLiteReader, Stage, Workflow, node, request_approval
from sayso.testing.slack import FaultKind
from tests.acceptance.both import GROUP, AtInbox, Both
from tests.acceptance.test_teams import asking, team


async def accounts(both: Both) -> set[str]:
    async with SQLiteReader(both.folder / "sayso.db") as reader:
        return {one.account for one in await reader.accounts()}


async def test_all_accounts_and_the_operators_hear_of_a_link_and_of_its_end(both: Both) -> None:
    """The maker hears who sent the code, and nothing is linked until they say that it is theirs."""
    cho = both.telegram.add_person("Cho")
    await both.group.add(cho)
    async with both.running(asking(), operator=GROUP):
        await both.link(both.ana, cho)
        await both.slack_direct_shows(f"Cho (telegram:{cho.id}) sent the code that you made here")
        told = f"LINKED: Ana ({both.ana_id}) is one person now with telegram:{cho.id}."
        await both.slack_direct_shows(told, "If this was not you, tell an operator at once.")
        await both.told(cho, told)
        await both.telegram_shows(told)
        assert await accounts(both) == {both.ana_id, f"telegram:{cho.id}"}
        await cho.command(None, "/unlink")
        gone = f"UNLINKED: Cho (telegram:{cho.id}) is no longer one person with {both.ana_id}."
        await both.slack_direct_shows(gone)
        await both.told(cho, gone)
        await both.telegram_shows(gone)
    assert await accounts(both) == set()


async def test_a_code_that_others_could_read_links_nothing(both: Both) -> None:
    """Sent in a group, it is void, whoever of those who read it is faster; the maker alone says yes to anybody."""
    eve = both.telegram.add_person("Eve")
    await both.group.add(eve)
    await eve.start()
    async with both.running(asking()):
        code = await both.code_of(both.ana)
        await both.bo.command(both.group, f"/link {code}")
        await both.telegram_shows("Others can read this one, so it is void")
        await eve.command(None, f"/link {code}")
        await both.told(eve, "This code is not known")

        code = await both.code_of(both.ana)
        await eve.command(None, f"/link {code}")  # read over her shoulder
        await both.told(eve, "This code belongs to Ana")
        await eve.command(None, f"/link {code} yes")
        await both.told(eve, "Now confirm there as well")
        await both.slack_direct_shows(f"Eve (telegram:{eve.id}) sent the code", "If that account is yours")
        await both.bo.start()
        await both.bo.command(None, f"/link {code}")
        await both.told(both.bo, "was used by another account")
        shown = await both.sayso(both.ana, f"link {code}")
        assert shown.startswith(
            f"Eve (telegram:{eve.id}) sent this code. Once linked, that account can answer as you."
        )
    assert await accounts(both) == set()


async def test_listed_people_link_only_where_the_settings_let_them(both: Both) -> None:
    both.more = {"people": {"ana": PersonSettings(accounts=(both.ana_id,))}}
    async with both.running(asking()):
        said = await both.sayso(both.ana, "link")
        assert (
            said
            == f"An operator listed {both.ana_id} in sayso.toml. Ask them to add your other account there."
        )
    both.more["listed_people_may_link"] = True
    async with both.running(asking()):
        await both.link(both.ana, both.bo)
    assert await accounts(both) == {both.ana_id, both.bo_id}


async def test_whose_account_was_closed_answers_by_no_session(both: Both) -> None:
    """Their session at the inbox lives on: it is asked at every answer whether the account does."""
    async with both.running(asking_alone(both.ana_id)) as runtime:
        run_id = await runtime.start("team")
        ana = await both.at_inbox(both.ana)
        request_id = (await runtime.pending(run_id))[0].id
        for method, fault in (("users.info", FaultKind.HANG), ("users.info", FaultKind.SERVER_ERROR)):
            both.slack.fail(fault, method)
            said = await ana.choose(request_id, 0)
            assert (said["outcome"], "could not be checked" in said["words"]) == ("not_allowed", True), fault
        both.ana.deactivate()
        for _ in range(2):
            said = await ana.choose(request_id, 0)
            assert (said["outcome"], "was closed" in said["words"]) == ("not_allowed", True)
        assert "was closed" in (await ana.act(request_id, "reassign", both.bo_id))["words"]
        assert "was closed" in (await ana.act(request_id, "withdraw"))["words"]
        by_api = await ana.answer_by_api(request_id, "approve")
        assert (by_api["outcome"], "was closed" in by_api["detail"]) == ("not_allowed", True)
        await ana.leave()
        assert [one.id for one in await runtime.pending(run_id)] == [request_id]


async def test_who_deleted_their_account_of_telegram_answers_by_no_session(both: Both) -> None:
    async with both.running(asking_alone(both.bo_id)) as runtime:
        run_id = await runtime.start("team")
        await both.bo.start()
        await both.bo.command(None, "/inbox")
        bo = await AtInbox.sign_in(both.url, (await both.told(both.bo, "Your inbox")).rpartition(" ")[2])
        request_id = (await runtime.pending(run_id))[0].id
        both.telegram.fail(FaultKind.SERVER_ERROR, "getChat")
        assert "could not be checked" in (await bo.choose(request_id, 0))["words"]
        await both.bo.delete_account()
        assert "was closed" in (await bo.choose(request_id, 0))["words"]
        await bo.leave()
        assert [one.id for one in await runtime.pending(run_id)] == [request_id]


def asking_alone(person: str) -> Workflow:
    """Asks one person by their account."""

    @node
    async def ask(shared: dict[str, Any]) -> None:
        policy = Policy(stages=[Stage([person])])
        shared["approved"] = (await request_approval("Drop it?", request_id="drop", policy=policy)).approved

    return Workflow("team", ask)


async def test_one_who_unlinks_while_they_are_looked_up_has_one_vote(both: Both) -> None:
    """What was found of Ana's account in Slack, she pressing in Telegram, is of nobody there any more at the commit."""
    ana_too = both.telegram.add_person("Ana T.")
    await both.group.add(ana_too)
    group = both.slack.add_user_group("sre", [both.ana])
    both.more = {"groups": {"sre": GroupSettings(slack=group.id)}, "policies": team()}
    async with both.running(asking()) as runtime:
        await both.link(both.ana, ana_too)
        await runtime.start("team")
        card = await both.slack_card("Drop the production database?")
        in_telegram = await both.telegram_card("Drop the production database?")
        let_go = both.telegram.hold("getChatMember")
        async with asyncio.TaskGroup() as tasks:
            pressing = tasks.create_task(ana_too.press(in_telegram, "✅ Approve"))
            await both.telegram.until(lambda: bool(let_go.waiting))
            assert "counts as a separate person again" in await both.sayso(both.ana, "unlink")
            let_go.release()
        assert str(pressing.result().text).startswith("You aren't an approver for this.")
        assert await both.press(both.ana, card, "✅ Approve") == "Your approval was counted: 1 of 2."
