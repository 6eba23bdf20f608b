"""What on the cluster is no longer as it was applied: only fields that Sextant set are compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tools.kubernetes.cluster import FIELD_MANAGER, Cluster
from tools.kubernetes.owners import Item, Step, dotted, owners
from tools.kubernetes.quantities import same_value

_IDENTITY = ("name", "port", "containerPort", "type", "key", "topologyKey", "mountPath", "alert")


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `live` is None where it is gone; `manager` owns the field now, where somebody else does."""

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
        for path, wanted, actual in differences(entry, live):
            others = " and ".join(owners(live, path, besides=FIELD_MANAGER))
            found.append(Drift(subject, dotted(path), wanted, actual, others or None))
    return tuple(found)


def differences(applied: Any, live: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    """(path, applied, live) for every applied value that the live one does not hold."""
    if isinstance(applied, Mapping) and isinstance(live, Mapping):
        for name, value in applied.items():
            yield from differences(value, live.get(name), (*path, str(name)))
    elif isinstance(applied, list) and isinstance(live, list):
        yield from _lists(applied, live, path)
    elif not same_value(applied, live):
        yield path, applied, live


def _lists(applied: list[Any], live: list[Any], path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    key = next(
        (name for name in _IDENTITY if applied and all(isinstance(e, Mapping) and name in e for e in applied)), None
    )
    if key is None:
        if len(applied) != len(live):
            yield path, applied, live
            return
        for position, (wanted, actual) in enumerate(zip(applied, live, strict=True)):
            yield from differences(wanted, actual, (*path, position))
        return
    places = {entry.get(key): entry for entry in live if isinstance(entry, Mapping)}
    for wanted in applied:
        actual = places.get(wanted[key])
        yield from differences(wanted, actual, (*path, Item(key, wanted[key], actual or wanted)))
