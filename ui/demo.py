"""The scripted session, shown as the terminal chat shows it. Nothing is canned: it plans, deploys and measures."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from evals.player import OWNER, play
from evals.scenario import Turn, read_scenarios
from ui.chat import TerminalChat
from ui.opening import opened
from ui.settings import Settings

SCRIPT = Path(__file__).parent.parent / "evals" / "demo"
TIME_FACTOR = 5.0


async def run() -> bool:
    """Play the demo; whether everything that the script expects held."""
    console = Console()
    (scenario,) = read_scenarios((SCRIPT,))
    with TemporaryDirectory(prefix="sextant-demo-") as folder:
        async with opened(time_factor=TIME_FACTOR, settings=Settings(home=Path(folder)), tied=True) as sessions:
            chat = TerminalChat(sessions, console, thread=scenario.id, owner=OWNER)
            played = await play(scenario, sessions, watch=lambda turn: console.print(_typed(turn)), show=chat.play)
    faults = [fault for turn in played.turns for fault in turn.faults] + list(played.goal_faults)
    for fault in faults:
        console.print(f"unexpected: {fault}", style="red", markup=False)
    return not faults


def _typed(turn: Turn) -> Text:
    words = turn.user or (f"/edit {json.dumps(turn.edit)}" if turn.edit else f"/{turn.action}")
    return Text(f"\nyou> {words}", style="bold cyan")
