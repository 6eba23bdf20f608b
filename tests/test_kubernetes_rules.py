"""Validation rules (CEL) of custom resources, asked without a cluster and answered as an API server does.

`golden/validation_rules.json` holds what an apiextensions-apiserver 1.36.4 with the bundled CRDs answered.
"""

import json
from pathlib import Path
from typing import Any

import cel
import pytest

from tools.kubernetes.cel_rules import Verdict, verdicts
from tools.kubernetes.findings import errors
from tools.kubernetes.schemas import custom_resources, custom_schema
from tools.kubernetes.validation import check_object

ANSWERS = json.loads((Path(__file__).parent / "golden" / "validation_rules.json").read_text())


def answered(entry: dict[str, Any]) -> list[list[str]]:
    schema = custom_schema(entry["apiVersion"], entry["kind"])
    assert schema is not None
    found = verdicts(entry, schema)
    assert all(verdict.evaluated for verdict in found)
    return sorted([verdict.field, verdict.message.rpartition("evaluating rule: ")[2]] for verdict in found)


def test_rules_break_where_an_api_server_says_they_do() -> None:
    for answer in ANSWERS:
        assert answered(answer["object"]) == answer["broken"], answer["object"]
    assert sum(bool(answer["broken"]) for answer in ANSWERS) > 30


def test_every_rule_of_the_bundled_definitions_is_understood() -> None:
    rules = rules_of([definition["versions"] for definition in custom_resources().values()])
    called = {name for rule in rules for name in cel.compile(rule).functions() if name.isalpha()}
    assert len(set(rules)) > 60
    assert called == {"contains", "duration", "endsWith", "matches", "size", "split", "startsWith"}


def rules_of(value: Any) -> list[str]:
    if isinstance(value, list):
        return [rule for entry in value for rule in rules_of(entry)]
    if not isinstance(value, dict):
        return []
    own = value.get("x-kubernetes-validations")
    stated = [entry["rule"] for entry in own] if isinstance(own, list) else []
    return [*stated, *(rule for entry in value.values() for rule in rules_of(entry))]


def schema(rule: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties,
            "x-kubernetes-validations": [{"rule": rule, "message": "must not be"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("self.a > 1", {"a": 2}, ()),
        ("self.a > 1", {"a": 1}, (Verdict("", "must not be"),)),
        ("self.a > 1", {}, ()),  # the default is 3
        ("self.b > 1", {}, (Verdict("", "no such key: b evaluating rule: must not be"),)),
        ("self.__namespace__ == 'x'", {"namespace": "x"}, ()),
        ("self.to__dash__day == 'x'", {"to-day": "x"}, ()),
        ("self == oldSelf", {"a": 2}, ()),  # says nothing about a new object
    ],
)
def test_a_rule_sees_defaults_and_escaped_names(rule: str, value: Any, expected: tuple[Verdict, ...]) -> None:
    fields = {"a": {"type": "integer", "default": 3}, "namespace": {}, "to-day": {}, "b": {}}
    assert verdicts(value, schema(rule, **fields)) == expected


def test_a_function_that_is_not_here_is_told_and_never_counts_as_kept() -> None:
    (found,) = verdicts({"a": "http://x"}, schema("isURL(self.a)", a={}))
    assert not found.evaluated
    assert found.message == "not evaluated: must not be (the function isURL is not known here)"


def test_a_broken_rule_is_an_error_before_a_cluster_sees_it() -> None:
    entry = {"apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceService", "metadata": {"name": "a"},
             "spec": {"model": {"uri": "hf://a/b"}, "scaling": {"maxReplicas": 2}}}  # fmt: skip
    (found,) = errors(check_object(entry, "1.36"))
    assert (found.subject, found.field) == ("LLMInferenceService/a", "spec.scaling")
    assert "wva" in found.problem
