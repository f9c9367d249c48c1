"""What authors put on a card, in the inbox: drawn, safe, and served to those alone who may read the request."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import sayso
from tests.bots.web.visit import Visit

pytestmark = pytest.mark.timeout(120)

PICTURE = (Path(__file__).parents[3] / "docs" / "pictures" / "inbox.png").read_bytes()
REPORT = b"<script>alert(1)</script>"

RICH = """
import pathlib
from sayso.engine import Code, Diff, File, Image, Link, Markdown, Table, Workflow, node, request_approval

DIFF = '''diff --git a/limits.py b/limits.py
--- a/limits.py
+++ b/limits.py
@@ -1,3 +1,3 @@
 # limits
-LIMIT = 10
+LIMIT = 20
''' + "".join(f" line {number}\\n" for number in range(60))


@node
async def ask(shared):
    decision = await request_approval("Release 4.2.0 to production?", {
        "Change": "14 commits, 2 migrations", "Risk": "high",
        "Review": Link("Review <changes>", "https://github.example.org/pull/42"),
        "Difference": Diff(DIFF),
        "Migration": Code(
            "def up(db):\\n    # <b>adds a column</b>\\n    db.run('ALTER TABLE users', limit=20)\\n", "python"),
        "Services": Table(["Service", "Replicas", "Configuration"], [
            ["checkout-service", 12, "s3://configuration/production/checkout-service.yaml"], ["mail", 3, None]]),
        "Notes": Markdown(
            "**Careful:** see [the runbook](https://wiki.example.org/run)\\n\\n"
            "- first `drain`\\n- then *deploy*\\n\\n<b>html</b>"),
        "Latency": Image(pathlib.Path("inbox.png"), "Latency over the last hour"),
        "Report": File(pathlib.Path("report.html")),
    }, to=shared.get("to", "operator"), request_id="release", read_all=shared.get("read_all", False))
    shared["approved"] = decision.approved


rich = Workflow("rich", start=ask)
"""


@pytest.fixture
def folder(tmp_path: Path, unused_tcp_port: int) -> Path:
    """A service whose workflow shows everything that a card can hold."""
    (tmp_path / "richly.py").write_text(RICH)
    (tmp_path / "inbox.png").write_bytes(PICTURE)
    (tmp_path / "report.html").write_bytes(REPORT)
    write(tmp_path, port=unused_tcp_port, more='[[workflows]]\nworkflow = "richly:rich"\n')
    return tmp_path


def open_request(folder: Path) -> str:
    while not (found := sayso(folder, "requests", "--json").json["requests"]):
        pass
    return str(found[0]["id"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_drawn_and_nothing_obeyed(
    service: ServiceProcess, browser: Browser, tmp_path: Path, scheme: str
) -> None:
    with Visit.sign_in(browser, service.url, tmp_path, "olga", color_scheme=scheme) as olga:
        olga.start("rich")
        card = olga.card("Release 4.2.0 to production?")
        expect(card.locator(".added").first).to_have_text("+LIMIT = 20")
        expect(card.locator(".removed").first).to_have_text("-LIMIT = 10")
        expect(card.locator(".keyword").first).to_have_text("def")
        expect(card.locator("span.comment")).to_have_text("# <b>adds a column</b>")
        expect(card.get_by_role("link", name="Review <changes>")).to_have_attribute(
            "href", "https://github.example.org/pull/42"
        )
        expect(card.get_by_text("(github.example.org)")).to_be_visible()
        expect(card.get_by_role("strong")).to_have_text(["high", "Careful:"])
        expect(card.get_by_text("<b>html</b>")).to_be_visible()
        picture = card.get_by_role("img", name="Latency over the last hour")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
        expect(card.get_by_role("cell", name="12", exact=True)).to_have_css("text-align", "end")
        olga.check_accessibility()
        expect(card.get_by_text("line 59")).to_be_hidden()
        card.get_by_text("Full diff (").click()
        expect(card.get_by_text("line 59")).to_be_visible()
        with olga.page.expect_download() as download:
            card.get_by_role("link", name="report.html").click()
        assert download.value.path().read_bytes() == REPORT


def test_a_table_breaks_no_word_on_a_phone(service: ServiceProcess, browser: Browser, tmp_path: Path) -> None:
    with Visit.sign_in(
        browser, service.url, tmp_path, "olga", viewport={"width": 390, "height": 844}
    ) as olga:
        olga.start("rich")
        cell = olga.card("Release 4.2.0 to production?").get_by_role(
            "cell", name="checkout-service", exact=True
        )
        lines = cell.evaluate(
            "cell => { const all = document.createRange(); all.selectNodeContents(cell);"
            " return all.getClientRects().length; }"
        )
        assert lines == 1, "a word of it was broken onto another line"
        assert olga.page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_file_is_an_attachment_for_those_alone_who_may_read_the_request(
    service: ServiceProcess, tmp_path: Path
) -> None:
    sayso(tmp_path, "start", "rich", '{"to": ["token:answerer"]}')
    request_id = open_request(tmp_path)
    digest = hashlib.sha256(REPORT).hexdigest()
    path = f"/api/v1/requests/{request_id}/files/"
    with httpx.Client(base_url=service.url) as client:
        found = {
            name: client.get(
                path + sha, headers={"Authorization": f"Bearer {token(tmp_path, name, *scopes)}"}
            )
            for name, sha, scopes in (
                ("answerer", digest, ("read", "answer")),
                ("reader", digest, ("read",)),
                ("starter", digest, ("start",)),
                ("operator", "0" * 64, ("read", "operate")),
            )
        }
        page = client.get(f"/requests/{request_id}/files/{digest}")
    assert {name: one.status_code for name, one in found.items()} == {
        "answerer": 200, "reader": 404, "starter": 403, "operator": 404,
    }  # fmt: skip
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    given = found["answerer"]
    assert given.content == REPORT
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"] == "attachment; filename*=UTF-8''report.html"
    assert given.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert given.headers["x-content-type-options"] == "nosniff"


def test_what_must_be_read_first_is_approved_on_its_own_page(
    service: ServiceProcess, browser: Browser, tmp_path: Path
) -> None:
    with Visit.sign_in(browser, service.url, tmp_path, "olga") as olga:
        olga.start("rich", '{"read_all": true}')
        card = olga.card("Release 4.2.0 to production?")
        expect(card.get_by_role("button", name="Reject")).to_be_visible()
        expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        card.get_by_role("link", name="Open the full request").click()
        expect(card.get_by_text("line 59")).to_be_visible()
        olga.check_accessibility()
        card.get_by_role("button", name="Approve").click()
        expect(card.get_by_role("status")).to_contain_text("Approved.")


def test_a_program_approves_what_it_has_fetched(service: ServiceProcess, tmp_path: Path) -> None:
    sayso(tmp_path, "start", "rich", '{"to": ["token:answerer"], "read_all": true}')
    path = f"/api/v1/requests/{open_request(tmp_path)}"
    key = {"Authorization": f"Bearer {token(tmp_path, 'answerer', 'read', 'answer')}"}
    with httpx.Client(base_url=service.url, headers=key) as client:
        body = {"revision": 1, "value": "approve"}
        assert client.post(f"{path}/answers", json=body).status_code == 422
        assert client.get(path).status_code == 200
        assert client.post(f"{path}/answers", json=body).json()["outcome"] == "resolved"
