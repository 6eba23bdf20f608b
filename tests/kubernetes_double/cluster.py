"""What the double is told to be: who may do what, which APIs are missing, what goes wrong; its fault hook sets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .failure import Failure
from .kinds import Kind, all_kinds
from .store import Store


@dataclass
class Cluster:
    """State of the double beside its objects.

    `denied`: [verb, resource] pairs, `*` for any; `failing`: answers that are given instead, each `times` times;
    `webhook`: a denial of InferenceServices; `pods`: what becomes of pods (see controller); `missing`: API groups.
    """

    store: Store = field(default_factory=Store)
    denied: list[list[str]] = field(default_factory=list)
    failing: list[dict[str, Any]] = field(default_factory=list)
    webhook: str = ""
    pods: str = ""
    missing: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def reset(self) -> None:
        """No faults, and nothing in any namespace."""
        self.denied, self.failing, self.missing, self.requests = [], [], [], []
        self.webhook = self.pods = ""
        for key, entry in list(self.store.objects.items()):
            if key[1] and key in self.store.objects:
                kind = next(kind for kind in all_kinds() if kind.storage_key == key[0])
                self.store.remove(kind, entry)

    def kinds(self) -> list[Kind]:
        return [kind for kind in all_kinds() if kind.group not in self.missing]

    def kind(self, group: str, version: str, plural: str) -> Kind:
        wanted = f"{group}/{version}".lstrip("/")
        for kind in self.kinds():
            if (kind.api_version, kind.plural) == (wanted, plural):
                return kind
        raise Failure(404, "NotFound", "the server could not find the requested resource")

    def named(self, api_version: str, name: str) -> Kind:
        """The kind of that name."""
        return next(kind for kind in all_kinds() if (kind.api_version, kind.kind) == (api_version, name))

    def allowed(self, verb: str, plural: str) -> bool:
        return not any(rule[0] in ("*", verb) and rule[1] in ("*", plural) for rule in self.denied)

    def authorize(self, verb: str, kind: Kind, namespace: str, user: str) -> None:
        if not self.allowed(verb, kind.plural):
            place = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
            raise Failure(
                403, "Forbidden",
                f'{kind.plural}.{kind.group} is forbidden: User "{user}" cannot {verb} resource "{kind.plural}"'
                f' in API group "{kind.group}"{place}',
            )  # fmt: skip

    def fail_if_told(self, verb: str, plural: str) -> None:
        for rule in self.failing:
            if rule["verb"] in ("*", verb) and rule["resource"] in ("*", plural) and rule["times"] > 0:
                rule["times"] -= 1
                raise Failure(rule["code"], rule["reason"], rule["message"], retry_after_s=rule.get("retry_after_s", 0))

    def admit(self, kind: Kind, entry: Mapping[str, Any]) -> None:
        if self.webhook and kind.kind == "InferenceService":
            raise Failure(
                403, "Forbidden",
                'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request: '
                + self.webhook,
            )  # fmt: skip
        if kind.namespaced and kind.kind != "Event":
            namespace = entry["metadata"].get("namespace", "")
            if ("/namespaces", "", namespace) not in self.store.objects:
                raise Failure(404, "NotFound", f'namespaces "{namespace}" not found')
