"""Who holds a release on a cluster: one state directory at a time.

Two Sextants with notes of their own would overwrite each other unseen, since both apply as the same field manager. So
each also applies one annotation as a manager of its own, never forced: the API server lets only one of them have it.
"""

import os
import re
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knowledge.errors import Conflict, StateUnusable
from tools.kubernetes.cluster import FIELD_MANAGER, Cluster
from tools.kubernetes.release import Release

HELD_BY = "sextant.dev/held-by"
_MANAGED_BY = {"app.kubernetes.io/managed-by": "sextant"}
_LONGEST_HOST = 40


def holder(home: Path) -> str:
    """The name of a state directory: made once, the same in every process that shares the directory."""
    path = home / "kubernetes" / "holder"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower())[:_LONGEST_HOST].strip("-")
            draft = path.with_suffix(f".{os.getpid()}-{uuid.uuid4().hex[:8]}")
            draft.write_text(f"{host or 'host'}-{uuid.uuid4().hex[:8]}")
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was first, and its name holds
            finally:
                draft.unlink()
        return path.read_text()
    except OSError as error:
        raise StateUnusable(
            f"{path} cannot be written: {error.strerror}", "set SEXTANT_HOME to a directory you can write to"
        ) from error


def claim(cluster: Cluster, built: Release, name: str) -> None:
    """Hold a release for the state directory `name`. Conflict when another holds it; it is freed with its objects."""
    entry = built.plan_reference
    entry["metadata"] |= {"labels": _MANAGED_BY, "annotations": {HELD_BY: name}}
    try:
        cluster.apply(entry, manager=f"{FIELD_MANAGER}-{name}")
    except Conflict:
        refuse_what_another_holds(cluster.get(entry), built, name)
        raise


def refuse_what_another_holds(live: Mapping[str, Any] | None, built: Release, name: str) -> None:
    """Conflict when the release's ConfigMap says that another state directory than `name` holds it."""
    found = ((live or {}).get("metadata", {}).get("annotations") or {}).get(HELD_BY)
    if found not in (None, name):
        raise Conflict(
            f"{built.name} in {built.settings.namespace} was deployed by another Sextant, {found}",
            "roll it back there, or choose another --name",
        )
