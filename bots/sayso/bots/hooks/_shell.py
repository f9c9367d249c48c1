"""Commands and the patterns that stand for them, argument by argument. It runs nothing.

Two readings, for the two ways in which a mistake would hurt. A command is *plain* if it is one program with its
arguments and the shell adds nothing to it; only such a one may be allowed without people. For what is asked or denied,
every program that a command seems to run counts.
"""

from __future__ import annotations

import re
import shlex

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_SUBSTITUTED = re.compile(r"[$<>]?\(|`|\n")
_OPERATORS = frozenset("();<>|&")
_WRAPPERS = frozenset({"builtin", "command", "env", "exec", "nice", "nohup", "sudo", "time", "xargs"})
_INTERPRETERS = frozenset({"bash", "dash", "eval", "sh", "zsh"})

ANY_REST = "**"

_LONGEST = 20_000
"""Characters of a command that are looked at. A longer one concerns every pattern and is covered by none."""


_WORD = re.compile(
    r"""(?:[A-Za-z0-9_\-./,:@+][A-Za-z0-9_\-./,:@%+=]*|'[^']*'|"[^"$`\\!]*")(?:[A-Za-z0-9_\-./,:@%+=]+|'[^']*'|"[^"$`\\!]*")*"""
)
"""A word that every shell reads as it stands: characters without a meaning, and quotes in which nothing is expanded. It
does not begin with `=` (a path, to zsh) or `%` (a job).
"""

_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


def plain_words(command: str) -> tuple[str, ...] | None:
    """The program and its arguments, if a shell makes exactly this of the command; else None."""
    if not command.isprintable() or len(command) > _LONGEST:
        return None
    words: list[str] = []
    rest = command.strip(" ")
    while rest:
        found = _WORD.match(rest)
        if found is None or rest[found.end() : found.end() + 1] not in ("", " "):
            return None
        words.append(_QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or "", found[0]))
        rest = rest[found.end() :].lstrip(" ")
    return tuple(words) if words and words[0] and not _ASSIGNMENT.match(words[0]) else None


def programs_in(command: str) -> list[tuple[str, ...]]:
    """Every program that a command seems to run, with its arguments: in lists, pipes and substitutions, and behind
    programs that run others. What only a running shell can know is not found.
    """
    found: list[tuple[str, ...]] = []
    for text in _SUBSTITUTED.split(command):
        words: list[str] = []
        for token in [*_tokens(text), ";"]:
            if token and _OPERATORS.issuperset(token):
                found += _programs(words)
                words = []
            else:
                words.append(token)
    inner = [one for name, *rest in found if name in _INTERPRETERS for one in rest if " " in one]
    return found + [one for text in inner for one in programs_in(text)]


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # quotes that do not end
        return re.sub(r"([();<>|&])", r" \1 ", text.replace("'", " ").replace('"', " ")).split()


def _programs(words: list[str]) -> list[tuple[str, ...]]:
    """The program that words run, and the one that it may run for them."""
    rest = list(words)
    found: list[tuple[str, ...]] = []
    while rest:
        name = _name(rest[0])
        if not _ASSIGNMENT.match(rest[0]):
            found.append((name, *rest[1:]))
            if name not in _WRAPPERS:
                break
        rest.pop(0)
        while found and rest and rest[0].startswith("-"):
            rest.pop(0)
    return found


def _name(program: str) -> str:
    return program.rpartition("/")[2]


class InvalidPattern(ValueError):
    """A pattern that stands for no command. The text says why."""


def read_pattern(text: str) -> tuple[str, ...]:
    """A pattern, word by word. Raises `InvalidPattern`."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise InvalidPattern(f"{text!r} cannot be read as a command: {error}") from error
    if not words or "*" in words[0]:
        raise InvalidPattern(f"{text!r} must start with the name of a program")
    if ANY_REST in words[:-1]:
        raise InvalidPattern(f"{text!r} has {ANY_REST} before its end; it stands for all other arguments")
    return words


def covers(pattern: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether a pattern stands for exactly these words. `*` stands for any part of one argument, `**` at the end for
    any more; neither stands for an option or for a way out of a folder (`..`), which have to be written out.
    """
    return _matches(pattern, words, strict=True)


def concerns(pattern: tuple[str, ...], command: str) -> bool:
    """Whether a command seems to run something that a pattern stands for. Here `*` and `**` stand for options, too."""
    return len(command) > _LONGEST or any(
        _matches(pattern, one, strict=False) for one in programs_in(command)
    )


def _matches(pattern: tuple[str, ...], words: tuple[str, ...], *, strict: bool) -> bool:
    has_rest = pattern[-1] == ANY_REST
    fixed = pattern[:-1] if has_rest else pattern
    if len(words) < len(fixed) or (len(words) > len(fixed) and not has_rest):
        return False
    rest = words[len(fixed) :]
    return all(
        _matches_word(one, word, strict=strict) for one, word in zip(fixed, words, strict=False)
    ) and all(_matches_word("*", word, strict=strict) for word in rest)


def _matches_word(pattern: str, word: str, *, strict: bool) -> bool:
    if "*" not in pattern:
        return pattern == word
    if strict and ((word.startswith("-") and not pattern.startswith("-")) or ".." in word.split("/")):
        return False
    first, *middle, last = pattern.split("*")
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    place, end = len(first), len(word) - len(last)
    for one in middle:
        found = word.find(one, place, end)
        if found < 0:
            return False
        place = found + len(one)
    return True
