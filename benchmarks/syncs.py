"""How many commits and fdatasync calls stand behind the answers that were acknowledged, counted by strace."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from benchmarks.throughput import acknowledged
from benchmarks.workload import make_parked
from sayso.engine import SQLiteStore
from sayso.engine.store._transaction import Transaction


async def counted(path: Path, count: int) -> dict[str, int]:
    """Answers acknowledged and the COMMITs that SQLite was given for them."""
    pairs = await make_parked(path, count)
    commits = 0

    def trace(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    def watch(transaction: Transaction) -> None:
        assert isinstance(transaction.connection, sqlite3.Connection)
        transaction.connection.set_trace_callback(trace)

    async with SQLiteStore(path) as store:
        await store._opened().submit(watch)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the live connection
        print("counting", flush=True, file=sys.stderr)
        await acknowledged(path, pairs)
    return {"answers": len(pairs), "commits": commits}


def measure(folder: Path, count: int) -> dict[str, int] | None:
    """Answers, commits and fdatasync calls; None where strace is missing."""
    if shutil.which("strace") is None:
        return None
    log = folder / "strace.log"
    trace = ["strace", "-f", "-qq", "-e", "trace=fdatasync,write", "-e", "signal=none", "-o", str(log)]
    command = [*trace, sys.executable, "-m", "benchmarks.syncs", str(folder / "syncs.db"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    begin = next(number for number, line in enumerate(lines) if '"counting' in line)
    syncs = sum(1 for line in lines[begin:] if re.search(r"\bfdatasync\(", line))
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "fdatasync": syncs}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(counted(Path(sys.argv[1]), int(sys.argv[2])))))
