"""Model turns kept and replayed: a replay never asks a model, and an unseen request is an error."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.backends.protocol import Backend, JsonSchema, Message
from knowledge.errors import BadInput


def request_key(name: str, messages: Sequence[Message], schema: JsonSchema | None) -> str:
    """Digest of everything that decides an answer: model, messages, schema."""
    request = {"model": name, "messages": [asdict(message) for message in messages], "schema": schema}
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recorder:
    """Passes requests on and appends each answer to a JSON-lines file."""

    backend: Backend
    file: Path

    @property
    def name(self) -> str:
        """The recorded model."""
        return self.backend.name

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """The model's answer, kept."""
        text = self.backend.answer(messages, schema)
        line = {"key": request_key(self.name, messages, schema), "said": messages[-1].content, "answer": text}
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        return text


class Replay:
    """Answers from a recording of the model `name`."""

    def __init__(self, name: str, file: Path) -> None:
        self.name = name
        try:
            lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
            self._answers: dict[str, str] = {line["key"]: line["answer"] for line in lines}
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"cannot read the recording {file}: {error}", "record it anew") from error

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """The recorded answer; BadInput when this very request was never recorded."""
        key = request_key(self.name, messages, schema)
        if key not in self._answers:
            raise BadInput(f"this request was not recorded: {messages[-1].content[:80]!r}", "record the session anew")
        return self._answers[key]
