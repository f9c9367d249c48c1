"""sayso's engine: workflows that stop at `await request_input(...)` and go on with the right person's answer.

It knows no chat platform, no HTTP and no command line.
"""

from sayso.engine._approval import Decision, request_approval
from sayso.engine._audit import AuditProblem, AuditReport, export_row, verify_audit
from sayso.engine._check_parked import Finding, Severity, check_parked
from sayso.engine._clock import Clock, SystemClock
from sayso.engine._graph import Node, Workflow, node
from sayso.engine._outcomes import Outcome, OutcomeKind
from sayso.engine._people import PersonId, local_person
from sayso.engine._policy import Fact, Policy, Verdict, Vote, evaluate
from sayso.engine._questions import InvalidAnswer, Option, Question
from sayso.engine._records import (
    Attention,
    AttentionKind,
    AuditRow,
    CardRecord,
    CastVote,
    Delivery,
    NodeStatus,
    RequestRecord,
    RequestStatus,
    RunSummary,
    WorkflowStatus,
)
from sayso.engine._runtime import Runtime
from sayso.engine._state import ExecutionState
from sayso.engine._values import Json
from sayso.engine._workflow_engine import WorkflowEngine
from sayso.engine.errors import (
    AmbiguousRequest,
    AnswerError,
    AnswerRefused,
    AuthorError,
    ConditionFailed,
    InvalidRequest,
    InvalidWorkflow,
    NoCurrentVisit,
    NotApplicable,
    OperatorError,
    PolicyNotSupported,
    RequestExpired,
    RunExists,
    RunSuspended,
    SaysoError,
    SchemaTooNew,
    StoreClosed,
    StoreError,
    StoreFull,
    StoreInUse,
    StoreUnreadable,
    UnknownRun,
    UnstorableValue,
    UnusedInput,
    ValueTooLarge,
)
from sayso.engine.run import NO_DEFAULT, NoDefault, request_input, step, step_key
from sayso.engine.store import ATTENTION_ACTIONS, SQLiteReader, SQLiteStore

__all__ = [
    "ATTENTION_ACTIONS",
    "NO_DEFAULT",
    "AmbiguousRequest",
    "AnswerError",
    "AnswerRefused",
    "Attention",
    "AttentionKind",
    "AuditProblem",
    "AuditReport",
    "AuditRow",
    "AuthorError",
    "CardRecord",
    "CastVote",
    "Clock",
    "ConditionFailed",
    "Decision",
    "Delivery",
    "ExecutionState",
    "Fact",
    "Finding",
    "InvalidAnswer",
    "InvalidRequest",
    "InvalidWorkflow",
    "Json",
    "NoCurrentVisit",
    "NoDefault",
    "Node",
    "NodeStatus",
    "NotApplicable",
    "OperatorError",
    "Option",
    "Outcome",
    "OutcomeKind",
    "PersonId",
    "Policy",
    "PolicyNotSupported",
    "Question",
    "RequestExpired",
    "RequestRecord",
    "RequestStatus",
    "RunExists",
    "RunSummary",
    "RunSuspended",
    "Runtime",
    "SQLiteReader",
    "SQLiteStore",
    "SaysoError",
    "SchemaTooNew",
    "Severity",
    "StoreClosed",
    "StoreError",
    "StoreFull",
    "StoreInUse",
    "StoreUnreadable",
    "SystemClock",
    "UnknownRun",
    "UnstorableValue",
    "UnusedInput",
    "ValueTooLarge",
    "Verdict",
    "Vote",
    "Workflow",
    "WorkflowEngine",
    "WorkflowStatus",
    "check_parked",
    "evaluate",
    "export_row",
    "local_person",
    "node",
    "request_approval",
    "request_input",
    "step",
    "step_key",
    "verify_audit",
]
