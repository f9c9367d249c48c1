"""The pages of the inbox and the cards on them, as HTML. Jinja escapes every text; templates mark none as safe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from sayso.adapters.cards import Card, Since, Words, cut, vote_words, why_words
from sayso.adapters.console import (
    Block,
    field_help,
    form_fields,
    person_name,
    read_markdown,
    size_words,
    visible,
)
from sayso.adapters.web._answer import MOST_BUTTONS
from sayso.adapters.web._content import Lines, changes, code_lines, diff_lines, grid
from sayso.adapters.web._development import DevelopmentBar, LoadedCode
from sayso.adapters.web._visits import duration_words
from sayso.engine import (
    ANYWHERE,
    Attention,
    AttentionKind,
    Code,
    Content,
    FormField,
    GrantRecord,
    Json,
    Locale,
    Markdown,
    UsedGrant,
)

_LONGEST_TITLE = 200
_LONGEST_BODY = 2000
_LONGEST_PAYLOAD = 5000
_STATUS = {
    "RUNNING": "running",
    "WAITING_FOR_INPUT": "waiting for an answer",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "NEEDS_ATTENTION": "paused: an operator has to look at it",
    "PENDING": "not yet",
}
_ATTENTION = {
    AttentionKind.QUESTION_CHANGED: "The code now asks something else than the question that people answered",
    AttentionKind.ANSWER_UNUSED: "The code no longer asks a question that people answered",
    AttentionKind.STEP_UNFINISHED: "A step started, and it is unknown whether it finished",
    AttentionKind.STEP_CHANGED: "The code calls a recorded step with different arguments",
    AttentionKind.NODE_GONE: "This node is not in the loaded code",
    AttentionKind.FILE_UNREADABLE: "A file that the question shows can't be read",
    AttentionKind.PROCESS_DIED: "The service crashed repeatedly while this node ran",
    AttentionKind.SAYSO_FAILED: "An internal error of sayso stopped this run; the log has the details",
}
_CARD_ACTIONS = {
    "reassign": ("Reassign", "To, such as person:ana or slack:T1:U2"),
    "break_glass": ("Approve alone (emergency)", "Reason, shown to everybody who was asked"),
    "withdraw": ("Withdraw", None),
}
"""What else can be done with an open card: the button, and what has to be written for it."""

ACTION_LABELS = {
    "reask": "Ask again",
    "accept": "Keep what is recorded",
    "done": "Record this result",
    "again": "Run again",
    "cancel": "Cancel",
}


_EFFECTS = {
    "reask": "Asks the question again as it is now. The recorded answer no longer counts.",
    "accept": "Keeps what is recorded, and continues with the code as it is now.",
    "done": "Records the result that you enter, and continues without running the step.",
    "again": "Runs it again. Choose this only if doing it twice is harmless.",
    "cancel": "Ends the run. Its open requests are closed.",
}
"""What an operator's choice does."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many questions wait for somebody, or at least how many where there are `more`."""

    count: int = 0
    more: bool = False

    def __str__(self) -> str:
        return f"{self.count}{'+' if self.more else ''}" if self.count else ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose page it is: their name, the token of their session's writes, up to which event the page is true, and what
    waits for them.
    """

    name: str
    csrf: str
    sequence: int
    is_operator: bool
    waiting: Waiting = Waiting()


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant with the names of who made it, whose questions it is for and who revoked it, and how it stands."""

    grant: GrantRecord
    granted_by: str
    asked_by: str
    status: str
    revoked_by: str | None


class Listed(Protocol):
    """Some cards, the `groups` in which they stand, each with the batch that it shows, and the place before which there
    are or may be older ones.
    """

    @property
    def cards(self) -> Sequence[Markup]: ...
    @property
    def groups(self) -> Sequence[tuple[str | None, Sequence[Markup]]]: ...
    @property
    def older(self) -> int | None: ...


class Pages:
    """Renders pages. Times stand in `zone` until the reader's browser puts them into its own. With `development`, each
    says at its top that it is of a development server. Where a policy `has_grants`, each leads to their page.
    """

    def __init__(
        self, zone: tzinfo, development: DevelopmentBar | None = None, *, has_grants: bool = False
    ) -> None:
        self._zone = zone
        self._environment = Environment(
            loader=PackageLoader("sayso.adapters.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        filters: dict[str, Callable[..., Any]] = {
            "iso": _iso,
            "instant": self._instant,
            "json": _json,
            "shortened": _shortened,
            "status": _status,
            "attention": _ATTENTION.__getitem__,
            "headline": _headline,
            "duration": duration_words,
            "cut": cut,
            "changes": _changes,
            "kind": _kind,
            "visible": visible,
            "size": size_words,
            "code_lines": _code_lines,
            "diff_lines": diff_lines,
            "grid": grid,
            "markdown": _markdown,
            "fenced": _fenced,
            "help": field_help,
            "entry": _entry,
            "why": why_words,
            "person": person_name,
        }
        self._environment.filters |= filters
        tests: dict[str, Callable[..., Any]] = {"age": _is_age}
        self._environment.tests |= tests
        shown: dict[str, Any] = {"development": development, "has_grants": has_grants}
        self._environment.globals |= shown

    def words(self, words: Words) -> Markup:
        """A line of ours, with its times."""
        template: Any = self._environment.get_template("words.html").module
        return Markup(template.words(words))  # noqa: S704 - what a template rendered is escaped

    def code(self, loaded: LoadedCode) -> Markup:
        """What a development server's pages say of its code."""
        template: Any = self._environment.get_template("development.html").module
        return Markup(template.code(loaded))  # noqa: S704 - what a template rendered is escaped

    def card(
        self,
        card: Card,
        run_id: str,
        *,
        may_answer: bool,
        actions: Sequence[str] = (),
        whole: bool = True,
        locale: Locale = ANYWHERE,
    ) -> Markup:
        """One card, with what it takes to answer it where somebody may, and what else they may do with it. Defaults
        stand as in the reader's `locale`. One that is not `whole` has the beginning of what is long, and leads to the
        request's own page where it must be read there before it is approved.
        """
        prompt = card.prompt
        title, _, body = prompt.partition("\n")
        if len(prompt) > _LONGEST_TITLE:
            title, body = cut(title, _LONGEST_TITLE), prompt[:_LONGEST_BODY]
        fields = form_fields(card.question) if card.question.input_type == "form" else None
        return self._render(
            "card.html", card=card, run_id=run_id, may_answer=may_answer, title=title, body=body,
            rest=prompt[_LONGEST_BODY:], form_fields=fields,
            actions=[(name, *_CARD_ACTIONS[name]) for name in actions], whole=whole,
            unread=card.question.read_all and not whole, locale=locale,
            voted="" if card.chosen is None else vote_words(card.question, card.chosen, locale),
            is_compact=card.question.input_type == "confirm" or 0 < len(card.choices) <= MOST_BUTTONS,
        )  # fmt: skip

    def short_card(self, card: Card, run_id: str, *, may_answer: bool) -> Markup:
        """The beginning of a card that is too long to stand beside others: whoever wants to answer it reads it whole on
        its own page.
        """
        title = _headline(card.prompt)
        return self._render("short_card.html", card=card, run_id=run_id, may_answer=may_answer, title=title)

    def sign_in(self) -> Markup:
        """The page on which a link becomes a session."""
        return self._render("sign_in.html", me=None)

    def problem(self, visitor: Visitor | None, title: str, words: str) -> Markup:
        """A page in the place of one that cannot be shown."""
        if visitor is None:
            return self._render("problem.html", me=None, title=title, words=words)
        return self._page("problem.html", visitor, "", title=title, words=words)

    def inbox(
        self,
        visitor: Visitor,
        waiting: Listed,
        others: Listed,
        lately: Sequence[Markup],
        left_out: str,
        *,
        is_first: bool,
        missing: str = "",
    ) -> Markup:
        """A page of what waits for somebody, the newest first, of what else is open that concerns them, and what of it
        was decided recently (`lately`), with what of it is `left_out`; `missing` says why something may not be there.
        New questions come onto the first page by themselves.
        """
        return self._page(
            "inbox.html", visitor, "inbox", waiting=waiting, others=others, lately=lately, left_out=left_out,
            is_first=is_first, missing=missing,
        )  # fmt: skip

    def request(self, visitor: Visitor, card: Markup | None) -> Markup:
        """One question by itself: where links in chats lead."""
        return self._page("request.html", visitor, "inbox", card=card)

    def history(self, visitor: Visitor, **found: Any) -> Markup:
        """Requests that came to their end: `cards`, their `runs` by id, what was `wanted` of which `outcomes` and
        `workflows`, and the addresses of the `newest` and of what is `older`.
        """
        return self._page("history.html", visitor, "history", **found)

    def grants(self, visitor: Visitor, *, active: Sequence[GrantRow], ended: Sequence[GrantRow]) -> Markup:
        """What was granted: what stands, and the newest of what has ended."""
        return self._page("grants.html", visitor, "grants", active=active, ended=ended)

    def grant(self, visitor: Visitor, *, grant: GrantRow, covers: str, uses: Sequence[UsedGrant]) -> Markup:
        """One grant: what it covers, and the requests that it approved."""
        return self._page("grant.html", visitor, "grants", row=grant, covers=covers, uses=uses)

    def runs(self, visitor: Visitor, **found: Any) -> Markup:
        """Runs: `attention`, `failed` and `runs`, and `dead` destinations."""
        return self._page("runs.html", visitor, "runs", **found)

    def run(self, visitor: Visitor, **found: Any) -> Markup:
        """One run: `run`, `ended`, `actions`, `graph`, `cards`, what its visits were (`shown`), `trail`, and the
        names of `people`.
        """
        return self._page("run.html", visitor, "runs", labels=ACTION_LABELS, effects=_EFFECTS, **found)

    def starts(self, visitor: Visitor, names: Sequence[str], person: str) -> Markup:
        """The workflows that somebody may start."""
        return self._page("starts.html", visitor, "start", names=names, person=person)

    def start(
        self,
        visitor: Visitor,
        name: str,
        fields: Sequence[FormField],
        graph: Markup | None = None,
        locale: Locale = ANYWHERE,
    ) -> Markup:
        """What one workflow starts with, as the reader's `locale` writes it, and its graph."""
        return self._page(
            "start.html", visitor, "start", name=name, form_fields=fields, graph=graph, locale=locale
        )

    def api(self, visitor: Visitor, description: Mapping[str, Any], base: str) -> Markup:
        """The API's description for people."""
        return self._page("api.html", visitor, "api", api=description, base=base)

    def _page(self, template: str, visitor: Visitor, here: str, **values: Any) -> Markup:
        return self._render(
            template, me=visitor.name, csrf=visitor.csrf, sequence=visitor.sequence,
            is_operator=visitor.is_operator, awaited=str(visitor.waiting), here=here, **values,
        )  # fmt: skip

    def _render(self, template: str, **values: Any) -> Markup:
        return Markup(self._environment.get_template(template).render(**values))  # noqa: S704 - what Jinja rendered is escaped

    def _instant(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%-d %b %H:%M %Z")


def _entry(value: Json, locale: Locale) -> Json:
    """A number as its reader writes it; anything else as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return locale.number(value)
    return value


def _is_age(instant: datetime) -> bool:
    return isinstance(instant, Since)


def _code_lines(code: Code) -> Lines:
    return code_lines(code.text, code.language)


def _changes(attention: Attention) -> Lines:
    return changes(attention.was or "", attention.now or "")


def _fenced(block: Block) -> Lines:
    return code_lines(block.spans[0].text, block.language)


def _markdown(markdown: Markdown) -> tuple[Block, ...]:
    return read_markdown(markdown.text)


def _headline(prompt: str) -> str:
    return cut(prompt.partition("\n")[0], _LONGEST_TITLE)


def _kind(content: Content) -> str:
    return type(content).__name__


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _status(status: str) -> str:
    return _STATUS.get(status, status)


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    """What a page shows of something that may be very long; the export of the trail has all of it."""
    left = len(text) - _LONGEST_PAYLOAD
    return text if left <= 0 else f"{text[:_LONGEST_PAYLOAD]}… ({left} more characters: sayso audit export)"
