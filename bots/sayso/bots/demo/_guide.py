"""The guide beside the chats: three steps, each done when the service's own records say so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.bots.demo._cast import REQUESTER, ROLES
from sayso.bots.demo._release import APPROVAL, FINISH, PLAN, workflow
from sayso.engine import CardRecord, RequestStatus, SaysoError, open_reader

if TYPE_CHECKING:
    from sayso.bots.demo._cast import Cast
    from sayso.bots.demo._process import ServiceProcess

Step = dict[str, Any]


class ServiceEnded(SaysoError):
    """The demo's service ended before it was connected; `log` says why."""

    def __init__(self, log: Path) -> None:
        self.log = log
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "its log is empty")
        super().__init__(f"the demo's service did not start: {last}")


class Guide:
    """Reads what has happened, and does what its buttons say."""

    def __init__(self, cast: Cast, service: ServiceProcess, database: Path) -> None:
        self._cast = cast
        self._service = service
        self._database = database

    async def state(self) -> dict[str, Any]:
        """All that the page shows of the guide."""
        cards = await self._cards()
        steps = [
            _approve(cards.get(APPROVAL)),
            _plan(cards.get(PLAN)),
            await self._survive(cards.get(FINISH)),
        ]
        is_over = all(step["done"] for step in steps)
        return {
            "people": [{"name": name, "role": role} for name, role in ROLES.items()],
            "service": self._state_of_service(),
            "steps": steps,
            "end": _END if is_over else None,
        }

    async def act(self, action: str) -> bool:
        """Do what a button says; False where there is no such button."""
        match action:
            case "kill":
                self._service.kill()
            case "start":
                await self._service.start()
            case "ask":
                await self.ask()
            case _:
                return False
        return True

    async def ask(self) -> None:
        """Have Ana start the workflow, as people do: with a command in her channel."""
        cast = self._cast
        press = await cast.in_slack[REQUESTER].command(
            "/sayso", f"start {workflow.name}", cast.channels["releases"]
        )
        await press.result()

    async def until_it_listens(self) -> None:
        """Wait until the service is connected to both chats: a press that finds nobody connected is lost.

        Raises `ServiceEnded`.
        """
        slack, telegram, service = self._cast.slack, self._cast.telegram, self._service
        await slack.until(lambda: slack.connections > 0 or not service.is_running)
        await telegram.until(lambda: telegram.is_polled or not service.is_running)
        if not service.is_running:
            raise ServiceEnded(service.log)

    async def has_begun(self) -> bool:
        """Whether there is a run."""
        return bool(await self._cards())

    # --- what has happened ---------------------------------------------------------------------------

    async def _cards(self) -> Mapping[str, CardRecord]:
        """The questions of the newest run, by their names."""
        if not self._database.exists():
            return {}
        async with open_reader(self._database) as reader:
            runs = await reader.runs(workflow=workflow.name, limit=1)
            if not runs:
                return {}
            return {card.request.name: card async for _, card in reader.run_cards(runs[0].run_id)}

    async def _is_in_chats(self, card: CardRecord) -> bool:
        """Whether people can see it: a service that is killed before has asked nobody."""
        async with open_reader(self._database) as reader:
            return all(one.reference is not None for one in await reader.deliveries(card.request.id))

    def _state_of_service(self) -> dict[str, Any]:
        service = self._service
        if service.is_running and self._cast.slack.connections > 0:
            return {"state": "running", "text": f"sayso is running (process {service.pid}).", "actions": []}
        if service.is_running:
            return {"state": "starting", "text": "sayso is starting.", "actions": []}
        start = [_action("start", "Start it again", "primary")]
        if service.was_killed:
            text = "sayso was killed. Presses in Slack go unanswered; Telegram keeps them for later."
            return {"state": "killed", "text": text, "actions": start}
        text = f"sayso has stopped. Its log says why: {service.log}"
        return {"state": "stopped", "text": text, "actions": start}

    async def _survive(self, card: CardRecord | None) -> Step:
        service = self._service
        asked = card.request.asked_at if card else None
        answered = card.request.resolved_at if card and _is_answered(card) else None
        revived = service.revived_at if asked and service.revived_at and asked < service.revived_at else None
        is_missed = answered is not None and (revived is None or answered < revived)
        text = "4.2.0 runs for the first customers, and sayso asks whether to continue. Kill it now."
        hint = None
        if service.was_killed:
            text = "sayso is gone, and its question is still in both chats."
            hint = "Also press a button in Slack now. It goes unanswered."
        elif revived is not None:
            text = "sayso is back, and still waits for the same answer."
        actions: list[dict[str, str]] = []
        if is_missed:
            text = "The request was answered before the kill. Start another release, and kill sayso while it waits."
            actions = [_action("ask", "Start another release")]
        elif card is not None and service.is_running and await self._is_in_chats(card):
            actions = [_action("kill", f"kill -9 {service.pid}", "danger")]
        was_killed = revived is not None or (card is not None and service.was_killed)
        return {
            "title": "Kill it while it waits",
            "text": text,
            "done": answered is not None and not is_missed,
            "tasks": [
                _task("Kill sayso.", done=was_killed),
                _task("Start it again.", done=revived is not None),
                _task(
                    "Press Roll out to everyone. It counts, once.",
                    done=answered is not None and not is_missed,
                ),
            ],
            "hint": hint,
            "actions": actions,
        }


def _approve(card: CardRecord | None) -> Step:
    approvals = [one for one in card.votes if one.value == "approve"] if card else []
    chats = {one.via.partition(":")[0] for one in approvals}
    is_done = _is_answered(card) and _answer(card) == '"approve"'
    is_rejected = _is_answered(card) and not is_done
    text = "Ana wants to release 4.2.0 to production. It waits until two other people approve."
    if is_rejected:
        text = "The release was rejected, so nothing went to production. Ana can ask again."
    return {
        "title": "Two people approve a release",
        "text": text,
        "done": is_done,
        "tasks": [
            _task("Be Bo. In Slack, press Approve.", done="slack" in chats, person="Bo"),
            _task("Be Chris. In Telegram, press Approve.", done="telegram" in chats, person="Chris"),
        ],
        "hint": "Also press it as Ana, who asked, and as Eve, who is not an approver.",
        "actions": [_action("ask", "Ask again")] if is_rejected else [],
    }


def _plan(card: CardRecord | None) -> Step:
    return {
        "title": "Answer a form",
        "text": "Approved. Now sayso asks how to roll it out: a number, a date and a choice.",
        "done": _is_answered(card),
        "tasks": [
            _task("As Ana, Bo or Chris, press Answer: Slack opens a form, Telegram asks field by field.",
                  done=_is_answered(card)),
        ],
        "hint": None,
        "actions": [],
    }  # fmt: skip


def _task(text: str, *, done: bool, person: str | None = None) -> dict[str, Any]:
    return {"text": text, "done": done, "person": person}


def _action(name: str, label: str, style: str = "") -> dict[str, str]:
    return {"name": name, "label": label, "style": style}


_END: Step = {
    "title": "Done",
    "text": "Every answer reached its question, once. The README says how to use sayso in your own chats.",
    "actions": [_action("ask", "Start another release")],
}


def _is_answered(card: CardRecord | None) -> bool:
    return card is not None and card.request.status is RequestStatus.ANSWERED


def _answer(card: CardRecord | None) -> str | None:
    return None if card is None else card.request.answer
