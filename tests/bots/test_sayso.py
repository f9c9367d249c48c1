"""The service as an object in a program of one's own: what can be left out, what it says of itself, how it ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sayso.bots.service import Hosted, NotServing, Sayso
from sayso.bots.slack import SLACK, SlackSettings
from sayso.config import HttpSettings, InvalidSettings, Settings
from sayso.engine import InvalidWorkflow, Workflow, WorkflowStatus, local_person, node, request_input
from tests.bots.chat_service import workflow
from tests.bots.command import sayso as command


@node
async def cancel_everything(_: dict[str, Any]) -> None:
    await request_input("Now?", input_type="confirm", request_id="now", to=[local_person()])
    for task in asyncio.all_tasks():
        task.cancel()


ending = Workflow("ending", start=cancel_everything)


def settings_in(folder: Path) -> Settings:
    return Settings(database=str(folder / "sayso.db"), http=HttpSettings(port=0))


async def asked(sayso: Sayso) -> str:
    """A run that waits for this process's user."""
    question = {
        "prompt": "Release?",
        "options": ["yes", "no"],
        "input_type": "select",
        "to": [local_person()],
    }
    run_id = await sayso.runtime.start("flow", {"ask": question})
    assert (await sayso.runtime.wait(run_id)).workflow_status is WorkflowStatus.WAITING_FOR_INPUT
    return run_id


async def answered(sayso: Sayso, run_id: str) -> object:
    """What the run goes on with, once this process's user has said yes."""
    [request] = await sayso.runtime.pending(run_id)
    await sayso.runtime.answer(request.id, request.revision, "yes", person=local_person(), via="shop")
    return (await sayso.runtime.wait(run_id)).shared["answer"]


async def test_http_and_the_control_socket_can_be_left_out(tmp_path: Path) -> None:
    async with Sayso(settings_in(tmp_path), workflows=[workflow], http=False, control=False) as sayso:
        assert sayso.problems == {}
        with pytest.raises(NotServing, match="HTTP"):
            _ = sayso.url
        with pytest.raises(NotServing, match="HTTP"):
            await sayso.make_link()
        with pytest.raises(NotServing, match="control socket"):
            _ = sayso.socket
        assert not (tmp_path / "sayso.db.sock").exists()
        assert await answered(sayso, await asked(sayso)) == "yes"


async def test_code_that_computes_gives_way_to_acknowledgements_sooner(tmp_path: Path) -> None:
    """An acknowledgement changes threads several times, and each time waits as long as that for code that computes."""
    before = sys.getswitchinterval()
    async with Sayso(settings_in(tmp_path), workflows=[workflow], http=False, control=False):
        assert sys.getswitchinterval() == pytest.approx(0.0005)
    assert sys.getswitchinterval() == pytest.approx(before)


async def test_services_of_one_process_leave_it_as_they_found_it_in_whatever_order(tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first, second = (
        Sayso(settings_in(folder), workflows=[workflow], http=False, control=False) for folder in folders
    )
    await first.__aenter__()
    await second.__aenter__()
    await first.__aexit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    await second.__aexit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(before)


async def test_a_platform_whose_webhook_nobody_would_serve_is_refused(tmp_path: Path) -> None:
    """Every press would be lost, and nobody would know why."""
    slack = SlackSettings(mode="http", bot_token=SecretStr("xoxb-1"), signing_secret=SecretStr("secret"))
    settings = Settings(database=str(tmp_path / "sayso.db"), slack=slack)
    with pytest.raises(InvalidSettings, match=r"slack\.mode.*receives requests over HTTP"):
        await Sayso(settings, http=False).__aenter__()


async def test_a_platform_that_the_settings_do_not_set_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="invalid settings: SlackSettings is missing"):
        await Sayso(settings_in(tmp_path), platforms=[SLACK]).__aenter__()


async def test_without_http_the_command_line_says_that_there_is_no_inbox(tmp_path: Path) -> None:
    async with Sayso(settings_in(tmp_path), workflows=[workflow], http=False) as sayso:
        told = await asyncio.to_thread(command, tmp_path, "sign-in", "ana", "--database", "sayso.db")
        assert sayso.socket == str(tmp_path / "sayso.db.sock")
    assert told.code == 1
    assert "This service has no web inbox" in told.err


async def test_a_sign_in_link_for_none_of_the_listed_people_comes_with_a_note(tmp_path: Path) -> None:
    """A mistyped name would get a link, and its answers would count for nobody."""
    (tmp_path / "sayso.toml").write_text('[people.ana]\naccounts = ["web:ana"]\n')
    async with Sayso(settings_in(tmp_path), workflows=[workflow]):
        given = ("--database", "sayso.db")
        listed = await asyncio.to_thread(command, tmp_path, "sign-in", "ana", *given)
        mistyped = await asyncio.to_thread(command, tmp_path, "sign-in", "anna", *given)
    assert (listed.code, listed.err) == (0, "")
    assert "Sign-in link for web:anna." in mistyped.out
    assert "web:anna is not an account of anyone under [people] in sayso.toml" in mistyped.err


async def test_it_says_of_itself_whether_it_runs_and_goes_on_when_it_is_entered_again(tmp_path: Path) -> None:
    sayso = Sayso(settings_in(tmp_path), workflows=[Hosted(workflow)])
    assert sayso.problems == {"service": "it is not running"}
    with pytest.raises(NotServing):
        _ = sayso.runtime
    async with sayso:
        run_id = await asked(sayso)
        async with httpx.AsyncClient(base_url=sayso.url) as client:
            assert (await client.get("/readyz")).json() == {"ready": True, "problems": sayso.problems}
    assert sayso.problems == {"service": "it is not running"}
    async with sayso:
        assert await answered(sayso, run_id) == "yes"


def test_a_name_means_one_workflow(tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkflow, match="two workflows are named 'flow'"):
        Sayso(settings_in(tmp_path), workflows=[workflow, Hosted(workflow)])


async def test_an_address_that_is_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    async with Sayso(settings_in(tmp_path)) as first:
        port = int(first.url.rpartition(":")[2])
        (tmp_path / "second").mkdir()
        settings = settings_in(tmp_path / "second").model_copy(update={"http": HttpSettings(port=port)})
        second = Sayso(settings, workflows=[workflow])
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
        assert second.problems == {"service": "it is not running"}
    async with second:
        assert await answered(second, await asked(second)) == "yes"


async def test_a_loop_of_workflows_that_ends_ends_the_inside_and_says_so(tmp_path: Path) -> None:
    """Whoever embeds it must not go on as if it served."""
    sayso = Sayso(settings_in(tmp_path), workflows=[ending], http=False)

    async def serve() -> None:
        async with sayso:
            run_id = await sayso.runtime.start("ending")
            await sayso.runtime.wait(run_id)
            [now] = await sayso.runtime.pending(run_id)
            await sayso.runtime.answer(now.id, now.revision, value=True, person=local_person(), via="shop")
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await serve()
    assert "WorkflowsEnded" in repr(raised.value.exceptions)
    assert sayso.problems == {"service": "it is not running"}


@pytest.mark.parametrize("module", ["sayso.bots.cli", "sayso.bots.chats", "sayso.bots.client"])
async def test_the_command_line_loads_no_server_and_no_chat_library(module: str) -> None:
    """`sayso --help` need not wait for them, and works where they are not installed."""
    heavy = "{'fastapi', 'httpx', 'slack_sdk', 'slack_bolt', 'telegram', 'uvicorn', 'aiohttp', 'structlog'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert told.decode().strip() == "[]"
