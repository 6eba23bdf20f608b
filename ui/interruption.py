"""Ctrl-C during something that can still say what it found: the first asks it to end, the second ends it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def interruptible(work: Callable[[asyncio.Event], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` with an event that is set on the first SIGINT or SIGTERM; a second one raises KeyboardInterrupt."""

    async def run() -> Result:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def ask() -> None:
            stop.set()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ask)
        return await work(stop)

    return asyncio.run(run())
