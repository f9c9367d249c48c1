"""All benchmarks in one command: a table against the floors, and the same as JSON.

    python benchmarks/run.py [--quick] [--json FILE]

F is one one-row UPDATE a commit, S the store's own answer transaction one a commit, both on plain synchronous SQLite
with the same pragmas, in the same run. `--quick` takes small numbers: a look at the shape, not at the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import latency, scale, syncs, throughput


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, as a ratio or with a unit, and what it must and should reach."""

    name: str
    value: float
    unit: str
    must: float
    aim: float
    at_least: bool

    @property
    def verdict(self) -> str:
        reached: Callable[[float], bool] = (
            (lambda limit: self.value >= limit) if self.at_least else (lambda limit: self.value <= limit)
        )
        return "aim" if reached(self.aim) else "must" if reached(self.must) else "MISSED"


def rows(figures: dict[str, Any]) -> list[Row]:
    """The table of the figures."""
    rate, late, size = figures["throughput"], figures["latency"], figures["scale"]
    s = rate["S"]
    few, many = str(size["few"]), str(size["many"])
    return [
        Row("S, the store's answer transaction", rate["S"] / rate["F"], "F", 0.5, 0.7, at_least=True),
        Row("answers acknowledged, 64 callers", rate["acknowledged"] / s, "S", 1.5, 2.5, at_least=True),
        Row("answered to completed, resident", rate["resident"] / s, "S", 1.2, 2, at_least=True),
        Row("answered to completed, cold", rate["cold"] / s, "S", 1, 1.5, at_least=True),
        Row("started to parked", rate["started"] / s, "S", 1.4, 2, at_least=True),
        Row("p50, one at a time", late["p50"] / late["floor_p50"], "x", 3, 2, at_least=False),
        Row("p99, one at a time", late["p99"] / late["floor_p99"], "x", 4, 3, at_least=False),
        Row(
            f"open to first completed, {many} parked against {few}",
            size["opening"][many] / size["opening"][few],
            "x",
            1.2,
            1.1,
            at_least=False,
        ),
        Row(f"memory growth, {few} to {many} parked", size["growth"] / 1e6, "MB", 3, 1, at_least=False),
        Row("memory of a resident parked run", size["per_resident"] / 1e3, "KB", 8, 6, at_least=False),
        Row(f"idle CPU, {many} parked", size["idle"] * 100, "%", 1, 0.3, at_least=False),
    ]


def table(figures: dict[str, Any]) -> str:
    """The table in Markdown, with what stands behind it."""
    lines = ["| | measured | must | aim | |", "|---|---|---|---|---|"]
    for row in rows(figures):
        bound = "≥" if row.at_least else "≤"
        lines.append(
            f"| {row.name} | {row.value:.2f} {row.unit} | {bound} {row.must:g} | {bound} {row.aim:g} | {row.verdict} |"
        )
    rate, late, sync = figures["throughput"], figures["latency"], figures["syncs"]
    rates = (
        f"F {rate['F']:,.0f} and S {rate['S']:,.0f} a second; acknowledged {rate['acknowledged']:,.0f}, "
        f"completed {rate['resident']:,.0f} resident and {rate['cold']:,.0f} cold, "
        f"started {rate['started']:,.0f} a second; p50 {late['p50'] * 1e3:.2f} ms, p99 {late['p99'] * 1e3:.2f} ms."
    )
    lines += ["", rates]
    if sync is None:
        lines.append("fdatasync calls were not counted: strace is missing.")
    else:
        behind = f"{sync['commits']:,} commits and {sync['fdatasync']:,} fdatasync calls"
        lines.append(f"{sync['answers']:,} answers from 64 callers took {behind} (counted by strace).")
    return "\n".join(lines)


def measure(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Everything, one after the other."""
    runs, rounds = (200, 1) if quick else (2000, 5)
    figures: dict[str, Any] = {
        "machine": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
        "throughput": throughput.measure(folder, runs, rounds),
        "latency": asyncio.run(latency.measure(folder, 200 if quick else 1000)),
        "syncs": syncs.measure(folder, runs),
    }
    few, many, repeats = (200, 1000, 3) if quick else (1000, 100_000, 15)
    figures["scale"] = scale.measure(folder, few, many, repeats)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, in about a minute")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    logging.getLogger("sayso").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        figures = measure(Path(folder), quick=arguments.quick)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    print(table(figures))


if __name__ == "__main__":
    main()
