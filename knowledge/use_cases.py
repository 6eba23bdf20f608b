"""Read the use cases: a long table with one number and its origin per row, so that a diff shows each change of mind."""

import csv
import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from knowledge.errors import BadInput
from knowledge.facts import Lengths, UseCase
from knowledge.loading import read_text

COLUMNS = ["task_type", "field", "value", "origin"]
_WORDS = frozenset(["title", "e2e_basis", "quality", "burstiness"])
_LENGTHS = ("isl", "osl")


def read_use_cases(path: Path) -> Mapping[str, UseCase]:
    """Use cases by task type. Raises BadInput when a field is missing, doubled, unknown or not a number."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    if next(reader, []) != COLUMNS:
        raise BadInput(f"{path.name}: the columns are not {', '.join(COLUMNS)}")
    values: dict[str, dict[str, str]] = {}
    origins: dict[str, dict[str, str]] = {}
    for task_type, field, value, origin in reader:
        if field in values.setdefault(task_type, {}):
            raise BadInput(f"{path.name}: {task_type} states {field} twice")
        values[task_type][field] = value
        origins.setdefault(task_type, {})[field] = origin
    return MappingProxyType({task: _use_case(path.name, task, values[task], origins[task]) for task in values})


def _use_case(name: str, task_type: str, values: Mapping[str, str], origin: Mapping[str, str]) -> UseCase:
    plain = {field.name for field in dataclasses.fields(UseCase)} - {"task_type", "origin", *_LENGTHS}
    dotted = {f"{kind}.{field.name}" for kind in _LENGTHS for field in dataclasses.fields(Lengths)}
    if wrong := values.keys() ^ (plain | dotted):
        raise BadInput(f"{name}: {task_type} lacks or invents {', '.join(sorted(wrong))}")
    try:
        fields: dict[str, Any] = {
            field: values[field] if field in _WORDS else _number(values[field]) for field in plain
        }
        for kind in _LENGTHS:
            lengths = {field.name: float(values[f"{kind}.{field.name}"]) for field in dataclasses.fields(Lengths)}
            fields[kind] = Lengths(**lengths)
    except ValueError as error:
        raise BadInput(f"{name}: {task_type}: {error}") from error
    return UseCase(task_type=task_type, origin=dict(origin), **fields)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number
