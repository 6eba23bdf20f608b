"""Says words to a conversation in a process of its own that kills itself (SIGKILL) when a step begins."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from agent.events import Progress
from evals.player import OWNER
from knowledge.errors import BadInput
from ui.opening import opened
from ui.settings import Settings


async def crashed(home: Path, thread: str, words: str, step: str) -> None:
    """Play the words until `step` begins and the process is gone. Raises BadInput when that step never began."""
    command = (sys.executable, "-m", "ui.crashing", str(home), thread, step, words)
    child = await asyncio.create_subprocess_exec(*command)
    if await child.wait() != -signal.SIGKILL:
        raise BadInput(f"the step {step!r} to crash in never began", "name a step that these words lead to")


async def _until(home: Path, thread: str, step: str, words: str) -> None:
    async with opened(time_factor=1.0, settings=Settings(home=home)) as sessions:
        async for event in sessions.say(thread, OWNER, words):
            if isinstance(event, Progress) and event.step == step:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(_until(Path(sys.argv[1]), *sys.argv[2:5]))
