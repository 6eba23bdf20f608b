"""Anthropic."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anthropic

from agent.backends.protocol import JsonSchema, Message, ModelFailed

MAX_OUTPUT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Anthropic:
    """A model of Anthropic; `base_url` None is Anthropic itself."""

    model: str
    api_key: str = field(repr=False)
    base_url: str | None = None
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """Which model speaks."""
        return f"anthropic:{self.model}"

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """Messages with structured output (`output_config.format`)."""
        form: dict[str, Any] = {}
        if schema:
            form["output_config"] = {"format": {"type": "json_schema", "schema": dict(schema)}}
        system = "\n".join(message.content for message in messages if message.role == "system")
        spoken: list[Any] = [
            {"role": message.role, "content": message.content} for message in messages if message.role != "system"
        ]
        try:
            with anthropic.Anthropic(
                api_key=self.api_key, base_url=self.base_url, timeout=self.timeout_s, max_retries=1
            ) as client:
                response = client.messages.create(
                    model=self.model, max_tokens=MAX_OUTPUT_TOKENS, system=system, messages=spoken, **form
                )
        except anthropic.AnthropicError as error:
            raise ModelFailed(
                f"{self.name} did not answer: {str(error)[:200]}", "check address, key and model"
            ) from error
        if response.stop_reason == "refusal":
            raise ModelFailed(f"{self.name} refused", "")
        if response.stop_reason == "max_tokens":
            raise ModelFailed(f"{self.name} was cut off", "ask for less")
        return "".join(block.text for block in response.content if block.type == "text")
