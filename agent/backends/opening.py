"""From a chosen model to its back end."""

from typing import Protocol

from agent.backends.protocol import Backend


class Choice(Protocol):
    """What the settings say about the model."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str | None: ...
    @property
    def key(self) -> str: ...


def backend_of(choice: Choice | None) -> Backend | None:
    """The back end of a choice; None for the rules alone. Imports one SDK and only when it is used."""
    if choice is None:
        return None
    match choice.kind:
        case "ollama":
            from agent.backends.ollama_client import Ollama

            return Ollama(choice.name, host=choice.url) if choice.url else Ollama(choice.name)
        case "openai":
            from agent.backends.openai_client import OpenAI

            return OpenAI(choice.name, api_key=choice.key or "none", base_url=choice.url)
        case "anthropic":
            from agent.backends.anthropic_client import Anthropic

            return Anthropic(choice.name, api_key=choice.key, base_url=choice.url)
        case _:
            raise ValueError(f"no back end of kind {choice.kind}")
