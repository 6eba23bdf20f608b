"""What on the cluster is no longer as it was applied: only fields that Sextant set are compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tools.kubernetes.cluster import Cluster
from tools.kubernetes.quantities import same_value

_IDENTITY = ("name", "port", "containerPort", "type", "key", "topologyKey", "mountPath", "alert")


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `live` is None where the object or field is gone; `manager` wrote last, where that is known."""

    subject: str
    field: str
    applied: Any
    live: Any
    manager: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def drift(cluster: Cluster, objects: Sequence[Mapping[str, Any]]) -> tuple[Drift, ...]:
    """Every difference between what was applied and what is there."""
    found: list[Drift] = []
    for entry in objects:
        subject = f"{entry['kind']}/{entry['metadata']['name']}"
        live = cluster.get(entry)
        if live is None:
            found.append(Drift(subject, "", "applied", None))
            continue
        manager = _last_manager(live)
        for path, wanted, actual in differences(entry, live):
            found.append(Drift(subject, path, wanted, actual, manager))
    return tuple(found)


def differences(applied: Any, live: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, applied, live) for every applied value that the live one does not hold."""
    if isinstance(applied, Mapping) and isinstance(live, Mapping):
        for name, value in applied.items():
            yield from differences(value, live.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(applied, list) and isinstance(live, list):
        yield from _lists(applied, live, path)
    elif not same_value(applied, live):
        yield path, applied, live


def _lists(applied: list[Any], live: list[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    key = next(
        (name for name in _IDENTITY if applied and all(isinstance(e, Mapping) and name in e for e in applied)), None
    )
    if key is None:
        if len(applied) != len(live):
            yield path, applied, live
            return
        for position, (wanted, actual) in enumerate(zip(applied, live, strict=True)):
            yield from differences(wanted, actual, f"{path}.{position}")
        return
    places = {entry.get(key): entry for entry in live if isinstance(entry, Mapping)}
    for wanted in applied:
        yield from differences(wanted, places.get(wanted[key]), f"{path}[{key}={wanted[key]}]")


def _last_manager(live: Mapping[str, Any]) -> str | None:
    entries = live["metadata"].get("managedFields") or []
    others = [entry for entry in entries if entry.get("manager") != "sextant" and not entry.get("subresource")]
    newest = max(others, key=lambda entry: str(entry.get("time", "")), default=None)
    return str(newest["manager"]) if newest else None
