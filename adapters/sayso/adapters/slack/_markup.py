"""Small grey lines, and columns: the only text in which Slack reads markup, and all the markup in it is sayso's own.

A context block is small and grey, and fields stand side by side, but neither takes rich text: dates, mentions, links
and what is bold stand there in `mrkdwn` (docs.slack.dev/reference/block-kit/blocks/context-block). Other text comes
into the same element only if it has no character that means anything there. Text that has one stands in an element of
its own, as plain text, so nothing is escaped and nothing can be forgotten. An element for every piece would be as safe,
but Slack leaves a gap between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sayso.adapters.cards import Mentioned, Since
from sayso.adapters.slack._text import AGE_FORMAT, TEXT_LIMIT, Block, Stretch, Style, in_utc, plain_text

_MOST_ELEMENTS = 10
"""Elements of a context block (docs.slack.dev/reference/block-kit/blocks/context-block)."""

_FIELD_LIMIT = 2000
"""Characters of a field (docs.slack.dev/reference/block-kit/blocks/section-block)."""

_GAP = " · "
_INERT = re.compile(
    r"(?:[^\W_]|[ .,·…\-–—/'’“”\"+@#%?!]|\((?=[^\W_])|(?<=[^\W\d_]{2})\)|(?<=[^\W_]{2}):(?= )|;(?= ))*"  # noqa: RUF001 - as people write
)
"""Letters, digits, and what can neither begin nor end markup, an emoji's name or an emoticon such as `8)`. `@` and `#`
mean nothing in verbatim text (docs.slack.dev/reference/block-kit/composition-objects/text-object).
"""


def context(parts: Iterable[Sequence[Stretch]]) -> list[Block]:
    """A small grey line of these parts, with a dot between them: one block, or as many as their pieces need."""
    lines: list[list[Stretch]] = []
    for part in parts:
        for position, run in enumerate(_runs(part)):
            gap = [Stretch(_GAP)] if lines and position == 0 else []
            if lines and _fit([*lines[-1], *gap, *run]):
                lines[-1] += [*gap, *run]
            else:
                if lines:
                    lines[-1] += gap
                lines.append(list(run))
    elements = [_element(line) for line in lines]
    return [
        {"type": "context", "elements": elements[at : at + _MOST_ELEMENTS]}
        for at in range(0, len(elements), _MOST_ELEMENTS)
    ]


def column(name: str, value: Sequence[Stretch]) -> Block | None:
    """A name and what stands behind it, side by side with others; None where it cannot be: where a text in it would
    mean something, and it needs markup all the same.
    """
    inert = bool(name.strip()) and all(
        is_inert(text) for text in (name, *(str(one.content) for one in value))
    )
    if not inert and not any(one.style or one.link for one in value):
        return plain_text(f"{name}: {''.join(str(one.content) for one in value)}", _FIELD_LIMIT)
    text = f"*{name.strip()}:* {''.join(map(_written, value))}"
    return {"type": "mrkdwn", "text": text, "verbatim": True} if inert and len(text) <= _FIELD_LIMIT else None


def is_inert(text: str) -> bool:
    """Whether nothing in a text means anything to Slack."""
    return _INERT.fullmatch(text) is not None


def _runs(part: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """A part whole, if it can stand in one element; else in as few pieces as can be."""
    run: list[Stretch] = []
    for one in part:
        if run and not _fit([*run, one]):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _fit(run: Sequence[Stretch]) -> bool:
    """Whether all of it can stand in one element: a bracket is as harmless beside a mention as beside a name."""
    if not any(map(_is_markup, run)):
        return True
    return is_inert("".join("name" if _is_markup(one) else str(one.content) for one in run))


def _is_markup(stretch: Stretch) -> bool:
    return isinstance(stretch.content, datetime | Mentioned) or stretch.link is not None


def _element(run: Sequence[Stretch]) -> Block:
    if any(map(_is_markup, run)):
        return {"type": "mrkdwn", "text": "".join(map(_written, run)).strip(), "verbatim": True}
    return plain_text("".join(str(one.content) for one in run).strip(), TEXT_LIMIT)


def _written(stretch: Stretch) -> str:
    """A stretch in Slack's markup (docs.slack.dev/messaging/formatting-message-text)."""
    content = stretch.content
    if isinstance(content, datetime):
        date_format = AGE_FORMAT if isinstance(content, Since) else stretch.date_format
        return f"<!date^{int(content.timestamp())}^{date_format}|{in_utc(content)}>"
    if isinstance(content, Mentioned):
        return f"<!subteam^{content.id}>" if content.is_group else f"<@{content.id}>"
    if stretch.link is not None:
        return f"<{_address(stretch.link)}|{content}>"
    return f"*{content.strip()}*" if stretch.style & Style.BOLD else content


def _address(url: str) -> str:
    """An address that ends where its link does."""
    escaped = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E")
    return escaped.replace("|", "%7C")
