"""The transactions behind one person's accounts: what the directory says, and what people link by a one-time code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._ids import new_id
from sayso.engine._people import fold_name
from sayso.engine._records import Linking, LinkStep
from sayso.engine._values import to_json
from sayso.engine.store._evidence import things_of_accounts
from sayso.engine.store._forms import forms_of, is_linked, root_of, settle, settle_all
from sayso.engine.store._transaction import Transaction


def direct(tx: Transaction, rows: Sequence[tuple[str, str, str]]) -> None:
    """Have the directory's accounts stand as they are in the settings now; where people linked one that it names, the
    directory wins. What that changes goes into the trail.
    """
    before = _whose(tx)
    tx.run("accounts_forget_directory", ())
    people = to_json(sorted({person for _, person, _ in rows}))
    tx.run("accounts_of_gone_people", {"people": people})
    for account, person, name in rows:
        tx.run("account_put", {"account": account, "person": person, "linked_at": None})
        tx.run("person_known", {"person": person, "name": name, "folded": fold_name(name), "now": tx.now})
    settle_all(tx)
    after = _whose(tx)
    changed = sorted(one for one in before.keys() | after.keys() if before.get(one) != after.get(one))
    if changed:
        said = {"accounts": {one: after[one][0] if one in after else None for one in changed}}
        tx.audit("directory_changed", said, also=things_of_accounts(changed))


def _whose(tx: Transaction) -> dict[str, tuple[object, ...]]:
    """Whose every account is in each of its forms, since when if people linked it, and which follow from another."""
    return {
        row["account"]: (row["person"], row["linked_at"], row["is_form"])
        for row in tx.rows("accounts_in_forms", ())
    }


def begin_link(
    tx: Transaction, account: str, code_hash: str, expires_at: datetime, *, listed_may_link: bool = False
) -> str | None:
    """Store a code for linking an account, which replaces an earlier one; the reason if they may not link any."""
    if not listed_may_link and _is_listed(_person_of(tx, account)):
        return _listed(account)
    tx.run("link_codes_forget", {"now": tx.now})
    fields = {"account": account, "hash": code_hash, "expires_at": to_microseconds(expires_at)}
    tx.run("link_code_put", fields)
    return None


def void_link(tx: Transaction, code_hash: str) -> None:
    """Invalidate a code that others may have read; harmless if there is none."""
    tx.run("link_code_remove", (code_hash,))


def link(
    tx: Transaction, account: str, code_hash: str, *, is_sure: bool, listed_may_link: bool = False
) -> Linking:
    """Take a step with a code towards making this account and the one that it was made for one person.

    Only the first account that sends it can continue. It confirms after it has seen whose code it is; the maker
    confirms last, after they have seen who sent it.
    """
    row = tx.row("link_code_find", {"hash": code_hash, "now": tx.now})
    if row is None:
        return Linking(LinkStep.REFUSED, said=_UNKNOWN_CODE)
    maker, sender = str(row["account"]), row["presented_by"]
    if maker == account and sender is None:
        return Linking(LinkStep.REFUSED, said=_MADE_HERE)
    if maker != account and sender not in (None, account):
        return Linking(LinkStep.REFUSED, said=_UNKNOWN_CODE)
    other = account if sender is None else str(sender)
    hindrance = _hindrance(tx, maker, other, listed_may_link=listed_may_link)
    if hindrance is not None:
        return Linking(LinkStep.REFUSED, said=hindrance)
    if maker == account:
        if not row["agreed"]:
            return Linking(LinkStep.SENT, other)
        return _join(tx, maker, other, code_hash) if is_sure else Linking(LinkStep.AGREED, other)
    if sender is None:
        tx.run("link_code_present", {"account": account, "hash": code_hash})
        tx.audit("link_presented", {"made_by": maker}, person=account)
    if sender is None or not is_sure:
        return Linking(LinkStep.SHOWN, maker)
    if not row["agreed"]:
        tx.run("link_code_agree", (code_hash,))
        tx.audit("link_agreed", {"made_by": maker}, person=account)
    return Linking(LinkStep.WAITS, maker)


def _join(tx: Transaction, maker: str, sender: str, code_hash: str) -> Linking:
    """Make both accounts one person; the code is used up."""
    void_link(tx, code_hash)
    person = _person_of(tx, maker) or _person_of(tx, sender) or f"person:~{new_id()[:12]}"
    added = [one for one in (sender, maker) if _person_of(tx, one) is None]
    changed = list(added)
    for one in added:
        tx.run("account_put", {"account": one, "person": person, "linked_at": tx.now})
        changed += settle(tx, one)
    _name(tx, person, (maker, sender))
    for one in added:
        theirs = {"accounts": list(ids_of(tx, person)[1:])} if one == added[-1] else {}
        said = {"account": one, "whose": person, **theirs}
        tx.audit("account_linked", said, person=maker, also=things_of_accounts(changed))
    return Linking(LinkStep.LINKED, sender)


def _hindrance(tx: Transaction, maker: str, sender: str, *, listed_may_link: bool) -> str | None:
    """Why these two accounts cannot become one person, or None."""
    mine, theirs = _person_of(tx, maker), _person_of(tx, sender)
    if mine is not None and mine == theirs:
        return f"{maker} and {sender} are one person already."
    if mine is not None and theirs is not None:
        return "These accounts belong to two people. Unlink one of them first, or ask an operator."
    listed = next((one for one in (maker, sender) if _is_listed(_person_of(tx, one))), None)
    return _listed(listed) if listed is not None and not listed_may_link else None


def _is_listed(person: str | None) -> bool:
    """Whether somebody is of the directory; those who linked accounts without it have names of their own."""
    return person is not None and not person.startswith(_UNLISTED)


def _listed(account: str) -> str:
    return f"An operator listed {account} in sayso.toml. Ask them to add your other account there."


_UNLISTED = "person:~"
_UNKNOWN_CODE = (
    "This code is not known, was used by another account, or is older than ten minutes. Ask for another."
)
_MADE_HERE = "This code was made here, and nobody has sent it yet. Send it from the other account."


def unlink(tx: Transaction, account: str) -> str:
    """Unlink an account; refused while a vote of its person counts, or four eyes bars them from one. Returns what to
    say.
    """
    person = _person_of(tx, account)
    if person is None:
        return f"{account} is not linked to another account."
    root = root_of(tx, account)
    forms = (root, *forms_of(tx, root))
    linked = [one for one in forms if tx.row("account_find", (one,))["linked_at"] is not None]
    if not linked:
        return f"An operator listed {account} in sayso.toml; only they can change that."
    if tx.row("person_voting", (person,))["votes"]:
        return "You have voted on an open request. Unlink when it is decided: one person has one vote."
    if tx.row("person_excluded", {"person": person})["questions"]:
        return "An open request of yours must be approved by others. Unlink when it is decided."
    accounts = list(ids_of(tx, person)[1:])
    for one in linked:
        tx.run("account_remove", (one,))
    alone = [str(row["account"]) for row in tx.rows("accounts_of_nobody", {"person": person})]
    settled = [form for one in accounts for form in settle(tx, one)]
    also = things_of_accounts([*linked, *alone, *settled])
    for one in linked:
        told = {"accounts": accounts} if one == linked[-1] else {}
        tx.audit("account_unlinked", {"account": one, "whose": person, **told}, person=account, also=also)
    return f"Unlinked: {account} counts as a separate person again."


def ids_of(tx: Transaction, entry: str) -> tuple[str, ...]:
    """All ids of whoever an entry names, by an account or as `person:NAME`, the person first."""
    return tuple(row["id"] for row in tx.rows("ids_of_entry", (entry,)))


def _person_of(tx: Transaction, account: str) -> str | None:
    """Whose account this is beside others; None where it is nobody's but its own, in whatever forms."""
    row = tx.row("account_find", (account,))
    return str(row["person"]) if row is not None and is_linked(str(row["person"])) else None


def _name(tx: Transaction, person: str, accounts: Sequence[str]) -> None:
    """Call somebody whom no directory names what their accounts are called."""
    found = tx.rows("people_names", {"people": to_json(list(accounts)), "folded": "[]"})
    name = next((row["name"] for row in found if row["name"]), None)
    if person.startswith(_UNLISTED) and name:
        tx.run("person_known", {"person": person, "name": name, "folded": fold_name(name), "now": tx.now})
