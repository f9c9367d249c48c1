"""Every block of code in the documents does what the document says."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from sayso.config import FILE_NAME, load_settings
from tests.client.node import SOURCE, link_package, node
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, blocks, tokens
from tests.docs.stories import FOLLOWED, ON_A_SERVER, Story, commands, promised_output, run_script

EXAMPLES = [block for block in all_blocks("python") if block.title.startswith("examples/")]
"""They are run where what they import is installed: tests/bridges."""

PYTHON = [block for block in all_blocks("python") if block not in EXAMPLES]
TOML = all_blocks("toml")
STORIES = [page for page in PAGES if blocks(page, "console") and page.name not in {*FOLLOWED, ON_A_SERVER}]
TYPESCRIPT = all_blocks("typescript")
KNOWN = {"python", "console", "toml", "mermaid", "typescript", "yaml"}


def _page_name(page: Path) -> str:
    return page.name


def _block_name(block: Block) -> str:
    return block.name


@pytest.mark.parametrize("page", PAGES, ids=_page_name)
def test_a_block_says_what_it_is_so_that_it_is_run(page: Path) -> None:
    """A block in another language, or an indented one, would stand there unchecked."""
    assert [block.name for block in blocks(page) if block.language not in KNOWN] == []
    assert [token.content for token in tokens(page) if token.type == "code_block"] == []


@pytest.mark.parametrize("block", EXAMPLES, ids=_block_name)
def test_an_example_stands_in_a_page_as_it_is(block: Block) -> None:
    assert block.text == (ROOT / block.title).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("block", PYTHON, ids=_block_name)
def test_a_python_block_runs_as_it_stands(block: Block, tmp_path: Path) -> None:
    """Somebody will copy it: it is complete, warns of nothing, and prints what its `# ->` comments say."""
    done = run_script(block, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines() == promised_output(block)


@pytest.mark.slow
@pytest.mark.parametrize("block", TYPESCRIPT, ids=_block_name)
def test_a_typescript_block_runs_as_it_stands(block: Block, tmp_path: Path) -> None:
    """Its imports exist; the tests marked `more` check its types against the published package."""
    link_package(tmp_path)
    (tmp_path / "example.mts").write_text(block.text, encoding="utf-8")
    done = node(tmp_path, SOURCE, "example.mts")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", STORIES, ids=_page_name)
def test_the_commands_of_a_page_do_what_it_shows(page: Path, tmp_path: Path) -> None:
    assert Story(page, tmp_path).play() > 0


def test_a_story_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    """The checker must not pass everything."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\ntwo\n```\n")
    block = Block(page, 1, "console", "", "$ echo one\ntwo\n")
    assert [command.line for command in commands(block)] == ["echo one"]
    story = Story(page, tmp_path)
    with pytest.raises(AssertionError, match="shows something else"):
        story.run(commands(block)[0])
    failing = Block(page, 1, "console", "", "$ false\n")
    with pytest.raises(AssertionError, match="ended with 1"):
        story.run(commands(failing)[0])


@pytest.mark.parametrize("block", TOML, ids=_block_name)
def test_a_settings_block_can_be_used(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SAYSO_")]:
        monkeypatch.delenv(name)
    (tmp_path / FILE_NAME).write_text(block.text, encoding="utf-8")
    settings = load_settings(tmp_path).model_dump(mode="json", exclude_unset=True, exclude_none=True)
    written = tomllib.loads(block.text)
    assert {key: settings[key] for key in written} == written
