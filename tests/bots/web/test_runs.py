"""The pages of runs: where a run stands, and what operators do about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sayso.bots.client import ServiceClient
from sayso.engine import local_person
from tests.bots.api.served import ServiceProcess, held_for_two, token
from tests.bots.command import sayso
from tests.bots.web.visit import Visit, pressed

pytestmark = pytest.mark.timeout(120)


def test_a_run_is_followed_from_node_to_node(olga: Visit) -> None:
    run_id = olga.start()
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    graph = olga.page.get_by_role("group", name="Graph of")
    expect(graph).to_have_attribute("aria-label", "Graph of 2 nodes. ask to publish if shared['answer'] == 'approve'; "
                                    "ask to ask if shared['answer'] != 'approve'. The run is at ask.")  # fmt: skip
    expect(olga.page.locator(".node.current")).to_contain_text("ask▶ visit 1")
    olga.check_accessibility()
    olga.card("Release 4.2.0?").get_by_role("button", name="reject").click()
    expect(olga.card("Release 4.2.0?").get_by_text("Why reject?")).to_be_visible()
    pressed(olga.card("Release 4.2.0?"), "reject")
    expect(olga.page.get_by_role("article")).to_have_count(2)
    expect(olga.page.locator(".visit")).to_have_count(2)
    expect(olga.page.locator(".node.current")).to_contain_text("ask▶ visits 1, 2")
    olga.page.get_by_role("article").last.get_by_role("button", name="approve").click()
    expect(olga.page.get_by_text("done", exact=True).first).to_be_visible()
    expect(olga.page.get_by_role("region", name="Audit trail").get_by_text("run ended")).to_be_visible()
    expect(olga.page.locator(".node.visited")).to_have_count(2)
    expect(olga.page.locator(".edge.taken")).to_have_count(
        4
    )  # both ways, each in two around what is written on it
    olga.check_accessibility()


def test_people_are_called_by_their_names(olga: Visit) -> None:
    run_id = olga.start()
    olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
    olga.page.goto(f"{olga.url}/runs/{run_id}")
    starter = local_person().removeprefix("local:")
    expect(olga.page.locator("#live-head dd").get_by_text(starter, exact=True)).to_be_visible()
    who = olga.page.get_by_role("region", name="Audit trail").locator("td:nth-child(4)")
    expect(who.filter(has_text="olga")).not_to_have_count(0)
    expect(who.filter(has_text=":")).to_have_count(0)


def test_a_failed_run_is_tried_again_and_cancelled(olga: Visit) -> None:
    run_id = olga.start(shared='{"fails": true}')
    olga.card("Release 4.2.0?").get_by_role("button", name="approve").click()
    expect(olga.card("Release 4.2.0?").get_by_text("✅ Approved, then failed")).to_be_visible()
    olga.page.get_by_role("link", name="Runs").click()
    failed = olga.page.get_by_role("table", name="Failed")
    expect(failed.get_by_text("connection refused")).to_be_visible()
    failed.get_by_role("link", name=run_id[:8]).click()
    said = olga.page.locator(".choices dd")
    expect(said).to_have_text([re.compile("that it already has"), re.compile("asks everything again")])
    olga.check_accessibility()
    olga.page.get_by_role("button", name="Retry and ask again").click()
    expect(olga.page.get_by_role("article")).to_have_count(2)
    expect(olga.page.get_by_text("waiting for an answer").first).to_be_visible()
    olga.page.get_by_text("Cancel this run").click()
    olga.page.get_by_role("button", name="Yes, cancel it").click()
    expect(olga.page.get_by_text("cancelled", exact=True).first).to_be_visible()
    expect(olga.page.get_by_role("article").last.get_by_text("Cancelled", exact=True)).to_be_visible()


def test_a_step_that_was_cut_off_is_decided_on_its_page(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    sayso(
        tmp_path, "start", "once", "{}"
    )  # Its first step kills the service, at times before the answer is out.
    service.process.wait(20)
    with ServiceProcess(tmp_path):
        olga.page.goto(f"{olga.url}/runs")
        held = olga.page.get_by_role("table", name="Need an operator's decision")
        held.get_by_role("link").click()
        expect(
            olga.page.get_by_text("A step started, and it is unknown whether it finished: charge")
        ).to_be_visible()
        olga.check_accessibility()
        olga.page.get_by_label("The step's result, as JSON").fill("sent")
        olga.page.get_by_role("button", name="Record this result").click()
        expect(olga.page.get_by_text('Invalid JSON. Text needs quotes: "sent".')).to_be_visible()
        olga.page.get_by_label("The step's result, as JSON").fill('{"receipt": 7}')
        olga.page.get_by_role("button", name="Record this result").click()
        expect(olga.page.get_by_text("done", exact=True).first).to_be_visible()


def test_the_result_of_a_step_whose_type_is_known_is_filled_in_field_by_field(
    olga: Visit, service: ServiceProcess, tmp_path: Path
) -> None:
    """Nobody types JSON: a list has its entries, and what returns nothing has only the button."""
    sayso(tmp_path, "start", "settled", "{}")
    service.process.wait(20)
    with ServiceProcess(tmp_path) as again:
        olga.page.goto(f"{olga.url}/runs")
        olga.page.get_by_role("table", name="Need an operator's decision").get_by_role("link").click()
        expect(olga.page.get_by_label("The step's result, as JSON")).to_have_count(0)
        record = olga.page.get_by_role("button", name="Record this result")
        olga.page.get_by_label("Result: Number").fill("many")
        record.click()
        expect(olga.page.get_by_text('"many" is not a number')).to_be_visible()
        olga.page.get_by_label("Result: Number").fill("12345678901234567")
        entries = olga.page.get_by_role("group", name="Result: Lines")
        entries.get_by_role("textbox").fill("tea")
        entries.get_by_role("button", name="Add").click()
        entries.get_by_role("textbox").nth(1).fill("cups")
        olga.check_accessibility()
        record.click()  # the next step kills the service
        again.process.wait(20)
    with ServiceProcess(tmp_path):
        olga.page.reload()
        expect(olga.page.get_by_text("it is unknown whether it finished: notify")).to_be_visible()
        expect(olga.page.get_by_role("textbox")).to_have_count(0)
        olga.page.get_by_role("button", name="Record this result").click()
        expect(olga.page.get_by_text("done", exact=True).first).to_be_visible()
        (run,) = sayso(tmp_path, "runs", "--json").json["runs"]
        rows = sayso(tmp_path, "audit", "export", "--run", run["run_id"]).out.splitlines()
    given = [row["payload"]["result"] for row in map(json.loads, rows) if row["kind"] == "attention_given"]
    assert given == ['{"lines":["tea","cups"],"number":12345678901234567}', "null"]


def test_an_operators_button_decides_what_stands_beside_it_and_nothing_else(
    browser: Browser, tmp_path: Path, unused_tcp_port: int
) -> None:
    """A page that has not caught up, or a second click: the run is held for another question by now."""
    run_id = held_for_two(tmp_path, port=unused_tcp_port)
    with (
        ServiceProcess(tmp_path) as service,
        ServiceClient.connect(service.url, token(tmp_path, "operator", "operate", "read")) as operator,
        Visit.sign_in(browser, service.url, tmp_path, "olga") as olga,
    ):
        run = operator.wait(run_id, 20)
        olga.page.goto(f"{olga.url}/runs/{run_id}")
        stands = olga.page.get_by_role("button", name="Keep what is recorded")
        stands.focus()  # so that the page stays as it is
        operator.attention(run_id, "accept", seen=run["stops"])
        after = operator.wait(run_id, 20)
        stands.click()
        expect(
            olga.page.get_by_text(
                "The code now asks something else than the question that people answered: release"
            )
        ).to_be_visible()
        expect(olga.page.get_by_text("has moved on since you looked")).to_be_visible()
        assert operator.status(run_id) == after
        olga.page.get_by_role("button", name="Keep what is recorded").click()
        expect(olga.page.get_by_text("done", exact=True).first).to_be_visible()


def test_who_is_no_operator_sees_no_actions_and_no_trail(
    olga: Visit, browser: Browser, tmp_path: Path
) -> None:
    run_id = olga.start()
    hidden = olga.start(shared='{"to": ["web:eve"]}')
    with Visit.sign_in(browser, olga.url, tmp_path, "ana") as ana:
        ana.page.goto(f"{olga.url}/runs/{run_id}")
        expect(ana.card("Release 4.2.0?").get_by_role("button", name="approve")).to_be_visible()
        expect(ana.page.get_by_text("Cancel this run")).to_have_count(0)
        expect(ana.page.get_by_role("region", name="Audit trail")).to_have_count(0)
        answer = ana.page.goto(f"{olga.url}/runs/{hidden}")
        assert answer is not None
        assert answer.status == 404
        ana.page.goto(f"{olga.url}/runs")
        expect(ana.page.get_by_text("You haven't started any runs.")).to_be_visible()


def test_who_is_no_operator_reads_no_error_and_nothing_that_an_operator_decides_on(
    browser: Browser, tmp_path: Path, unused_tcp_port: int
) -> None:
    """Errors and changed questions carry what other people were asked: by page, list and API, as it stands and as it
    is waited for.
    """
    held = held_for_two(tmp_path, port=unused_tcp_port)
    with ServiceProcess(tmp_path) as service, Visit.sign_in(browser, service.url, tmp_path, "ana") as ana:
        failed = str(
            sayso(tmp_path, "start", "release", '{"fails": true, "prompt": "Ship it?"}', "--json").json[
                "run_id"
            ]
        )
        ana.page.goto(f"{ana.url}/")
        ana.card("Ship it?").get_by_role("button", name="approve").click()
        expect(ana.card("Ship it?").get_by_text("✅ Approved, then failed")).to_be_visible()
        for run_id, status, secrets in (
            (failed, "FAILED", ("connection refused", "RuntimeError")),
            (held, "NEEDS_ATTENTION", ("Which window", "early", "window")),
        ):
            for query in ("", "?wait=1", "?wait=1&until=rests"):
                said = ana.page.request.get(f"{ana.url}/api/v1/runs/{run_id}{query}").json()
                assert (said["status"], said["error"]) == (status, None)
                if status == "NEEDS_ATTENTION":
                    assert said["attention"] == {
                        "kind": "question_changed", "name": "", "was": None, "now": None, "reason": "", "result": None,
                    }  # fmt: skip
            ana.page.goto(f"{ana.url}/runs/{run_id}")
            shown = ana.page.locator("#live-head").inner_text() + ana.page.locator("#live-trail").inner_text()
            assert [one for one in secrets if one in shown] == []
            card = ana.page.get_by_role("article").first.inner_text()
            assert "connection refused" not in card
        expect(ana.page.get_by_text("Needs an operator's decision")).to_be_visible()
