"""Plays scenarios in a state directory of their own that is gone afterwards."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.player import Played, play
from evals.scenario import Scenario
from ui.crashing import crashed
from ui.opening import opened
from ui.settings import Settings

TIME_FACTOR = 50.0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Played scenarios, and the ids of those that a second playing told otherwise (none when there was no second)."""

    played: tuple[Played, ...]
    varying: tuple[str, ...]


async def evaluated(scenarios: tuple[Scenario, ...], *, twice: bool = False) -> Evaluated:
    """Play every scenario; `twice` plays those that deploy nothing again and compares every event."""
    with TemporaryDirectory(prefix="sextant-eval-") as folder:
        home = Path(folder)
        async with opened(time_factor=TIME_FACTOR, settings=Settings(home=home), tied=True) as sessions:
            crash = partial(crashed, home)
            played = [await play(scenario, sessions, crash=crash) for scenario in scenarios]
            again = [
                await play(first.scenario, sessions, thread=f"{first.scenario.id}~2", crash=crash)
                for first in played
                if twice and first.turns_to_approval is None
            ]
    firsts = {first.scenario.id: first for first in played}
    varying = tuple(each.scenario.id for each in again if each.digest != firsts[each.scenario.id].digest)
    return Evaluated(tuple(played), varying)
