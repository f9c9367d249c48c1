"""One account in several forms, as its platform confirms them: one that was written before, and one that is written
now. What was recorded stays as it is; all forms are one person from the commit on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sayso.engine._values import to_json
from sayso.engine.store._evidence import things_of_accounts
from sayso.engine.store._transaction import Transaction

_PERSON = "person:"


def recognise(tx: Transaction, account: str, forms: Sequence[str]) -> None:
    """Take these for other forms of an account, for good. Harmless when they are known."""
    root = root_of(tx, account)
    known = set(forms_of(tx, root))
    new = [one for one in dict.fromkeys(forms) if one not in known and one != account]
    if not new and root == account:
        return
    former = {root, *(root_of(tx, one) for one in new)} - {account}
    others = [form for one in sorted(former) for form in (one, *forms_of(tx, one))]
    tx.run("form_remove", (account,))
    put = [form for form in dict.fromkeys([*new, *others]) if form != account]
    for form in put:
        tx.run("form_put", (form, account))
    also = (*(("account_forms", form) for form in (account, *put)), *things_of_accounts(settle(tx, account)))
    tx.audit("account_recognised", {"account": account, "forms": new}, person=account, also=also)


def settle(tx: Transaction, account: str) -> list[str]:
    """Have all forms of an account be the person that one of them is, by the directory before a link; without one, be
    the account itself. Whoever another form was linked to is the same person. What it changed, for the trail.
    """
    root = root_of(tx, account)
    forms = forms_of(tx, root)
    if not forms:
        return []
    changed = [
        str(row["account"]) for form in (root, *forms) for row in tx.rows("account_forget_form", (form,))
    ]
    owners = [str(row["person"]) for row in tx.rows("account_owners", (to_json([root, *forms]),))]
    person = owners[0] if owners else root
    for other in dict.fromkeys(owners[1:]):
        if other != person:
            _join(tx, other, person)
    for form in (root, *forms):
        if tx.row("account_find", (form,)) is None:
            tx.run("account_put_form", (form, person))
            changed.append(form)
    return changed


def settle_all(tx: Transaction) -> None:
    """`settle` every account that has several forms."""
    for row in tx.rows("forms_list", ()):
        settle(tx, str(row["account"]))


def root_of(tx: Transaction, form: str) -> str:
    """The account that this is a form of; itself where it is none of another."""
    row = tx.row("form_find", (form,))
    return form if row is None else str(row["account"])


def forms_of(tx: Transaction, account: str) -> tuple[str, ...]:
    """The other forms of an account."""
    return tuple(str(row["form"]) for row in tx.rows("forms_of", (account,)))


def is_linked(person: str) -> bool:
    """Whether a person is more than one account in its forms."""
    return person.startswith(_PERSON)


def _join(tx: Transaction, former: str, person: str) -> None:
    """Have those who linked themselves to one person be another one: both are the same account's."""
    for row in tx.rows("accounts_linked_to", (former,)):
        account = str(row["account"])
        tx.run("account_put", {"account": account, "person": person, "linked_at": tx.now})
        said = {"account": account, "whose": person}
        tx.audit("account_linked", said, person=account, also=things_of_accounts([account]))
