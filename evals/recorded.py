"""Readings of a language model kept beside the scenarios and replayed strictly.

Only readings are kept: what a model would phrase depends on the day's prices, so answers stand in the templates' words.
`python -m evals.recorded FILE…` writes the keys anew after the prompt or the fields have changed.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.backends.completion import SCHEMA
from agent.backends.protocol import JsonSchema, Message
from agent.backends.recording import Replay, request_key
from templates.prompts import prompt


@dataclass(frozen=True, slots=True)
class Readings:
    """A back end that reads as recorded and phrases nothing."""

    replay: Replay

    @property
    def name(self) -> str:
        """The recorded model."""
        return self.replay.name

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        """The recorded reading; BadInput when this very request was never recorded."""
        return self.replay.answer(messages, schema) if schema is not None else ""


def readings(file: Path) -> Readings:
    """The readings of a recording. Raises BadInput."""
    return Readings(Replay(_name(file), file))


def rekeyed(text: str, name: str) -> str:
    """A recording with the key of each reading worked out from the words it answers."""
    lines = []
    for line in filter(str.strip, text.splitlines()):
        entry = json.loads(line)
        messages = [Message("system", prompt("extract")), Message("user", entry["said"])]
        entry["key"] = request_key(name, messages, SCHEMA)
        lines.append(json.dumps(entry, ensure_ascii=False, sort_keys=True))
    return "\n".join(lines) + "\n"


def _name(file: Path) -> str:
    return f"recorded:{file.stem}"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        recording = Path(argument)
        recording.write_text(rekeyed(recording.read_text(encoding="utf-8"), _name(recording)), encoding="utf-8")
