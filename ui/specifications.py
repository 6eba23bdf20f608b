"""From what a person names (words, an intent, a plan, a specification) to the specification that is deployed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import BadInput

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.deploy import DeploymentSpec

MAX_FILE_BYTES = 20_000_000


def specification(named: str, option: str | None, snapshot: "Snapshot") -> "DeploymentSpec":
    """The specification that `named` stands for: a JSON file when there is one of that name, else words.

    A file holds a specification, a plan (`sextant plan --json`) or an intent. Raises BadInput and NotFound.
    """
    from tools.deploy.option import specification_from_plan
    from tools.deploy.specification import read_specification

    values = _file(Path(named)) if _is_file(named) else None
    if values is not None and "option_id" in values:
        return read_specification(values)
    if values is not None and "options" in values:
        return specification_from_plan(values, option)
    return specification_from_plan(_planned(named, values, snapshot), option, snapshot=snapshot.version)


def _planned(text: str, values: dict[str, Any] | None, snapshot: "Snapshot") -> dict[str, Any]:
    """A plan of an intent from a file, or of words."""
    from pydantic import ValidationError

    from tools.intent import Intent
    from tools.planner import plan

    if values is None:
        from agent.understanding import understand

        understood = understand(text, snapshot)
        return plan(understood.intent, snapshot, said=understood.provenance).to_json()
    try:
        intent = Intent.model_validate(values.get("intent", values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{name}: {first['msg']}", field=name) from error
    return plan(intent, snapshot).to_json()


def _is_file(named: str) -> bool:
    try:
        return Path(named).is_file()
    except (OSError, ValueError):
        return False


def _file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"{path} is larger than {MAX_FILE_BYTES:,} bytes", field="spec")
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} is not readable JSON: {error}", "give a specification, a plan or an intent", field="spec"
        ) from error
    if not isinstance(values, dict):
        raise BadInput(f"{path} holds no JSON object", "give a specification, a plan or an intent", field="spec")
    return values
