"""Whose field it is: read from field sets, never from who wrote last."""

from typing import Any

import pytest

from tools.kubernetes.drift import differences
from tools.kubernetes.owners import dotted, owners

PORT = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8000}
APPLIED: dict[str, Any] = {
    "spec": {
        "replicas": 2,
        "ports": [PORT, {"name": "metrics", "port": 81, "protocol": "TCP", "targetPort": 9000}],
        "args": ["--a", "--b"],
        "labels": {"team": "a"},
        "rules": [["one"], ["two"]],
    }
}
LIVE: dict[str, Any] = {
    "metadata": {
        "managedFields": [
            {"manager": "sextant", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
             "fieldsV1": {"f:spec": {"f:labels": {"f:team": {}}}}},
            {"manager": "bob", "operation": "Update", "time": "2026-01-01T00:00:01Z",
             "fieldsV1": {"f:spec": {".": {}, "f:replicas": {},
                                     "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:targetPort": {}}}}}},
            {"manager": "carol", "operation": "Update", "time": "2026-01-01T00:00:01Z",
             "fieldsV1": {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {"f:name": {}}}, "f:args": {},
                                     "f:rules": {"i:1": {}}}}},
            {"manager": "autoscaler", "operation": "Update", "time": "2026-01-01T00:00:02Z", "subresource": "scale",
             "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "controller", "operation": "Update", "time": "2026-01-01T00:00:09Z", "subresource": "status",
             "fieldsV1": {"f:status": {"f:conditions": {}}}},
        ]
    },
    "spec": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field", "managers"),
    [
        ({"replicas": 7}, "spec.replicas", ("autoscaler", "bob")),
        ({"ports": [{**PORT, "targetPort": 1}, APPLIED["spec"]["ports"][1]]},
         "spec.ports[name=http].targetPort", ("bob",)),
        ({"ports": [PORT]}, "spec.ports[name=metrics]", ("carol",)),
        ({"args": ["--a", "--c"]}, "spec.args.1", ("carol",)),
        ({"args": ["--a"]}, "spec.args", ("carol",)),
        ({"rules": [["one"], ["three"]]}, "spec.rules.1.0", ("carol",)),
        ({"rules": [["four"], ["two"]]}, "spec.rules.0.0", ()),
        ({"labels": {"team": "b"}}, "spec.labels.team", ()),
    ],
)  # fmt: skip
def test_a_field_belongs_to_those_whose_field_set_holds_it(
    changed: dict[str, Any], field: str, managers: tuple[str, ...]
) -> None:
    live = {**LIVE, "spec": {**APPLIED["spec"], **changed}}
    found = [(dotted(path), owners(live, path, besides="sextant")) for path, _, _ in differences(APPLIED, live)]
    assert found == [(field, managers)]
