"""A Temporal workflow that waits for people: an activity asks and waits, and another uses the approval and runs."""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from sayso.client import AsyncClient, Question


@activity.defn
async def approval(version: str) -> str:
    """Ask once per workflow, however often this is tried again; the request's id once people have decided."""
    async with AsyncClient() as client:
        key = f"temporal:{activity.info().workflow_id}"
        request = await client.ask(Question(prompt=f"Deploy {version}?"), key=key)
        while request.is_open:
            activity.heartbeat()
            request = await client.wait(request.id, timeout=10)
        return request.id


@activity.defn
async def deploy(request: str, version: str) -> str:
    async with AsyncClient() as client:
        await client.consume(request, key=f"deploy {version}")  # raises without a yes, and at the second time
    return f"{version} is deployed"


@workflow.defn
class Release:
    @workflow.run
    async def run(self, version: str) -> str:
        request = await workflow.execute_activity(
            approval,
            version,
            start_to_close_timeout=timedelta(days=7),
            heartbeat_timeout=timedelta(seconds=30),
        )
        return await workflow.execute_activity(
            deploy,
            args=[request, version],
            start_to_close_timeout=timedelta(minutes=10),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


async def main(address: str, version: str) -> None:
    client = await Client.connect(address)
    async with Worker(client, task_queue="releases", workflows=[Release], activities=[approval, deploy]):
        result = await client.execute_workflow(
            Release.run,
            version,
            id=f"release-{version}",
            task_queue="releases",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        print(result)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
