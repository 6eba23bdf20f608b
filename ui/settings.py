"""Settings: the only module that reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import BadInput


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, with defaults."""

    home: Path
    """State directory (`SEXTANT_HOME`, default `~/.local/state/sextant`): conversations, deployments, price history."""
    model_name: str | None = None
    """Model that `sextant simulator` serves when no flag says so (`MODEL_NAME`)."""
    gpu_type: str | None = None
    """Accelerator that `sextant simulator` simulates when no flag says so (`GPU_TYPE`)."""
    tensor_parallel_size: int | None = None
    """Cards per replica of `sextant simulator` when no flag says so (`TENSOR_PARALLEL_SIZE`)."""
    benchmarks_path: str | None = None
    """Measurements that `sextant simulator` takes its times from when no flag says so (`BENCHMARKS_PATH`)."""


def read_settings() -> Settings:
    """Read the environment once."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Settings(
        home=Path(os.environ.get("SEXTANT_HOME") or Path(state) / "sextant"),
        model_name=os.environ.get("MODEL_NAME") or None,
        gpu_type=os.environ.get("GPU_TYPE") or None,
        tensor_parallel_size=_positive("TENSOR_PARALLEL_SIZE"),
        benchmarks_path=os.environ.get("BENCHMARKS_PATH") or None,
    )


def _positive(name: str) -> int | None:
    """A whole number above zero, or None when the variable is unset."""
    text = os.environ.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInput(f"{name} must be a whole number above 0, not {text[:40]!r}", field=name)
    return int(text)
