"""Recorded traffic from a file: JSON lines as Mooncake publishes them, or CSV as Azure does."""

import csv
import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput
from tools.simulation.traffic import TraceRequest

_TIMES_MS = ("timestamp", "timestamp_ms")
_TIMES = ("TIMESTAMP", "at_s", "arrived_at")
_PROMPTS = ("input_length", "ContextTokens", "prompt_tokens", "isl", "num_prefill_tokens")
_OUTPUTS = ("output_length", "GeneratedTokens", "output_tokens", "osl", "num_decode_tokens")


def read_trace(path: Path) -> tuple[TraceRequest, ...]:
    """The requests of a trace, in order of time, the first at 0 s.

    JSON lines (`.jsonl`) hold `timestamp` in ms, `input_length`, `output_length`; CSV holds `TIMESTAMP` (date and time,
    or seconds), `ContextTokens`, `GeneratedTokens`; either may be gzipped. Raises BadInput naming the first bad row.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode("utf-8-sig").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read trace {path}: {error}", field="trace") from None
    rows = _json_lines(lines) if ".jsonl" in path.suffixes else csv.DictReader(lines)
    requests = [_request(path, number, row) for number, row in enumerate(rows, 1)]
    if not requests:
        raise BadInput(f"trace {path} holds no request", field="trace")
    requests.sort(key=lambda request: request.at_s)
    first_s = requests[0].at_s
    return tuple(TraceRequest(r.at_s - first_s, r.prompt_tokens, r.output_tokens) for r in requests)


def _json_lines(lines: Iterable[str]) -> Iterable[Mapping[str, Any]]:
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        yield row if isinstance(row, dict) else {}


def _request(path: Path, number: int, row: Mapping[str, Any]) -> TraceRequest:
    prompt, output = _whole(row, _PROMPTS), _whole(row, _OUTPUTS)
    at_s = _seconds(row)
    if prompt is None or output is None or at_s is None:
        raise BadInput(
            f"row {number} of trace {path} has no usable time, prompt length and output length",
            f"needed: timestamp (ms), {_PROMPTS[0]}, {_OUTPUTS[0]}; or TIMESTAMP, ContextTokens, GeneratedTokens",
            field="trace",
        )
    return TraceRequest(at_s, prompt, output)


def _seconds(row: Mapping[str, Any]) -> float | None:
    in_ms = next((row[name] for name in _TIMES_MS if name in row), None)
    value = next((row[name] for name in _TIMES if name in row), None) if in_ms is None else in_ms
    try:
        return float(str(value)) / (1.0 if in_ms is None else 1000.0)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(str(value)[:26]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _whole(row: Mapping[str, Any], names: Iterable[str]) -> int | None:
    text = str(next((row[name] for name in names if name in row), ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
