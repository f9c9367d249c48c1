"""Rejecting in a chat as people do it: a button that asks why, then a reason, or none, in what opens."""

from __future__ import annotations

from sayso.testing.slack import LocalSlack, SeenView, SlackPerson
from sayso.testing.slack import SeenMessage as SlackMessage
from sayso.testing.telegram import Group, LocalTelegram, Person, SeenMessage

CONTINUES = "Not recorded yet. Continue in the message below."


async def modal_of(
    slack: LocalSlack, person: SlackPerson, card: SlackMessage, label: str = "❌ reject"
) -> SeenView:
    """Press a button that opens a modal in Slack; the modal, once it asks."""
    assert (await (await person.press(card, label)).result()).is_acknowledged
    await slack.until(lambda: person.view is not None and person.view.submit is not None)
    assert person.view is not None
    return person.view


async def reject_in_slack(
    slack: LocalSlack, person: SlackPerson, card: SlackMessage, label: str = "❌ reject", reason: str = ""
) -> str:
    """Reject in Slack, in two steps; what the modal says then."""
    asks = await modal_of(slack, person, card, label)
    values = {asks.inputs[-1].label: reason} if reason else {}
    assert (await (await person.submit(values)).result()).is_acknowledged
    said = person.view
    assert said is not None
    await person.close_view()
    return said.text


async def asked_why(
    telegram: LocalTelegram,
    person: Person,
    card: SeenMessage,
    label: str = "❌ reject",
    group: Group | None = None,
) -> SeenMessage:
    """Press a button that asks why in Telegram; the message that asks."""
    newest = (await person.sees(group))[-1]
    assert (await person.press(card, label)).text == CONTINUES
    while True:
        revision = telegram.revision
        for one in await person.sees(group):
            if one.sender == "sayso" and one.message_id > newest.message_id and "Why " in one.text:
                return one
        await telegram.until(lambda: telegram.revision != revision)  # noqa: B023


async def reject_in_telegram(
    telegram: LocalTelegram,
    person: Person,
    card: SeenMessage,
    label: str = "❌ reject",
    group: Group | None = None,
    reason: str = "",
) -> str:
    """Reject in Telegram, in two steps; what the person hears then."""
    asks = await asked_why(telegram, person, card, label, group)
    if not reason:
        (left_out,) = [one for row in asks.labels for one in row if one.endswith("without a reason")]
        return (await person.press(asks, left_out)).text or ""
    reply = await person.reply(asks, reason)
    while True:
        revision = telegram.revision
        for one in await person.sees(group):
            if one.sender == "sayso" and one.message_id > reply.message_id:
                return one.text
        await telegram.until(lambda: telegram.revision != revision)  # noqa: B023
