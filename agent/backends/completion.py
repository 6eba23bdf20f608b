"""Understanding with a model: the rules go first, the model fills only what they left empty or unresolved.

What a model proposes counts only when its quote stands in the person's words and its numbers follow from that quote by
unit conversion; anything else is dropped or asked. Model text reaches nothing but validated fields of the intent.
"""

import json
import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.backends.protocol import Backend, JsonSchema, Message, ModelFailed
from knowledge.errors import BadInput
from templates.prompts import prompt
from tools.editing import FIELDS, edit, read_assignment
from tools.intent import Provenance, Question, Understanding

SCALES = (1.0, 1e3, 1e6)
"""Scale words between a numeral and its number: none, thousand, million."""

UNIT_STEPS = (1.0, 1000.0, 60.0, 3600.0, 86_400.0, 12.0, 30.42, 100.0)
"""Steps between the unit that is said and the unit of a field: milli, minute, hour, day, year, month, percent."""

MAX_FIELDS = 60

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPACE = re.compile(r"\s+")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProposedField(_Strict):
    """One fact that the model read: dotted path, value as JSON text, the words that state it."""

    path: str
    value: str
    quote: str


class Proposal(_Strict):
    """Everything that the model read."""

    fields: list[ProposedField]


def _schema() -> JsonSchema:
    text = {"type": "string"}
    entry = {
        "type": "object",
        "properties": {"path": {"type": "string", "enum": sorted(FIELDS)}, "value": text, "quote": text},
        "required": ["path", "value", "quote"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"fields": {"type": "array", "items": entry}},
        "required": ["fields"],
        "additionalProperties": False,
    }


SCHEMA = _schema()


@dataclass(frozen=True, slots=True)
class Completed:
    """What rules and model understood together; `note` says why the model did not help, where it did not."""

    understanding: Understanding
    note: str | None


def completed(understanding: Understanding, text: str, backend: Backend, *, turn: int) -> Completed:
    """The rules' understanding with its gaps filled by the model; unchanged, with a note, when the model fails."""
    try:
        proposal = proposed(text, backend)
    except ModelFailed as error:
        return Completed(understanding, f"{error.message}; understood by the built-in rules alone")
    for field in proposal.fields[:MAX_FIELDS]:
        understanding = _joined(understanding, field, text, backend.name, turn)
    return Completed(understanding, None)


def proposed(text: str, backend: Backend) -> Proposal:
    """The model's reading of `text`, repaired once when it is not what the schema asks for. Raises ModelFailed."""
    messages = [Message("system", prompt("extract")), Message("user", text)]
    answer = backend.answer(messages, SCHEMA)
    try:
        return Proposal.model_validate_json(answer)
    except ValidationError as error:
        fault = f"That was not valid: {error.errors(include_url=False)[0]['msg']}. Answer with the JSON alone."
        again = backend.answer([*messages, Message("assistant", answer[:4000]), Message("user", fault)], SCHEMA)
        try:
            return Proposal.model_validate_json(again)
        except ValidationError as second:
            raise ModelFailed(f"{backend.name} gave no usable JSON twice", "") from second


def _joined(understanding: Understanding, field: ProposedField, text: str, name: str, turn: int) -> Understanding:
    span = _span(field.quote, text)
    if field.path not in FIELDS or _taken(field.path, understanding) or span is None:
        return understanding
    try:
        path, value = read_assignment(f"{field.path}={field.value}")
        intent = edit(understanding.intent, {path: value})
    except BadInput:
        return understanding
    if not _follows(value, text[span[0] : span[1]]):
        question = Question(field=path, question=f"Did you mean {path} = {value}?", suggestions=(str(value),))
        return understanding.model_copy(update={"questions": (*understanding.questions, question)})
    quote = text[span[0] : span[1]]
    left = tuple(item for item in intent.unresolved if item.text not in quote)
    entry = Provenance(source="said", text=quote, start=span[0], end=span[1], turn=turn, detail=f"read by {name}")
    return Understanding(
        intent=intent.model_copy(update={"unresolved": left}),
        provenance={**understanding.provenance, path: entry},
        questions=tuple(question for question in understanding.questions if question.field != path),
    )


def _taken(path: str, understanding: Understanding) -> bool:
    """Whether the rules have filled this field, a part of it, or the whole that it is part of."""
    return any(
        known == path or known.startswith(f"{path}.") or path.startswith(f"{known}.")
        for known in understanding.provenance
    )


def _span(quote: str, text: str) -> tuple[int, int] | None:
    """Where the quote stands in the text, spaces and case aside."""
    words = [re.escape(word) for word in _SPACE.split(quote.strip()) if word]
    if not words:
        return None
    found = re.search(r"\s+".join(words), text, re.IGNORECASE)
    return found.span() if found else None


def _follows(value: object, quote: str) -> bool:
    """Whether every number of the value follows from a number of the quote by unit conversion."""
    said = [float(match.group().replace(",", "")) for match in _NUMBER.finditer(quote)]
    wanted = [float(match.group()) for match in re.finditer(r"\d+(?:\.\d+)?", json.dumps(value))]
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        return True
    return all(any(_converts(number, other) for other in said) for number in wanted)


def _converts(number: float, said: float) -> bool:
    candidates = (said * scale * factor for scale in SCALES for step in UNIT_STEPS for factor in (step, 1 / step))
    return any(abs(number - candidate) <= 1e-3 * abs(number) for candidate in candidates)
