"""A DBOS workflow that waits for people: one step asks, one waits, and one uses the approval and runs."""

import sys

from dbos import DBOS, SetWorkflowID

from sayso.client import Client, Question


@DBOS.step()
def ask(version: str) -> str:
    with Client() as client:
        return client.ask(Question(prompt=f"Deploy {version}?"), key=f"dbos:{DBOS.workflow_id}").id


@DBOS.step()
def decided(request: str) -> bool:
    with Client() as client:
        return client.wait(request).approved


@DBOS.step()
def deploy(request: str, version: str) -> str:
    with Client() as client:
        client.consume(request, key=f"deploy {version}")  # raises without a yes, and at the second time
    return f"{version} is deployed"


@DBOS.workflow()
def release(version: str) -> str:
    request = ask(version)
    return deploy(request, version) if decided(request) else f"{version} stays back"


if __name__ == "__main__":
    DBOS(config={"name": "releases", "system_database_url": "sqlite:///releases.sqlite"})
    DBOS.launch()  # resumes what was stopped
    with SetWorkflowID(f"release-{sys.argv[1]}"):
        print(DBOS.start_workflow(release, sys.argv[1]).get_result())
    DBOS.destroy()
