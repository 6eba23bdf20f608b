"""Schemas of core and custom kinds, closed so that an unknown field is an error, as a strict API server has it."""

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator
from kubernetes_validate.utils import all_versions, schema_contents
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource

_OPENERS = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource")
_CHILDREN = ("items", "additionalProperties", "not")
_LISTS = ("allOf", "anyOf", "oneOf")
_METADATA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 253},
        "generateName": {"type": "string"},
        "namespace": {"type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
    },
}


@cache
def core_validator(version: str, api_version: str, kind: str) -> Draft202012Validator | None:
    """A validator for a kind of Kubernetes itself at a version such as 1.36; None when it has none such.

    The schemas are kubernetes-validate's; they are kept here because that package reads them anew for each object.
    """
    group, _, name = api_version.rpartition("/")
    file = f"{kind.lower()}-{group.partition('.')[0] + '-' if group else ''}{name}.json"
    try:
        schema = schema_contents(f"kubernetes-json-schema/v{version}-local-strict/{file}", version)
    except FileNotFoundError:
        return None
    registry: Registry[Any] = Resource.from_contents(schema) @ (_definitions(version) @ Registry())
    return Draft202012Validator(schema, registry=registry)


@cache
def _definitions(version: str) -> Resource[Any]:
    return Resource.from_contents(
        schema_contents(f"kubernetes-json-schema/v{version}-local-strict/_definitions.json", version)
    )


def bundled_version(version: str) -> str | None:
    """The bundled version that a cluster's is checked by: the newest that is not newer; None when none is bundled."""
    wanted = _numbers(version)
    known = [entry for entry in all_versions() if _numbers(entry) <= wanted]
    return str(known[-1]) if known and wanted <= _numbers(kubernetes_validate.latest_version()) else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


@cache
def custom_resources() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """The bundled CustomResourceDefinitions by (apiVersion, kind); each value is the `spec` with that one version."""
    found = {}
    for name in _names():
        spec = json.loads(gzip.decompress((files("knowledge") / "data" / "crds" / name).read_bytes()))["spec"]
        for version in spec["versions"]:
            found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = {**spec, "versions": [version]}
    return found


@cache
def validator(api_version: str, kind: str) -> OAS30Validator | None:
    """A validator for the kind, or None when no bundled CRD has it."""
    bundled = custom_schema(api_version, kind)
    if bundled is None:
        return None
    schema = closed(bundled)
    schema["properties"] = {**schema.get("properties", {}), "metadata": _METADATA,
                            "apiVersion": {"type": "string"}, "kind": {"type": "string"}}  # fmt: skip
    return OAS30Validator(schema)


def custom_schema(api_version: str, kind: str) -> Mapping[str, Any] | None:
    """The schema of a custom kind as its definition has it, with defaults and rules; None when none is bundled."""
    definition = custom_resources().get((api_version, kind))
    return definition["versions"][0]["schema"]["openAPIV3Schema"] if definition else None


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with `additionalProperties: false` wherever properties are listed and nothing says otherwise."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {name: closed(entry) for name, entry in schema["properties"].items()}
        if not any(schema.get(opener) for opener in _OPENERS) and "additionalProperties" not in schema:
            made["additionalProperties"] = False
    for child in _CHILDREN:
        if isinstance(schema.get(child), Mapping):
            made[child] = closed(schema[child])
    for name in _LISTS:
        # Alternatives of an object repeat some of its properties; closing them would refuse the others.
        made.pop(name, None)
        if name in schema:
            made[name] = schema[name]
    return made


def _names() -> Iterator[str]:
    for entry in sorted((files("knowledge") / "data" / "crds").iterdir(), key=lambda found: found.name):
        if entry.name.endswith(".json.gz"):
            yield entry.name
