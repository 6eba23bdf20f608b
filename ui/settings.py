"""Settings: the only module that reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, with defaults."""

    home: Path
    """State directory (`SEXTANT_HOME`, default `~/.local/state/sextant`): conversations, deployments, price history."""


def read_settings() -> Settings:
    """Read the environment once."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Settings(home=Path(os.environ.get("SEXTANT_HOME") or Path(state) / "sextant"))
