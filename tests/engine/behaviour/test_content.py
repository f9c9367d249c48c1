"""What an author puts on a card beside plain values: what is taken, how it is stored, and what a replay makes of it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    AttentionKind,
    Code,
    Decision,
    Diff,
    File,
    Image,
    InvalidRequest,
    Link,
    Markdown,
    Node,
    Outcome,
    OutcomeKind,
    Question,
    Runtime,
    SQLiteStore,
    Store,
    StoredFile,
    StoredImage,
    Table,
    Workflow,
    WorkflowStatus,
    node,
    request_approval,
    request_input,
    verify_audit,
)
from sayso.engine._questions import build_question, question_digest, question_from_text
from tests.engine.older_file import rewrite_as_before
from tests.engine.support import ANA, BO, ManualClock, say, waiting

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
NESTED: Any = ["nested"]
HASH = hashlib.sha256(PNG).hexdigest()


def question(details: object) -> Question:
    return build_question("Release?", None, "confirm", None, details)


def asking_with(details: Any) -> Node:
    """A node that asks with these details; made anew at each run where they are a function."""

    @node(id="work")
    async def work(shared: dict[str, Any]) -> None:
        shown = details() if callable(details) else details
        shared["answer"] = await request_input(
            "Release?", input_type="confirm", request_id="go", details=shown
        )

    return work


def deploy(store: Store, start: Node) -> Runtime:
    return Runtime(store, [Workflow("flow", start)])


def test_plain_details_keep_the_text_and_the_digest_that_they_always_had() -> None:
    asked = question({"Change": "14 commits", "link": {"type": "link", "url": "https://example.org"}})
    assert asked.text() == (
        '{"v":1,"prompt":"Release?","options":null,"input_type":"confirm","schema":null,'
        '"details":{"Change":"14 commits","link":{"type":"link","url":"https://example.org"}}}'
    )
    assert asked.contents == {}
    assert question_digest(asked.text()) == "75ba88a7d38f58ef3c4f54f7fc4bf4267b28169944c44ebc99f59c7bfa681669"


def test_what_is_rich_is_named_in_the_text_and_comes_back_as_it_was() -> None:
    details = {
        "Risk": "high",
        "Review": Link("Changes", "https://github.example.org/pull/1"),
        "Run": Code("rm -rf /var/lib/data", "bash"),
        "Change": Diff("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"),
        "Costs": Table(["what", "how much"], [["disk", 4], ["network", None]]),
        "Notes": Markdown("**Bold** and [a link](https://example.org)"),
        "Graph": Image(PNG, "errors over time"),
        "Report": File(b"a,b\n1,2\n", "report.csv"),
    }
    asked = question(details)
    stored = json.loads(asked.text())
    assert stored["v"] == 2
    assert stored["rich"] == ["Review", "Run", "Change", "Costs", "Notes", "Graph", "Report"]
    assert list(stored["details"]) == list(details)
    assert stored["details"]["Graph"] == {
        "type": "image",
        "alt": "errors over time",
        "name": "image.png",
        "media_type": "image/png",
        "size": len(PNG),
        "sha256": HASH,
    }
    again = question_from_text(asked.text())
    assert again.text() == asked.text()
    assert again.contents["Costs"] == Table(["what", "how much"], [["disk", 4], ["network", None]])
    assert again.contents["Graph"] == StoredImage(
        "errors over time", "image.png", "image/png", len(PNG), HASH
    )
    report = again.contents["Report"]
    assert isinstance(report, StoredFile)
    assert (report.name, report.media_type, report.size) == ("report.csv", "text/csv", 8)
    assert [sha for sha, _ in asked.files] == [HASH, report.sha256]


def test_a_plain_value_cannot_pass_for_a_rich_one() -> None:
    passing = {"type": "diff", "text": "x"}
    asked = question({"Real": Diff("x"), "Fake": passing})
    assert list(asked.contents) == ["Real"]
    assert asked.details == {"Real": passing, "Fake": passing}
    assert question_digest(asked.text()) != question_digest(
        question({"Real": Diff("x"), "Fake": Diff("x")}).text()
    )


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"a": Link("x", "http://example.org")}, "not an https address"),
        ({"a": Link("x", "javascript:alert(1)")}, "not an https address"),
        ({"a": Link("x", "https://user:secret@example.org")}, "not an https address"),
        ({"a": Link("x", "https://exa\u202emple.org")}, "not an https address"),
        ({"a": Link("x", "https://example.org/a b")}, "not an https address"),
        ({"a": Link("x", "https://example.org:port/")}, "not an https address"),
        ({"a": Link("x", "https://" + "a" * 2000)}, "not an https address"),
        ({"a": Link(" ", "https://example.org")}, "not blank"),
        ({"a": Code("", "python")}, "not blank"),
        ({"a": Diff("  \n")}, "not blank"),
        ({"a": Table([], [])}, "1 to 20 columns"),
        ({"a": Table(["x"], [["1", "2"]])}, "2 cells under 1 column"),
        ({"a": Table(["x"], [[NESTED]])}, "not a plain value"),
        ({"a": Image(b"<svg onload=alert(1)/>", "a picture")}, "PNG, JPEG, GIF or WebP"),
        ({"a": Image(PNG, "")}, "not blank"),
        ({"a": File(b"x")}, "name"),
        ({"a": File(b"x", "../../etc/passwd")}, "plain name"),
        ({"a": File(b"x", "invoice\u202efdp.exe")}, "plain name"),
        ({"a": File(b"", "x.txt")}, "empty"),
        ({"a": File(b"x" * 8_000_001, "x.txt")}, "8,000,000 bytes"),
        ({str(n): File(bytes([n]) * 7_000_000, "x.txt") for n in range(3)}, "20,000,000 bytes"),
    ],
)
def test_what_cannot_be_shown_is_refused_where_it_is_asked(details: object, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        question(details)


def test_a_rich_value_stands_directly_under_its_name() -> None:
    for nested in ([Diff("x")], {"a": [Diff("x")]}, Diff("x")):
        with pytest.raises(Exception, match="Diff"):
            question(nested)


def test_the_host_of_a_link_is_shown_in_ascii() -> None:
    assert (
        Link("Log in", "https://g\u0456thub.com:8443/login").host == "xn--gthub-n2e.com:8443"
    )  # a Cyrillic i


async def test_the_bytes_are_stored_when_it_is_asked_and_read_for_that_request_alone(
    store: Store,
) -> None:
    async with deploy(store, asking_with({"Graph": Image(PNG, "a graph")})) as runtime:
        state = await runtime.wait(await runtime.start("flow", run_id="run"))
        shown = waiting(state, "go")
        assert await store.reader.file(shown["id"], HASH) == PNG
        assert await store.reader.file(shown["id"], "0" * 64) is None
        assert await store.reader.file("somebody else's", HASH) is None
        assert shown["rich"] == ["Graph"]


async def test_a_file_goes_with_the_last_request_that_shows_it(store: Store) -> None:
    async with deploy(store, asking_with({"Graph": Image(PNG, "a graph")})) as runtime:
        asked: dict[str, dict[str, Any]] = {}
        for run_id in ("first", "second"):
            asked[run_id] = waiting(await runtime.wait(await runtime.start("flow", run_id=run_id)), "go")
        await say(runtime, asked["first"], value=True)
        await runtime.wait("first")
        await store.prune(store.clock.now() + timedelta(days=1), ANA, "console")
        assert await store.reader.file(asked["first"]["id"], HASH) is None
        assert await store.reader.file(asked["second"]["id"], HASH) == PNG
        await say(runtime, asked["second"], value=True)
        await runtime.wait("second")
        await store.redact("second", ANA, "console")
        assert await store.reader.file(asked["second"]["id"], HASH) is None


async def test_a_file_that_cannot_be_read_when_it_is_asked_fails_the_run_by_its_name(
    store: Store, tmp_path: Path
) -> None:
    async with deploy(store, asking_with({"Report": File(tmp_path / "gone.pdf")})) as runtime:
        state = await runtime.wait(await runtime.start("flow", run_id="run"))
    assert state.workflow_status is WorkflowStatus.FAILED
    assert "gone.pdf cannot be read: No such file or directory" in str(state.error)


async def test_a_file_that_is_gone_at_the_replay_holds_the_run_until_it_is_back(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    work = asking_with(lambda: {"Report": File(path)})
    async with deploy(store, work) as runtime:
        shown = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "go")
    path.unlink()
    async with deploy(store, work) as runtime:
        await say(runtime, shown, value=True)
        state = await runtime.wait("run")
        assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert state.attention is not None
        assert state.attention.kind is AttentionKind.FILE_UNREADABLE
        assert "report.pdf cannot be read" in state.attention.reason
        path.write_bytes(b"%PDF")
        await store.attend("run", "again", None, ANA, "console")
    async with deploy(store, work) as runtime:
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.COMPLETED
    assert state.shared["answer"] is True


async def test_a_file_that_changed_since_it_was_approved_holds_the_run(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF one")
    work = asking_with(lambda: {"Report": File(path)})
    async with deploy(store, work) as runtime:
        shown = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "go")
    path.write_bytes(b"%PDF two")
    async with deploy(store, work) as runtime:
        await say(runtime, shown, value=True)
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert state.attention.kind is AttentionKind.QUESTION_CHANGED


async def test_an_approval_is_verified_against_the_files_that_people_saw(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "plan.txt"
    path.write_text("drop nothing")

    @node(id="work")
    async def work(shared: dict[str, Any]) -> None:
        decision: Decision = await request_approval("Run the plan?", {"Plan": File(path)}, request_id="go")
        decision.verify("Run the plan?", {"Plan": File(path)})
        path.write_text("drop everything")
        try:
            decision.verify("Run the plan?", {"Plan": File(path)})
        except Exception as error:  # noqa: BLE001 - what it says is compared
            shared["said"] = str(error)

    async with deploy(store, work) as runtime:
        shown = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "go")
        await say(runtime, shown, "approve")
        state = await runtime.wait("run")
    assert "people approved something else" in state.shared["said"]


async def test_a_database_from_before_files_opens_and_takes_them(database: Path, clock: ManualClock) -> None:
    work = asking_with({"Graph": Image(PNG, "a graph")})
    async with (
        SQLiteStore(database, clock=clock) as store,
        deploy(store, asking_with({"Risk": "high"})) as runtime,
    ):
        before = waiting(await runtime.wait(await runtime.start("flow", run_id="before")), "go")
    rewrite_as_before(database, "CREATE TABLE files")
    async with SQLiteStore(database, clock=clock) as store, deploy(store, work) as runtime:
        assert await store.reader.request(before["id"]) is not None
        after = waiting(await runtime.wait(await runtime.start("flow", run_id="after")), "go")
        assert await store.reader.file(after["id"], HASH) == PNG
        assert (await verify_audit(store.reader)).problems == ()


@node(id="work")
async def read_first(shared: dict[str, Any]) -> None:
    decision = await request_approval("Delete it?", {"Why": "old"}, request_id="go", to=[ANA], read_all=True)
    decision.verify("Delete it?", {"Why": "old"})
    shared["approved"] = decision.approved


async def answer(runtime: Runtime, asked: dict[str, Any], value: str) -> Outcome:
    return await runtime.answer(asked["id"], asked["revision"], value, person=ANA, via="local")


async def test_an_approval_counts_from_who_opened_all_of_it_alone(store: Store) -> None:
    async with deploy(store, read_first) as runtime:
        asked = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "go")
        refused = await answer(runtime, asked, "approve")
        assert refused.kind is OutcomeKind.INVALID
        assert "Open the full request" in refused.reason
        await runtime.opened(asked["id"], asked["revision"], person=BO, via="local")
        await runtime.opened(asked["id"], asked["revision"] + 1, person=ANA, via="local")
        assert (await answer(runtime, asked, "approve")).kind is OutcomeKind.INVALID
        for _ in range(2):
            await runtime.opened(asked["id"], asked["revision"], person=ANA, via="local")
        assert (await answer(runtime, asked, "approve")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait("run")).shared == {"approved": True}
    opened = [row async for row in store.reader.audit() if row.kind == "opened"]
    assert [row.person for row in opened] == [BO, ANA]
    assert (await verify_audit(store.reader)).problems == ()


async def test_a_rejection_needs_no_reading(store: Store) -> None:
    async with deploy(store, read_first) as runtime:
        asked = waiting(await runtime.wait(await runtime.start("flow", run_id="run")), "go")
        assert (await answer(runtime, asked, "reject")).kind is OutcomeKind.RESOLVED
