"""How a command answers: JSON on stdout alone, everything else for people."""

import json
import sys
from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 1


def print_json(result: Mapping[str, Any], *, snapshot: str) -> None:
    """Write one JSON object to stdout, with schema and snapshot version first."""
    body = {"schema_version": SCHEMA_VERSION, "snapshot": snapshot, **result}
    sys.stdout.write(json.dumps(body, ensure_ascii=False, allow_nan=False) + "\n")
