"""Understanding without a model: a deterministic grammar from a message to an intent."""

from agent.understanding.message import understand

__all__ = ["understand"]
