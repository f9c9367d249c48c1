"""An Airflow DAG that waits for people: a sensor asks and looks again, and the task uses the approval and runs."""

from airflow.sdk import PokeReturnValue, dag, get_current_context, task

from sayso.client import Client, Question


@task.sensor(poke_interval=30, timeout=7 * 24 * 3600, mode="reschedule")
def approval() -> PokeReturnValue:
    """Ask once per run of the DAG. Between two looks it holds no worker."""
    run = get_current_context()["dag_run"]
    with Client() as client:
        request = client.ask(Question(prompt="Load the figures?"), key=f"airflow:{run.dag_id}:{run.run_id}")
    return PokeReturnValue(is_done=not request.is_open, xcom_value=request.id)


@task(retries=0)
def load(request: str) -> str:
    with Client() as client:
        client.consume(request, key="load")  # raises without a yes, and at the second time
    return "the figures are loaded"


@dag(schedule=None)
def figures() -> None:
    load(approval())


made = figures()
if __name__ == "__main__":
    print(made.test().state)
