"""What has been understood so far: values with the words that said them, and what could not be placed."""

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from tools.intent import Intent, Provenance, Question, Understanding, Unresolved

MAX_UNRESOLVED = 50
STANDING = frozenset(["total_users", "concurrent_users", "expected_qps", "requests_per_day"])


REPLACED = frozenset(["gpu_types", "preferred_models"])
_ADDING = re.compile(r"\b(?:also|too|as well|plus|and|or|auch|und|oder|aussi|et|ou|tambien|y|o)\b")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Words seen and not placed, with the question that would settle them."""

    start: int
    end: int
    why: str
    field: str
    question: str
    suggestions: tuple[str, ...]


@dataclass(slots=True)
class _Entry:
    value: Any
    start: int
    end: int
    detail: str | None


@dataclass(slots=True)
class Draft:
    """Collects the fields of one message. The first word on a field stands unless a later one corrects it."""

    message: str
    turn: int
    corrections: tuple[int, ...] = ()
    standing: Intent = field(default_factory=Intent)
    """What was said in earlier turns: read where a number needs another, never said again."""
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _doubts: list[Doubt] = field(default_factory=list)

    def value(self, path: str) -> Any:
        """The value of a field so far, or what stands of those that others are worked out from; or None."""
        entry = self._entries.get(path)
        if entry is None and path in STANDING:
            return getattr(self.standing, path)
        return entry.value if entry else None

    def spans(self, path: str, start: int) -> bool:
        """Whether the field is filled by the words that begin at `start`."""
        entry = self._entries.get(path)
        return entry is not None and entry.start == start

    def say(self, path: str, value: Any, start: int, end: int, detail: str | None = None) -> None:
        """Fill a field from the words at `start` to `end`; a second, other value is doubted, or wins if it corrects."""
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            value = int(value)
        entry = self._entries.get(path)
        if entry and entry.value != value:
            if not any(entry.end <= at < start for at in self.corrections):
                self.doubt(start, end, f"{path} was already said as {entry.value}", path)
                return
        elif entry:
            return
        self._entries[path] = _Entry(value, start, end, detail)

    def add(self, path: str, item: Any, start: int, end: int, detail: str | None = None) -> None:
        """Add one item to a list field; the span grows to hold all items."""
        entry = self._entries.get(path)
        if entry is None or (path in REPLACED and self._taken_back(entry, start, end)):
            self._entries[path] = _Entry([item], start, end, detail)
        elif item not in entry.value:
            entry.value.append(item)
            entry.start, entry.end = min(entry.start, start), max(entry.end, end)

    def _taken_back(self, entry: _Entry, start: int, end: int) -> bool:
        """ "Use A100s. Hmm, actually L40S": the words between correct what was said, and do not add to it."""
        corrected = any(entry.end <= at < start for at in self.corrections)
        return corrected and not _ADDING.search(self.message[entry.end : end + 12].lower())

    def drop(self, path: str) -> None:
        """Take a field out again."""
        self._entries.pop(path, None)

    def doubt(  # noqa: PLR0917  # the span leads, as everywhere
        self, start: int, end: int, why: str, about: str = "", question: str = "", suggestions: tuple[str, ...] = ()
    ) -> None:
        """Note words that could not be placed."""
        words = self.message[start:end]
        asked = question or f"You wrote “{words[:80]}”: {why}. What is it?"
        self._doubts.append(Doubt(start, end, why, about or "unresolved", asked, suggestions))

    def _nested(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for path, entry in self._entries.items():
            outer, _, inner = path.partition(".")
            if inner:
                values.setdefault(outer, {})[inner] = entry.value
            else:
                values[outer] = entry.value
        return values

    def _refuse(self, error: ValidationError) -> None:
        """Turn values that a field does not accept into doubts."""
        for fault in error.errors():
            parts = [str(part) for part in fault["loc"]]
            paths = [
                path for path in self._entries if path == ".".join(parts[:2]) or path.partition(".")[0] == parts[0]
            ]
            for path in [path for path in paths if path == ".".join(parts[:2])] or paths:
                entry = self._entries.pop(path)
                self.doubt(entry.start, entry.end, f"not a possible value of {path}: {fault['msg'].lower()}", path)

    def understanding(self) -> Understanding:
        """The intent, where each field was said, and what must be asked."""
        while True:
            try:
                intent = Intent.model_validate(self._nested())
                break
            except ValidationError as error:
                self._refuse(error)
        doubts = sorted({(each.start, each.end): each for each in self._doubts}.values(), key=lambda each: each.start)
        doubts = doubts[:MAX_UNRESOLVED]
        unresolved = tuple(Unresolved(text=self.message[each.start : each.end], why=each.why) for each in doubts)
        provenance = {
            path: Provenance(source="said", text=self.message[entry.start : entry.end], start=entry.start,
                             end=entry.end, turn=self.turn, detail=entry.detail)
            for path, entry in self._entries.items()
        }  # fmt: skip
        questions = tuple(
            Question(field=each.field, question=each.question, suggestions=each.suggestions) for each in doubts
        )
        return Understanding(intent=intent.model_copy(update={"unresolved": unresolved}), provenance=provenance,
                             questions=questions)  # fmt: skip
