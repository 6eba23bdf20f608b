"""Ollama: the default model back end."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import ollama

from agent.backends.protocol import JsonSchema, Message, ModelFailed


@dataclass(frozen=True, slots=True)
class Ollama:
    """A model served by Ollama at `host`."""

    model: str
    host: str = "http://127.0.0.1:11434"
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """Which model speaks."""
        return f"ollama:{self.model}"

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """Uses `format`, not tools: the client's tool model drops parts of a JSON schema."""
        client = ollama.Client(self.host, timeout=self.timeout_s)
        try:
            response = client.chat(
                self.model,
                [{"role": message.role, "content": message.content} for message in messages],
                format=dict(schema) if schema else None,
                options={"temperature": 0},
            )
        except (ollama.ResponseError, ollama.RequestError, httpx.HTTPError, ConnectionError, ValueError) as error:
            raise ModelFailed(
                f"{self.name} did not answer: {str(error)[:200]}", "is `ollama serve` running?"
            ) from error
        if response.done_reason == "length":
            raise ModelFailed(f"{self.name} was cut off", "use a model with a longer output limit")
        return response.message.content or ""
