"""Content creation with a human review loop: the complete example.

A topic is asked for, a draft is written, a person reviews it: approve, revise with feedback, or reject. Revisions go
round until somebody decides; after a last confirmation the article is published, as a step that never runs twice.

Run it in one of three ways::

    sayso demo                                        # stored in sayso-demo.db, resumes where it was
    sayso run examples.content_creation:workflow      # from the repository's folder
    python examples/content_creation.py [RUN]         # the loop at the end of this file; RUN resumes a run

To use a real model, replace `write_draft`.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

from sayso.engine import AnswerRefused, Node, Workflow, WorkflowEngine, WorkflowStatus, step

PUBLISHED = Path("published")
"""Where articles go, below the working directory."""


def write_draft(topic: str, feedback: list[str]) -> str:
    """Write an article about a topic, minding all feedback so far. THE PLACE FOR A REAL MODEL.

    Make it `async` and call your model here: it runs inside a `step`, so that its result is recorded and a restart
    neither pays for it again nor shows the reviewer another text than the one under review.
    """
    subject = topic.strip().rstrip(".!?")
    lines = [
        f"# {subject[:1].upper()}{subject[1:]}",
        "",
        f"Ask three people about {subject} and you get four opinions. This is the short version.",
        "",
        f"First, {subject} is older than it looks. Second, it is worth doing slowly.",
        "Third, nobody who knows it well is in a hurry to explain it.",
    ]
    for number, remark in enumerate(feedback, start=1):
        lines += [
            "",
            f"Revision {number}, because a reader said “{remark.strip()}”: this paragraph minds it.",
        ]
    return "\n".join(lines) + "\n"


class AskTopic(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["topic"] = await request_input(
            prompt="What should the article be about?",
            request_id="topic",
            note="A few words are enough: green tea",
        )
        shared["feedback"] = []


class Draft(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["draft"] = await step("draft", write_draft, shared["topic"], shared["feedback"])


class Review(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        version = len(shared["feedback"]) + 1
        details = {"Version": version, "Draft": shared["draft"]}
        shared["decision"] = await request_input(
            prompt=f"Is this article about {shared['topic']!r} good to go?",
            options=[
                {"value": "approve", "label": "Approve", "style": "primary"},
                {"value": "revise", "label": "Revise", "description": "say what should change"},
                {"value": "reject", "label": "Reject", "style": "danger", "description": "drop the article"},
            ],
            input_type="select",
            request_id="decision",
            details=details,
        )
        if shared["decision"] == "revise":
            remark = await request_input(prompt="What should change?", request_id="feedback", details=details)
            shared["feedback"] = [*shared["feedback"], remark]


class Confirm(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["confirmed"] = await request_input(
            prompt=f"Publish it as {article_path(shared['topic'])}? This is the last question.",
            input_type="confirm",
            request_id="publish",
        )


class Publish(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["published"] = await step("publish", publish, shared["topic"], shared["draft"])


class Drop(Node):
    def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["published"] = None


def publish(topic: str, draft: str) -> str:
    """Write the article's file. Writing the same file again changes nothing, so a cut-off step may repeat."""
    path = article_path(topic)
    path.parent.mkdir(exist_ok=True)
    path.write_text(draft, encoding="utf-8")
    return str(path)


def article_path(topic: str) -> Path:
    """The file of an article: nothing of the topic but letters and digits gets into a path."""
    slug = re.sub(r"[^a-z0-9]+", "-", topic.lower()).strip("-")[:60]
    return PUBLISHED / f"{slug or 'article'}.md"


ask_topic, draft, review, confirm, publish_node, drop = (
    AskTopic(),
    Draft(),
    Review(),
    Confirm(),
    Publish(),
    Drop(),
)
ask_topic > draft
draft > review
review - "shared['decision'] == 'approve'" > confirm
review - "shared['decision'] == 'revise'" > draft
review - "shared['decision'] == 'reject'" > drop
confirm - "shared['confirmed']" > publish_node
confirm > review

workflow = Workflow("content-creation", start=ask_topic)


def read_answer(request: dict[str, Any], text: str) -> Any:
    """What a typed text means to a question: this loop knows yes and no, everything else it passes on."""
    if request["input_type"] == "confirm":
        return {"yes": True, "y": True, "no": False, "n": False}.get(text.strip().lower(), text)
    return text


async def main(run_id: str | None = None) -> None:
    # `input` blocks this thread: let Ctrl-C end it at once instead of waiting for the next line.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    engine = WorkflowEngine(
        nodes=list(workflow.nodes.values()), start=workflow.start, workflow_id=workflow.name, run_id=run_id
    )
    print(f"Run {engine.run_id}. To resume it later: python {sys.argv[0]} {engine.run_id}")
    while True:
        await engine.run()
        request = engine.execution_state.awaiting_input
        if request is None:
            break
        print(f"\n{engine.execution_state.shared.get('draft', '')}\nInput needed: {request['prompt']}")
        if request["input_type"] == "select":
            print(f"Options: {', '.join(option['value'] for option in request['options'])}")
        typed = input("Your response: ")  # noqa: ASYNC250 - one run, one person: nothing else has to run
        try:
            await engine.step({request["request_id"]: read_answer(request, typed)})
        except AnswerRefused as refused:
            print(refused.outcome.reason)
    state = engine.execution_state
    if state.workflow_status is WorkflowStatus.COMPLETED:
        print(f"Published: {state.shared['published'] or 'nothing, it was rejected'}")
    else:
        print(f"{state.workflow_status}: {state.error}")


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:2]))
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Your progress is saved.")
