"""The workflow that the suite's service hosts: it asks at once whatever a file in its folder says."""

from __future__ import annotations

NAME = "asking"

SOURCE = '''\
"""Asks at once all that a file says."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from sayso.engine import Workflow, node, request_input


async def put(name, question):
    if (seconds := question.pop("seconds", None)) is not None:
        question["expires_after"] = timedelta(seconds=seconds)
    return await request_input(request_id=name, **question)


@node
async def ask(shared):
    questions = json.loads(Path(shared["file"]).read_text())
    await asyncio.gather(*(put(name, question) for name, question in questions.items()))


workflow = Workflow("asking", start=ask)
'''
