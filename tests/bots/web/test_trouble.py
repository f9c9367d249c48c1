"""The inbox while things go wrong: a killed service, questions that changed, lost answers, few connections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.bots.api.served import ServiceProcess, write
from tests.bots.command import sayso
from tests.bots.web.visit import CHROMIUM, RESTS, Visit, accepted, stop_the_clock

pytestmark = pytest.mark.timeout(120)


def test_killed_and_started_again_the_open_card_comes_back_to_life(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    olga.start()
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    service.kill()
    expect(olga.page.get_by_text("Offline.")).to_be_visible()
    olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
    expect(olga.page.get_by_text("retrying automatically")).to_be_visible()
    with ServiceProcess(tmp_path):
        expect(olga.card("Release 4.2.0?").get_by_role("status")).to_have_text(
            "Approved. The workflow continues.", timeout=30_000
        )
        expect(olga.page.get_by_text("Offline.")).to_be_hidden()
        olga.start(shared='{"prompt": "And now?"}')
        expect(olga.card("And now?")).to_be_visible()


def test_a_card_whose_question_changed_says_so_and_keeps_what_was_typed(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    olga.page.clock.install()
    olga.page.reload()
    olga.start("pair")
    expect(olga.card("Release 4.2.0?")).to_be_visible()
    service.kill()
    with ServiceProcess(tmp_path, SHOP_PROMPT="Release 4.2.1?"):
        expect(olga.page.get_by_text("Offline.")).to_be_hidden(timeout=30_000)
        olga.card("Release 4.2.0?").get_by_label("Your answer").fill("half a sent")
        stop_the_clock(olga)
        found = sayso(tmp_path, "requests", "--json").json["requests"]
        (window,) = (one["id"] for one in found if one["prompt"] == "Which window?")
        assert sayso(tmp_path, "answer", f"{window}@1", "early").code == 0
        changed = olga.card("Release 4.2.1?")
        expect(changed.get_by_text("the text below is new")).to_be_visible()
        expect(changed.get_by_label("Your answer")).to_have_value("half a sent")
        changed.get_by_role("button", name="Send").click(force=True)  # meant for the old words
        expect(changed.get_by_role("status")).to_have_text(RESTS)
        changed.get_by_label("Your answer").fill("yes")
        olga.page.clock.resume()
        changed.get_by_role("button", name="Send").click()
        expect(changed.get_by_role("status")).to_have_text("Recorded: yes. The workflow continues.")


def test_what_was_chosen_in_a_form_that_changed_is_chosen_anew(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    """The same place in the list means something else now, and the same place in the form another field."""
    region: dict[str, Any] = {"title": "Region", "enum": ["production", "staging"]}
    limit, budget, name = (
        {"title": one, "type": "string"} for one in ("Daily limit", "Yearly budget", "Name")
    )
    before = {"type": "object", "properties": {"region": region, "limit": limit, "name": name}}
    region_now = region | {"enum": ["staging", "production"]}
    now = {"type": "object", "properties": {"region": region_now, "budget": budget, "name": name}}
    service.kill()
    with ServiceProcess(tmp_path, SHOP_FORM=json.dumps(before)) as running:
        olga.page.goto(olga.url)
        olga.start("course")
        form = olga.card("Who is coming?")
        form.get_by_label("Region").select_option("staging")
        form.get_by_label("Daily limit").fill("500")
        form.get_by_label("Name").fill("Cho")
        expect(olga.card("Which day?")).to_be_visible()
        running.kill()
        with ServiceProcess(tmp_path, SHOP_FORM=json.dumps(now)):
            expect(olga.page.get_by_text("Offline.")).to_be_hidden(timeout=30_000)
            olga.card("Which day?").get_by_role("button", name="first").click()
            expect(form.get_by_text("the text below is new")).to_be_visible()
            expect(form.get_by_label("Region")).to_have_value("")
            expect(form.get_by_label("Yearly budget")).to_have_value("")
            expect(form.get_by_label("Name")).to_have_value("Cho")


def test_an_answer_that_may_have_arrived_is_not_called_refused(olga: Visit) -> None:
    """Its response is lost, and the session ends before it is sent again."""
    olga.start()
    card = olga.card("Release 4.2.0?")
    sent = 0

    def lose(route: Route) -> None:
        nonlocal sent
        sent += 1
        if sent > 1:
            route.continue_()
            return
        route.fetch()
        olga.context.clear_cookies()
        route.abort()

    olga.page.route("**/answers", lose)
    card.get_by_role("button", name="approve").click()
    expect(card.get_by_role("status")).to_have_text(
        "This may or may not have arrived. Reload the page to see."
    )
    expect(card.get_by_role("button", name="reject")).to_be_disabled()
    assert [answer["value"] for answer in accepted(olga)] == ["approve"]


def test_a_press_before_the_scripts_are_there_is_made_once_they_are(olga: Visit) -> None:
    olga.start("strict")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    olga.page.route("**/static/inbox.js", hold)
    olga.page.reload(wait_until="commit")
    card = olga.page.locator("article.mine")
    card.get_by_role("button", name="Approve").dblclick()
    expect(card).to_have_count(1)
    (script,) = held
    script.continue_()
    expect(card).to_have_count(0)
    assert [one["value"] for one in accepted(olga)] == ["approve"]


def test_over_plain_http_from_another_machine_it_works_as_well(
    browser: Browser, tmp_path: Path, unused_tcp_port: int
) -> None:
    """There browsers keep some of their functions from pages."""
    address = f"http://sayso.test:{unused_tcp_port}"
    write(tmp_path, port=unused_tcp_port, more=f'public_url = "{address}"')
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP sayso.test 127.0.0.1"]
    with ServiceProcess(tmp_path):
        remote = browser.browser_type.launch(executable_path=CHROMIUM, args=arguments)
        with Visit.sign_in(remote, address, tmp_path, "olga") as olga:
            assert not olga.page.evaluate("isSecureContext")
            olga.start()
            olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
            expect(olga.card("Release 4.2.0?").get_by_text("finished")).to_be_visible()
        remote.close()


def test_eight_tabs_do_not_starve_the_page(olga: Visit) -> None:
    """Browsers allow six connections to a host, so one tab holds the stream for all."""
    tabs = [olga.page, *(olga.tab() for _ in range(7))]
    olga.start()
    eighth = olga.card("Release 4.2.0?", tabs[-1])
    eighth.get_by_role("button", name="approve").click()
    expect(eighth.get_by_role("status")).to_have_text("Approved. The workflow continues.")
    for tab in tabs:
        expect(olga.card("Release 4.2.0?", tab).get_by_text("finished")).to_be_visible()
    tabs[0].close()  # the one that held the stream
    olga.start(shared='{"prompt": "Who listens now?"}')
    expect(olga.card("Who listens now?", tabs[-1])).to_be_visible()
