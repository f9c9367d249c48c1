"""kill -9 in the middle of a burst of answers: what was acknowledged counts, everything counts once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections import Counter
from pathlib import Path

from sayso.bots.client import ServiceClient, ServiceUnclear
from sayso.engine import Outcome, OutcomeKind, SQLiteReader
from tests.bots.api.served import ServiceProcess, token, write

BURST = 200


def test_a_burst_of_answers_survives_a_kill(tmp_path: Path, unused_tcp_port: int) -> None:
    """By a client that repeats what it did not hear under the same key, while the service is killed twice."""
    write(tmp_path, port=unused_tcp_port)
    heard = threading.Semaphore(0)
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(ServiceProcess(tmp_path))
        secret = token(tmp_path, "operator", "operate", "read", "answer")
        with ServiceClient.connect(service.url, token(tmp_path, "ci")) as client:
            runs = [client.start("release") for _ in range(BURST)]
            for run_id in runs:
                client.wait(run_id, 20, until="rests")
            requests = [one["id"] for one in client.pending()]
        assert len(requests) == BURST

        def answer(request_id: str) -> Outcome:
            with ServiceClient.connect(f"http://127.0.0.1:{unused_tcp_port}", secret) as client:
                while True:
                    try:
                        outcome = client.answer(request_id, 1, "approve", event_key=f"burst {request_id}")
                    except ServiceUnclear:
                        continue
                    heard.release()
                    return outcome

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = [pool.submit(answer, one) for one in requests]
            for kill_after in (40, 60):
                for _ in range(kill_after):
                    heard.acquire()
                service.kill()
                service = stack.enter_context(ServiceProcess(tmp_path))
            outcomes = Counter(one.result().kind for one in answers)
        with ServiceClient.connect(service.url, secret) as client:
            assert [client.wait(run_id, 30)["status"] for run_id in runs] == ["COMPLETED"] * BURST
    assert outcomes == {OutcomeKind.RESOLVED: BURST}
    accepted = asyncio.run(accepted_by_request(tmp_path / "sayso.db"))
    assert accepted == dict.fromkeys(requests, 1)


async def accepted_by_request(database: Path) -> dict[str, int]:
    async with SQLiteReader(database) as reader:
        return Counter([str(row.request_id) async for row in reader.audit() if row.kind == "answer_accepted"])
