"""The one seam to language models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from knowledge.errors import Unavailable

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a request."""

    role: Literal["system", "user", "assistant"]
    content: str


class ModelFailed(Unavailable):
    """The model did not give a usable answer: not reached, overloaded, refused, cut off. The rules stand alone then."""


class Backend(Protocol):
    """A language model. `name` tells people which one spoke, for example `ollama:llama3.1:8b`."""

    @property
    def name(self) -> str: ...

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """The model's words: JSON text of `schema` when one is given. Raises ModelFailed."""
        ...
