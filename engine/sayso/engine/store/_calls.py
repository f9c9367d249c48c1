"""A store's calls, each made of the function that carries it out in a transaction: what it takes, returns and promises
is said there.

A call queues its transaction at once, and its future has the result once that is committed. Cancelling takes nothing
back.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sayso.engine.store._opened import Opened
from sayso.engine.store._transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Calls(ABC):
    """What calls have an open database carry out."""

    @abstractmethod
    def _opened(self) -> Opened:
        """The database, opened if need be."""

    def _submit(
        self, function: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        return self._opened().submit(lambda tx: function(tx, *arguments, **named))

    def _read(
        self, function: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        return self._opened().submit(lambda tx: function(tx, *arguments, **named), reads=True)


def writes(
    function: Callable[Concatenate[Transaction, P], T],
) -> Callable[Concatenate[Calls, P], asyncio.Future[T]]:
    """The call that changes what is stored by this function."""

    @wraps(function)
    def call(store: Calls, /, *arguments: P.args, **named: P.kwargs) -> asyncio.Future[T]:
        return store._submit(function, *arguments, **named)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    return call


def reads(
    function: Callable[Concatenate[Transaction, P], T],
) -> Callable[Concatenate[Calls, P], asyncio.Future[T]]:
    """The call that reads by this function in the writer's order, and so all that was queued before it."""

    @wraps(function)
    def call(store: Calls, /, *arguments: P.args, **named: P.kwargs) -> asyncio.Future[T]:
        return store._read(function, *arguments, **named)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    return call
