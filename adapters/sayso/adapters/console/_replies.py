"""What somebody typed, as the value that it means."""

from __future__ import annotations

from sayso.engine import ANYWHERE, InvalidAnswer, Json, Locale, Question


class EmptyReply(InvalidAnswer):
    """Nothing was typed. Silence never stands for an answer."""

    def __init__(self) -> None:
        super().__init__("Please type an answer.")


def is_numbered(question: Question) -> bool:
    """Whether the options can be told by number: not when one of them is itself a number."""
    texts = [text for option in question.choices for text in (option.value, option.label)]
    return bool(texts) and not any(_is_number(text) for text in texts)


def reply_hint(question: Question) -> str:
    """What to type, for the line on which it is typed."""
    count = len(question.choices)
    numbers = "1" if count == 1 else f"1-{count}"
    match question.input_type:
        case "select":
            return f"Your choice [{numbers}]" if is_numbered(question) else "Your choice"
        case "multiselect":
            return (
                f"Your choices [{numbers}, several with commas]"
                if is_numbered(question)
                else ("Your choices, several with commas")
            )
        case "confirm":
            return "Your answer [yes/no]"
        case "number":
            return "Your answer [a number]"
        case "form":
            return "Your answer [JSON]"
        case _:
            return "Your answer"


def read_reply(question: Question, text: str, locale: Locale = ANYWHERE) -> Json:
    """The value of a reply to a card: options may be told by the number that the card shows.

    Raises `InvalidAnswer` with the reason, and `EmptyReply`.
    """
    typed = text.strip()
    if not typed:
        raise EmptyReply
    if not is_numbered(question):
        return question.read_text(text, locale)
    if question.input_type == "select":
        return question.read_text(_option_at(question, typed))
    parts = [part.strip() for part in typed.split(",") if part.strip()]
    if not any(_is_number(part) for part in parts):
        return question.read_text(typed)
    chosen = [_choice(question, part) for part in parts]
    question.check_answer(chosen)
    return chosen


def first_word(text: str) -> tuple[str, str]:
    """The first word of what was typed, and the text that follows it, after blanks and line breaks of any number and
    kind.
    """
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0].strip() if rest else ""


def _choice(question: Question, typed: str) -> Json:
    """One of several: by number, value or label."""
    if _is_number(typed):
        return _option_at(question, typed)
    chosen = question.read_text(typed)
    return chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else typed


def _option_at(question: Question, typed: str) -> str:
    if not _is_number(typed):
        return typed
    choices = question.choices
    position = int(typed) if len(typed) < len(str(len(choices))) + 5 else 0
    if not 1 <= position <= len(choices):
        raise InvalidAnswer(f"There is no option {typed[:20]}. Please choose from 1 to {len(choices)}.")
    return choices[position - 1].value


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdecimal()
