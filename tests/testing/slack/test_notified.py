"""Whom a message rings for: those whom it mentions, where they are, and nobody for an edit."""

from __future__ import annotations

from typing import Any

from sayso.testing.slack import LocalSlack, SlackPerson
from tests.testing.slack.client import Client


def rich(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}]


def user(person: SlackPerson) -> dict[str, Any]:
    return {"type": "user", "user_id": person.id}


async def test_mentions_ring_for_those_who_are_there(slack: LocalSlack, client: Client) -> None:
    """Not for who is elsewhere, nor for whom a disabled group has; and names in a text are names alone."""
    ana, bo, cho = (slack.add_person(name) for name in ("Ana", "Bo", "Cho"))
    sre, old = slack.add_user_group("sre", [bo, cho]), slack.add_user_group("old", [ana])
    old.disable()
    groups = [{"type": "usergroup", "usergroup_id": one.id} for one in (sre, old)]
    words = {"type": "text", "text": f" and <@{ana.id}>"}
    markup = {"type": "mrkdwn", "text": f"waiting for <@{bo.id}>", "verbatim": True}

    async def post(**said: Any) -> tuple[str, ...]:
        channel = slack.add_channel("general", [ana, bo])
        await client.ok("chat.postMessage", channel=channel.id, **said)
        return ana.messages(channel)[-1].notified

    assert await post(text="x", blocks=rich(user(ana), user(cho))) == (ana.id,)
    assert await post(text="x", blocks=rich(*groups)) == (bo.id,)
    assert await post(text="x", blocks=rich(words)) == ()
    assert await post(text="x", blocks=[{"type": "context", "elements": [markup]}]) == (bo.id,)
    plain = {"type": "plain_text", "text": f"<@{bo.id}>"}
    assert await post(text="x", blocks=[{"type": "context", "elements": [plain]}]) == ()
    assert await post(text=f"<@{bo.id}> and <!subteam^{sre.id}>") == (bo.id,)
    assert await post(text=f"&lt;@{bo.id}&gt;") == ()
    assert await post(text="<!channel>") == (ana.id, bo.id)


async def test_an_edit_rings_for_nobody_and_shows_names(slack: LocalSlack, client: Client) -> None:
    ana = slack.add_person("Ana")
    channel = slack.add_channel("general", [ana])
    sent = await client.call("chat.postMessage", channel=channel.id, text="x", blocks=rich(user(ana)))
    assert ana.messages(channel)[-1].text == "@Ana"
    words = {"type": "text", "text": "later "}
    await client.call(
        "chat.update", channel=channel.id, ts=sent["ts"], text="y", blocks=rich(words, user(ana))
    )
    seen = ana.messages(channel)[-1]
    assert (seen.text, seen.notified) == ("later @Ana", (ana.id,)), "it rang once, as it was posted"
    plain = await client.call("chat.postMessage", channel=channel.id, text="z")
    await client.call("chat.update", channel=channel.id, ts=plain["ts"], text="z", blocks=rich(user(ana)))
    assert ana.messages(channel)[-1].notified == ()


async def test_direct_messages_ring_outside_of_threads(slack: LocalSlack, client: Client) -> None:
    ana = slack.add_person("Ana")
    first = await client.call("chat.postMessage", channel=ana.id, text="x")
    where = {"channel": first["channel"], "thread_ts": first["ts"]}
    await client.call("chat.postMessage", text="in the thread", **where)
    await client.call("chat.postMessage", text="in both", reply_broadcast=True, **where)
    thread = ana.messages(thread=first["ts"])
    assert {one.text: one.notified for one in [*ana.messages(), *thread]} == {
        "x": (ana.id,), "in the thread": (), "in both": (ana.id,),
    }  # fmt: skip
