"""What was applied under one name on one cluster, revision by revision, in files that survive a crash.

A revision is `applying` until it is ready, then `applied`; `replaced` by a later one, or `undone`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from knowledge.errors import StateUnusable
from knowledge.files import write_whole

RevisionState = Literal["applying", "applied", "replaced", "undone"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One set of objects. `settings` and `kubeconfig` are what is needed to find and undo it again."""

    number: int
    state: RevisionState
    deployment_id: str
    plan_hash: str
    objects: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    kubeconfig: str | None
    context: str | None

    @property
    def digest(self) -> str:
        """Of the objects, for the audit log."""
        return hashlib.sha256(json.dumps(self.objects, sort_keys=True).encode()).hexdigest()[:16]


class Revisions:
    """The revisions of one release, oldest first."""

    def __init__(self, home: Path, server: str, namespace: str, name: str) -> None:
        place = hashlib.sha256(f"{server}\n{namespace}\n{name}".encode()).hexdigest()[:12]
        self.folder = home / "kubernetes" / f"{name}-{place}"

    @property
    def gate(self) -> Path:
        """The lock of this release: one process at a time changes it."""
        return self.folder / "gate.lock"

    def all(self) -> tuple[Revision, ...]:
        """Every revision."""
        return tuple(read(path) for path in sorted(self.folder.glob("[0-9]*.json")))

    def current(self) -> Revision | None:
        """What the cluster should hold now: the newest that was neither undone nor replaced."""
        held = [entry for entry in self.all() if entry.state in ("applying", "applied")]
        return held[-1] if held else None

    def before(self, number: int) -> Revision | None:
        """What a rollback of that revision returns to."""
        held = [entry for entry in self.all() if entry.number < number and entry.state in ("applied", "replaced")]
        return held[-1] if held else None

    def put(self, revision: Revision) -> Revision:
        """Write a revision whole, in place of an older state of it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / f"{revision.number:05d}.json", json.dumps(asdict(revision)))
        except OSError as error:
            raise StateUnusable(
                f"{self.folder} cannot be written: {error.strerror}", "set SEXTANT_HOME to a directory you can write to"
            ) from error
        return revision

    def move(self, revision: Revision, state: RevisionState) -> Revision:
        """The revision in another state."""
        return self.put(replace(revision, state=state))


def read(path: Path) -> Revision:
    """A revision from its file."""
    try:
        values = json.loads(path.read_bytes())
        return Revision(**{**values, "objects": tuple(values["objects"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StateUnusable(
            f"{path} is damaged: {error}", "move it aside; what it applied is on the cluster"
        ) from error


def find(home: Path, deployment_id: str) -> Revision | None:
    """The newest revision of a deployment, whatever its release."""
    found = [read(path) for path in sorted((home / "kubernetes").glob("*/[0-9]*.json"))]
    return next((entry for entry in reversed(found) if entry.deployment_id == deployment_id), None)
