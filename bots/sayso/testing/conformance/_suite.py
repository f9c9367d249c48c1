"""The suite as one class."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from sayso.testing.conformance._answers import Answers
from sayso.testing.conformance._driver import Driver
from sayso.testing.conformance._presses import Presses
from sayso.testing.conformance._restarts import Restarts
from sayso.testing.conformance._sending import Cards
from sayso.testing.conformance._stage import Stage


@pytest.mark.asyncio(loop_scope="class")
class Conformance(Restarts, Cards, Presses, Answers):  # pytest begins with the last
    """All that a platform must do. One service serves all tests of a class; each asks questions of its own."""

    @classmethod
    def driver(cls) -> AbstractAsyncContextManager[Driver]:
        """A driver with its local server, while inside."""
        raise NotImplementedError(f"{cls.__name__}.driver() gives the driver of the platform")

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def stage(cls) -> AsyncGenerator[Stage]:
        """The people and the service that the tests of this class share."""
        # Not pytest's tmp_path, which may be too long for the path of a socket.
        with tempfile.TemporaryDirectory(prefix="sayso-") as folder:
            async with cls.driver() as driver, Stage.opened(driver, Path(folder)) as stage:
                yield stage
