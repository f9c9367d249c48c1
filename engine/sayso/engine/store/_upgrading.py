"""What happens once when a database of a sayso that kept no seals is opened: the trail seals what it finds.

From then on all that is open, everybody's accounts, and what lets somebody in are compared with the trail. Of runs that
had ended, the trail has only what its rows of that time say in words.
"""

from __future__ import annotations

from sayso.engine.store._evidence import read_run_evidence, things_of_accounts
from sayso.engine.store._transaction import Transaction


def begin_evidence(tx: Transaction) -> None:
    """Seal what stands in the tables, unless the last row of the trail has seals; harmless where nothing does."""
    head = tx.row("audit_head", ())
    if head is not None and head["facts"] is not None:
        return
    if head is None and not tx.row("evidence_begun", ())["anything"]:
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
