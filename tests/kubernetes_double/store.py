"""The objects of the double: versions, generations, managed fields, events, deletion."""

import asyncio
import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .failure import Failure
from .kinds import Kind
from .ownership import conflicts, fields_v1, merged, owned, paths_of, removed, value_at
from .structure import defaulted

Key = tuple[str, str, str]


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Store:
    """Everything that is stored. One event loop uses it, so each method is one transaction."""

    version: int = 100
    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[int, str, str, dict[str, Any]]] = field(default_factory=list)
    compacted: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def find(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        return self.objects.get((kind.storage_key, namespace, name))

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
        found = self.find(kind, namespace, name)
        if found is None:
            group = f".{kind.group}" if kind.group else ""
            raise Failure(404, "NotFound", f'{kind.plural}{group} "{name}" not found')
        return found

    def list(self, kind: Kind, namespace: str | None) -> list[dict[str, Any]]:
        keys = sorted(key for key in self.objects if key[0] == kind.storage_key and namespace in (None, key[1]))
        return [self.objects[key] for key in keys]

    def create(self, kind: Kind, entry: dict[str, Any], manager: str, *, dry: bool = False) -> dict[str, Any]:
        return self._written(kind, None, entry, manager, "Update", owned(entry, kind), dry=dry)

    def update(
        self, kind: Kind, entry: dict[str, Any], manager: str, *, status: bool = False, dry: bool = False
    ) -> dict[str, Any]:
        """PUT or PATCH of a whole object; with `status` only that part counts, else everything but it."""
        metadata = entry["metadata"]
        live = self.get(kind, metadata.get("namespace", ""), metadata["name"])
        stated = metadata.get("resourceVersion")
        if stated and stated != live["metadata"]["resourceVersion"]:
            raise Failure(
                409, "Conflict",
                f'Operation cannot be fulfilled on {kind.plural} "{metadata["name"]}": the object has been modified;'
                " please apply your changes to the latest version and try again",
            )  # fmt: skip
        made = copy.deepcopy(entry)
        if status:
            made = {**copy.deepcopy(live), "status": entry.get("status", {})}
        elif kind.status:
            made.pop("status", None)
            made |= {"status": copy.deepcopy(live["status"])} if "status" in live else {}
        before, after = owned(live, kind), owned(made, kind)
        touched = frozenset(path for path in after if path not in before or _differs(live, made, path))
        subresource = "status" if status else ""
        return self._written(kind, live, made, manager, "Update", touched, dry=dry, subresource=subresource)

    def apply(
        self, kind: Kind, applied: dict[str, Any], manager: str, *, force: bool, dry: bool
    ) -> tuple[dict[str, Any], bool]:
        """Server-side apply; the object and whether it is new."""
        metadata = applied["metadata"]
        live = self.find(kind, metadata.get("namespace", ""), metadata["name"])
        wanted = owned(applied, kind)
        if live is None:
            return self._written(kind, None, defaulted(applied, kind), manager, "Apply", wanted, dry=dry), True
        entries = live["metadata"].get("managedFields", [])
        sets = {(e["manager"], e["operation"], e.get("subresource", "")): paths_of(e["fieldsV1"]) for e in entries}
        others = {
            f'"{e["manager"]}"' + (f" using {e['apiVersion']}" if e["operation"] == "Update" else ""): paths
            for e, (key, paths) in zip(entries, sets.items(), strict=True) if key != (manager, "Apply", "")
        }  # fmt: skip
        found = conflicts(live, applied, wanted, others)
        if found and not force:
            causes = [
                {"reason": "FieldManagerConflict", "message": f"conflict with {entry.manager}", "field": entry.field}
                for entry in found
            ]
            said = "; ".join(f"conflict with {entry.manager}: {entry.field}" for entry in found)
            plural = "conflict" if len(found) == 1 else "conflicts"
            raise Failure(409, "Conflict", f"Apply failed with {len(found)} {plural}: {said}", causes=causes)
        made = merged(live, applied, kind.schema)
        made["metadata"] = {**copy.deepcopy(live["metadata"]), **{
            name: merged(live["metadata"].get(name, {}), value, {}) if isinstance(value, dict) else value
            for name, value in metadata.items()
        }}  # fmt: skip
        dropped = sets.get((manager, "Apply", ""), frozenset()) - wanted
        for path in sorted(dropped, key=lambda path: path[-1] != "."):  # whole items before what is in them
            if not any(path in paths for paths in others.values()):
                removed(made, path)
        taken = frozenset(entry.path for entry in found)
        made = defaulted(made, kind)
        return self._written(kind, live, made, manager, "Apply", wanted, dry=dry, taken=taken), False

    def delete(self, kind: Kind, namespace: str, name: str, *, foreground: bool) -> dict[str, Any]:
        live = self.get(kind, namespace, name)
        if foreground or live["metadata"].get("finalizers"):
            made = copy.deepcopy(live)
            made["metadata"].setdefault("deletionTimestamp", now())
            finalizers = made["metadata"].setdefault("finalizers", [])
            if foreground and "foregroundDeletion" not in finalizers:
                finalizers.append("foregroundDeletion")
            return self._stored(kind, made, "MODIFIED")
        self.remove(kind, live)
        return live

    def remove(self, kind: Kind, live: dict[str, Any]) -> None:
        metadata = live["metadata"]
        self.objects.pop((kind.storage_key, metadata.get("namespace", ""), metadata["name"]), None)
        self.version += 1
        gone = copy.deepcopy(live)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._logged(kind, "DELETED", gone)

    def compact(self) -> None:
        """Forget the past: watches from before begin anew."""
        self.compacted = self.version
        self.log = [entry for entry in self.log if entry[0] > self.version]

    def _written(  # noqa: PLR0917 - one write has this many parts
        self, kind: Kind, live: dict[str, Any] | None, entry: dict[str, Any], manager: str, operation: str,
        paths: frozenset[tuple[str, ...]], *, dry: bool, subresource: str = "",
        taken: frozenset[tuple[str, ...]] = frozenset(),
    ) -> dict[str, Any]:  # fmt: skip
        made = copy.deepcopy(entry)
        metadata = made["metadata"]
        if live is None:
            metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now(), "generation": 1}
            metadata.pop("resourceVersion", None)
        else:
            same = _spec(live) == _spec(made)
            kept = ("uid", "creationTimestamp", "deletionTimestamp")
            metadata |= {name: live["metadata"][name] for name in kept if name in live["metadata"]}
            metadata["generation"] = live["metadata"]["generation"] + (0 if same else 1)
        before = [
            {
                **entry,
                "fieldsV1": fields_v1(
                    frozenset(p for p in paths_of(entry["fieldsV1"]) if value_at(made, p) is not None)
                ),
            }
            for entry in (live["metadata"].get("managedFields", []) if live else [])
        ]
        writer = {"manager": manager, "operation": operation} | ({"subresource": subresource} if subresource else {})
        metadata["managedFields"] = _managed(before, writer, paths, kind.api_version, taken)
        if dry:
            return made
        if live is not None and _settled(live) == _settled(made):
            return live
        return self._stored(kind, made, "ADDED" if live is None else "MODIFIED")

    def _stored(self, kind: Kind, made: dict[str, Any], event: str) -> dict[str, Any]:
        metadata = made["metadata"]
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            self.remove(kind, made)
            return made
        self.objects[kind.storage_key, metadata.get("namespace", ""), metadata["name"]] = made
        self._logged(kind, event, made)
        return made

    def _logged(self, kind: Kind, event: str, entry: dict[str, Any]) -> None:
        self.log.append((self.version, event, kind.storage_key, copy.deepcopy(entry)))
        self.changed.set()
        self.changed = asyncio.Event()


def _differs(live: Mapping[str, Any], made: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    return bool(value_at(live, path) != value_at(made, path))


def _spec(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in ("metadata", "status")}


def _settled(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without what every write changes."""
    metadata = {name: value for name, value in entry["metadata"].items() if name != "resourceVersion"}
    metadata["managedFields"] = [
        {name: value for name, value in managed.items() if name != "time"} for managed in metadata["managedFields"]
    ]
    return {**entry, "metadata": metadata}


def _managed(
    before: list[dict[str, Any]], writer: Mapping[str, str], paths: frozenset[tuple[str, ...]], api_version: str,
    taken: frozenset[tuple[str, ...]],
) -> list[dict[str, Any]]:  # fmt: skip
    """The field sets after a write: the writer has what it wrote; an update takes its fields from everybody else, an
    apply what it was forced to take.
    """
    made: list[dict[str, Any]] = []
    mine, updating, place = paths, writer["operation"] == "Update", len(before)
    for entry in before:
        held = paths_of(entry["fieldsV1"])
        if all(entry.get(name) == writer.get(name) for name in ("manager", "operation", "subresource")):
            mine, place = (mine | held if updating else mine), len(made)
            continue
        held -= paths if updating else taken
        if held:
            made.append({**entry, "fieldsV1": fields_v1(held)})
    if mine:
        made.insert(place, {**writer, "apiVersion": api_version, "time": now(), "fieldsType": "FieldsV1",
                            "fieldsV1": fields_v1(mine)})  # fmt: skip
    return made
