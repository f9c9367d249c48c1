"""Asks with the client, and runs its task after a yes: `client_asker.py NAME RAN EXPIRES`."""

from __future__ import annotations

import sys
from pathlib import Path

from sayso.client import AlreadyUsed, Client, NotApproved, Question


def main(name: str, ran: str, expires: str) -> None:
    question = Question(f"Task {name}?", to="operator", expires_after=float(expires) or None)
    with Client(patience=60) as client:
        request = client.ask(question, key=name)
        client.wait(request.id, timeout=120)
        try:
            client.consume(request.id, key=name)
        except NotApproved:
            sys.exit("no")
        except AlreadyUsed:
            sys.exit("used")
    with Path(ran).open("a") as file:
        file.write(f"{name}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
