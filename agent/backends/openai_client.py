"""OpenAI, and every server that speaks its chat completions (vLLM among them)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import openai

from agent.backends.protocol import JsonSchema, Message, ModelFailed


@dataclass(frozen=True, slots=True)
class OpenAI:
    """A model behind an OpenAI-compatible address; `base_url` None is OpenAI itself."""

    model: str
    api_key: str = field(repr=False)
    base_url: str | None = None
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """Which model speaks."""
        return f"openai:{self.model}"

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """Chat completions with a strict JSON schema: the one form that compatible servers share."""
        form: dict[str, Any] = {}
        if schema:
            strict = {"name": "answer", "strict": True, "schema": dict(schema)}
            form["response_format"] = {"type": "json_schema", "json_schema": strict}
        given: list[Any] = [{"role": message.role, "content": message.content} for message in messages]
        try:
            with openai.OpenAI(
                api_key=self.api_key, base_url=self.base_url, timeout=self.timeout_s, max_retries=1
            ) as client:
                response = client.chat.completions.create(model=self.model, messages=given, temperature=0, **form)
        except openai.OpenAIError as error:
            raise ModelFailed(
                f"{self.name} did not answer: {str(error)[:200]}", "check address, key and model"
            ) from error
        if not response.choices:
            raise ModelFailed(f"{self.name} gave no answer", "try again")
        choice = response.choices[0]
        if choice.message.refusal:
            raise ModelFailed(f"{self.name} refused", "")
        if choice.finish_reason == "length":
            raise ModelFailed(f"{self.name} was cut off", "use a model with a longer output limit")
        return choice.message.content or ""
