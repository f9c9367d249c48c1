"""Running what a page shows: its console blocks as one story, in one fresh directory with the page's named files.

Shown output is compared where there is some. `...` stands for anything, runs of blanks are one, and an id in
hexadecimal stands for the one that this machine made: the page's id is replaced by it in later commands.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bots.service_process import ServiceProcess
from tests.docs.pages import ROOT, Block, blocks

ELSEWHERE = frozenset(
    {"make demo", "make test", "make test-more", "make bench", "make check", "sayso dev release:workflow"}
)
"""Commands that the suite or the build runs by itself."""

FOLLOWED = frozenset({"set-up-slack.md", "set-up-telegram.md"})
"""Pages whose commands need people in a chat: test_set_up.py follows them."""

ON_A_SERVER = "postgresql.md"
"""The page whose commands need a server: test_postgresql_page.py follows it."""

SERVED = "sayso serve &"
"""The command with which a page's service begins; here it runs until the story ends."""

_ID = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}\b")
_TIME_LIMIT = 100


def environment() -> dict[str, str]:
    """This process's environment, with the interpreter's programs first and no settings of sayso's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    programs = Path(sys.executable).parent
    pigeon = str(ROOT / "tests" / "pigeon" / "package")  # docs/how-to/add-a-platform.md, module by module
    return kept | {
        "PYTHONPATH": pigeon,
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
        "TERM": "dumb",
        "TZ": "UTC",
    }


def run_script(block: Block, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python block as a script in a directory of its own."""
    script = directory / (block.title or "example.py")
    script.write_text(block.text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT,
        check=False,
    )


def promised_output(block: Block) -> list[str]:
    """What the block says that it prints: its `# -> ` comments."""
    return re.findall(r"# -> ?(.*)$", block.text, flags=re.MULTILINE)


@dataclass
class Command:
    """A line that begins with `$ `, and the output shown below it."""

    block: Block
    line: str
    shown: list[str] = field(default_factory=list[str])


def commands(block: Block) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash goes on in the next."""
    found: list[Command] = []
    for line in block.text.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append(Command(block, line[2:]))
        else:
            assert found, f"{block.name} begins with output, not with a command"
            found[-1].shown.append(line)
    return found


class Story:
    """A page's commands, run in their order."""

    def __init__(self, page: Path, directory: Path) -> None:
        self._page = page
        self._directory = directory
        self._ids: dict[str, str] = {}
        self._code = 0

    def play(self) -> int:
        """Run all commands; the number of them."""
        for block in (*blocks(self._page, "python"), *blocks(self._page, "toml")):
            if block.title:
                (self._directory / block.title).write_text(block.text, encoding="utf-8")
        told = [command for block in blocks(self._page, "console") for command in commands(block)]
        with ExitStack() as running:
            for command, following in zip(told, [*told[1:], None], strict=True):
                if command.line == SERVED:
                    running.enter_context(ServiceProcess(self._directory, SAYSO_HTTP__PORT="0"))
                elif command.line not in ELSEWHERE:
                    self.run(command, following)
        return len(told)

    def run(self, command: Command, following: Command | None = None) -> None:
        """Run a command and compare what it prints; a failure must be shown by `echo $?` in the next command."""
        line = _ID.sub(lambda found: self._ids.get(found[0], found[0]), command.line)
        done = subprocess.run(
            ["bash", "-c", f"(exit {self._code}); {line}"],
            cwd=self._directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIME_LIMIT,
            check=False,
        )
        self._code = done.returncode
        where = f"{command.block.name}: $ {line}\n{done.stdout}"
        told = following is not None and following.line == "echo $?"
        assert self._code == 0 or told, f"ended with {self._code}, which the page does not say\n{where}"
        assert "Traceback" not in done.stdout, where
        if any(shown.strip() for shown in command.shown):
            self._compare("\n".join(command.shown), done.stdout, where)

    def _compare(self, shown: str, printed: str, where: str) -> None:
        groups: list[str] = []
        pattern = re.compile(self._pattern(_squeeze(shown), groups), flags=re.DOTALL)
        match = pattern.fullmatch(_squeeze(printed))
        assert match is not None, f"the page shows something else:\n{shown}\n--- printed by\n{where}"
        self._ids.update(zip(groups, match.groups(), strict=True))

    def _pattern(self, shown: str, groups: list[str]) -> str:
        """The shown text as an expression; ids that are not known yet become groups."""
        parts: list[str] = []
        for part in re.split(r"(\.\.\.|\b[0-9a-f]{8,64}\b)", shown):
            if part == "...":
                parts.append(".*")
            elif _ID.fullmatch(part) and part not in self._ids and part not in groups:
                groups.append(part)
                parts.append(f"([0-9a-f]{{{len(part)}}})")
            elif part in groups:
                parts.append(f"\\{groups.index(part) + 1}")
            else:
                parts.append(re.escape(self._ids.get(part, part)))
        return "".join(parts)


def _squeeze(text: str) -> str:
    """Runs of blanks as one, rules of any width alike."""
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines()]
    return re.sub(r"─+", "─", "\n".join(lines))
