"""From what a person names (words, an intent, a plan, a specification) to the specification that is deployed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import BadInput

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.deploy import DeploymentSpec
    from tools.performance.experience import Experience

MAX_FILE_BYTES = 20_000_000


def specification(
    named: str, option: str | None, snapshot: "Snapshot", experience: "Experience | None" = None
) -> "DeploymentSpec":
    """The specification that `named` stands for: a JSON file when there is one of that name, else words.

    A file holds a specification, a plan (`sextant plan --json`) or an intent; words and intents are planned with what
    own deployments taught. Raises BadInput and NotFound.
    """
    from tools.deploy.option import specification_from_plan
    from tools.deploy.specification import read_specification

    values = _file(Path(named)) if _is_file(named) else None
    if values is not None and "option_id" in values:
        return read_specification(values)
    if values is not None and "options" in values:
        return specification_from_plan(values, option)
    planned = _planned(named, values is not None, snapshot, experience)
    return specification_from_plan(planned, option, snapshot=snapshot.version)


def _planned(named: str, is_file: bool, snapshot: "Snapshot", experience: "Experience | None") -> dict[str, Any]:
    """A plan of the one intent that a file or words stand for."""
    from tools.performance.experience import NO_EXPERIENCE
    from tools.planner import plan
    from ui.intents import intents

    found = intents(None, Path(named), (), snapshot) if is_file else intents(named, None, (), snapshot)
    if len(found) > 1:
        raise BadInput(f"{named} holds {len(found)} intents", "deploy them one at a time", field="spec")
    intent, said, classes = found[0]
    own = experience or NO_EXPERIENCE
    return plan(intent, snapshot, said=said, experience=own, classes=classes).to_json()


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
    return values if isinstance(values, dict) else {}
