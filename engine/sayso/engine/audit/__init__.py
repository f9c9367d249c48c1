"""The audit trail's check: the chains of its rows, and what they say against the tables."""

from sayso.engine.audit._export import export_row
from sayso.engine.audit._problems import NOT_COVERED, AuditProblem, AuditReport
from sayso.engine.audit._verify import verify_audit

__all__ = ["NOT_COVERED", "AuditProblem", "AuditReport", "export_row", "verify_audit"]
