"""Kubernetes settings from a file and from `--set name=value`, which may hold JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import BadInput

if TYPE_CHECKING:
    from tools.kubernetes.settings import Settings

MAX_FILE_BYTES = 1_000_000


def kubernetes_settings(file: Path | None, sets: Sequence[str], **fixed: Any) -> "Settings":
    """Settings of a file, changed by `sets`, then by what is not None of `fixed`."""
    from tools.kubernetes.settings import read_settings

    values = _file(file) if file is not None else {}
    for entry in sets:
        name, given, value = entry.partition("=")
        if not given:
            raise BadInput(f"{entry[:60]!r} is no setting", "write --set name=value", field="set")
        values[name.strip()] = _value(value)
    return read_settings(values | {name: value for name, value in fixed.items() if value is not None})


def _value(text: str) -> Any:
    """JSON where it is JSON other than a version such as 1.30, else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and "." in text and text.count(".") == 1 and "e" not in text else value


def _file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"{path} is larger than {MAX_FILE_BYTES:,} bytes", field="settings")
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} is not readable JSON: {error}", "give an object of settings", field="settings"
        ) from error
    if not isinstance(values, dict):
        raise BadInput(f"{path} holds no JSON object", "give an object of settings", field="settings")
    return values
