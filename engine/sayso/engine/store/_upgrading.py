"""What happens when a database is opened: whether it is sayso's and of which version, and what its trail was before.

A sayso of before had one chain for all rows: the store's own goes on from its end. One of still before kept no seals:
the first that does seals what it finds. From then on all that is open, everybody's accounts, and what lets somebody in
are compared with the trail. Of runs that had ended, the trail has only what its rows of that time say in words.
"""

from __future__ import annotations

from sayso.engine.errors import SchemaTooNew, StoreUnreadable
from sayso.engine.store._evidence import read_run_evidence, things_of_accounts
from sayso.engine.store._transaction import Transaction


def check_version(location: str, tables: set[str], found: int | None, known: int) -> int:
    """The schema of a database that has these tables, 0 when it is empty; raises `StoreUnreadable` for one that is not
    sayso's, and `SchemaTooNew` for one of a newer sayso than the one that knows `known`.
    """
    if found is None:
        if tables:
            raise StoreUnreadable(location, "it is a database, but not one of sayso's")
        return 0
    if found > known:
        raise SchemaTooNew(location, found, known)
    return found


def begin_trail(tx: Transaction) -> None:
    """Go on with a trail of before, where the last row is one: its end becomes part of the store's chain, and what
    stands in the tables is sealed unless it was. Harmless where nothing does.
    """
    last = tx.row("audit_last")
    if last is not None and last["position"] is None:
        tx.audit("chains_begun", {})
    if last is not None and last["facts"] is not None:
        return
    if last is None and not tx.row("evidence_begun", ())["anything"]:
        return
    accounts = things_of_accounts(str(row["account"]) for row in tx.rows("evidence_account_ids", ()))
    forms = tuple(("account_forms", str(row["form"])) for row in tx.rows("evidence_forms", ()))
    tx.audit("evidence_begun", {}, also=(*accounts, *forms))
    for row in tx.rows("evidence_credential_ids", ()):
        said = {"kind": row["kind"], "expires_at": row["expires_at"]}
        tx.audit("evidence_begun", said, person=row["person"], also=(("credentials", row["hash"]),))
    for row in tx.rows("evidence_live_runs", ()):
        run_id = str(row["run_id"])
        things = tuple(thing for thing in read_run_evidence(tx, run_id).seals if thing[0] != "runs")
        tx.audit("evidence_begun", {}, run_id=run_id, also=things)
