"""Outcomes as files: JSON lines, one outcome each, to take along or to share."""

import json
from collections.abc import Iterable
from pathlib import Path

from knowledge.errors import BadInput
from knowledge.files import save_as
from knowledge.records.outcome import Outcome

MAX_BYTES = 200_000_000


def write_outcomes(outcomes: Iterable[Outcome], path: Path) -> int:
    """Write all outcomes, whole or not at all; how many there were. BadInput when the place cannot be written."""
    lines = [json.dumps(outcome.to_json(), ensure_ascii=False, allow_nan=False) + "\n" for outcome in outcomes]
    save_as(path, "".join(lines), field="file")
    return len(lines)


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """The outcomes of a file; BadInput names the line that is not one, and then nothing is read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} is larger than {MAX_BYTES:,} bytes", field="file")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} cannot be read", "give a file that `sextant outcomes export` wrote", field="file"
        ) from error
    return tuple(_read(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1) if line.strip())


def _read(line: str, place: str) -> Outcome:
    try:
        return Outcome.from_json(json.loads(line, parse_constant=_refused))
    except ValueError as error:
        raise BadInput(f"{place}: not JSON: {error}", field="file") from error
    except BadInput as error:
        raise BadInput(f"{place}: {error.message}", error.cure, field="file") from error


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
