"""The transactions behind one person's accounts: what the directory says, and what people link by a one-time code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._ids import new_id
from sayso.engine._values import to_json
from sayso.engine.store._forms import forms_of, is_linked, root_of, settle, settle_all
from sayso.engine.store._transaction import Transaction


def direct(tx: Transaction, rows: Sequence[tuple[str, str, str]]) -> None:
    """Have the directory's accounts stand as they are in the settings now; where people linked one that it names, the
    directory wins.
    """
    tx.run("accounts_forget_directory", ())
    people = to_json(sorted({person for _, person, _ in rows}))
    tx.run("accounts_of_gone_people", {"people": people})
    for account, person, name in rows:
        tx.run("account_put", {"account": account, "person": person, "linked_at": None})
        tx.run("person_known", {"person": person, "name": name, "now": tx.now})
    settle_all(tx)


def begin_link(tx: Transaction, account: str, code_hash: str, expires_at: datetime) -> None:
    """Keep a code that links an account, in the place of one from before."""
    tx.run("link_codes_forget", {"now": tx.now})
    fields = {"account": account, "hash": code_hash, "expires_at": to_microseconds(expires_at)}
    tx.run("link_code_put", fields)


def link(tx: Transaction, account: str, code_hash: str) -> str:
    """Use a code up: this account and the one that it was made for are one person from now on. What to say."""
    row = tx.row("link_code_take", {"hash": code_hash, "now": tx.now})
    if row is None:
        return "This code is not known, was used, or is older than ten minutes. Ask for another."
    other = str(row["account"])
    if other == account:
        return "This code was made here. Send it from the other account."
    mine, theirs = _person_of(tx, account), _person_of(tx, other)
    if mine is not None and mine == theirs:
        return f"{account} and {other} are one person already."
    if mine is not None and theirs is not None:
        return "These accounts belong to two people. Unlink one of them first, or ask an operator."
    person = mine or theirs or f"person:~{new_id()[:12]}"
    for one in (account, other):
        if _person_of(tx, one) is None:
            tx.run("account_put", {"account": one, "person": person, "linked_at": tx.now})
            tx.audit("account_linked", {"account": one, "whose": person}, person=account)
            settle(tx, one)
    _name(tx, person, (other, account))
    return f"Linked: {other} and {account} are one person now, with one vote."


def unlink(tx: Transaction, account: str) -> str:
    """Let an account stand for itself again; refused while a vote of its person counts, or four eyes keeps them from
    one. What to say.
    """
    person = _person_of(tx, account)
    if person is None:
        return f"{account} is linked to nothing."
    root = root_of(tx, account)
    forms = (root, *forms_of(tx, root))
    linked = [one for one in forms if tx.row("account_find", (one,))["linked_at"] is not None]
    if not linked:
        return f"An operator listed {account} in sayso.toml; only they can change that."
    if tx.row("person_voting", (person,))["votes"]:
        return "You have voted on an open question. Unlink when it is decided: one person has one vote."
    if tx.row("person_excluded", {"person": person})["questions"]:
        return "An open question is yours, and others must approve it. Unlink when it is decided."
    accounts = [str(row["account"]) for row in tx.rows("accounts_of_person", (person,))]
    for one in linked:
        tx.run("account_remove", (one,))
        tx.audit("account_unlinked", {"account": one, "whose": person}, person=account)
    tx.run("accounts_of_nobody", {"person": person})
    for one in accounts:
        settle(tx, one)
    return f"Unlinked: {account} stands for itself again."


def ids_of(tx: Transaction, entry: str) -> tuple[str, ...]:
    """All ids of whoever an entry names, by an account or as `person:NAME`."""
    row = tx.row("account_find", (entry,))
    person = entry if row is None else str(row["person"])
    accounts = [str(row["account"]) for row in tx.rows("accounts_of_person", (person,))]
    return (person, *accounts)


def _person_of(tx: Transaction, account: str) -> str | None:
    """Whose account this is beside others; None where it is nobody's but its own, in whatever forms."""
    row = tx.row("account_find", (account,))
    return str(row["person"]) if row is not None and is_linked(str(row["person"])) else None


def _name(tx: Transaction, person: str, accounts: Sequence[str]) -> None:
    """Call somebody whom no directory names what their accounts are called."""
    names = tx.rows("people_names", {"people": to_json(list(accounts))})
    if person.startswith("person:~") and names:
        tx.run("person_known", {"person": person, "name": names[0]["name"], "now": tx.now})
