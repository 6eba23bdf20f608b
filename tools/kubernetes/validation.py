"""Checks manifests without a cluster: schemas of core and custom kinds, KServe's rules, and what must fit together."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import kubernetes_validate

from tools.kubernetes.cel_rules import verdicts
from tools.kubernetes.consistency import consistency
from tools.kubernetes.findings import Finding, errors
from tools.kubernetes.kserve_rules import kserve_rules
from tools.kubernetes.release import Release
from tools.kubernetes.rendering import Manifest, objects_of
from tools.kubernetes.schemas import bundled_version, core_validator, custom_schema, validator

_DNS_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_NOT_APPLIED = ("argoproj.io/", "toolkit.fluxcd.io/", "kustomize.config.k8s.io/")


def check(release: Release, manifests: tuple[Manifest, ...]) -> tuple[Finding, ...]:
    """Everything that can be known about a release before a cluster sees it, errors first."""
    objects = objects_of(manifests)
    version = release.settings.kubernetes_version
    found = [
        *(finding for entry in objects for finding in check_object(entry, version)),
        *consistency(release, objects),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: order[finding.severity]))


def check_object(entry: Mapping[str, Any], version: str) -> tuple[Finding, ...]:
    """One object against its schema and the rules of its kind."""
    subject = subject_of(entry)
    name = str(entry.get("metadata", {}).get("name", ""))
    found = list(_schema(entry, subject, version))
    if not _DNS_NAME.match(name) or len(name) > 253:
        found.append(
            Finding("error", subject, "metadata.name", f"{name[:60]!r} is no DNS name", "lower case, digits, - and .")
        )
    # Rules compare values whose types the schema has to have settled first.
    return tuple(found) if errors(found) else (*found, *kserve_rules(entry))


def subject_of(entry: Mapping[str, Any]) -> str:
    """`Kind/name` of an object."""
    return f"{entry.get('kind', 'object')}/{entry.get('metadata', {}).get('name', '')}"


def _schema(entry: Mapping[str, Any], subject: str, version: str) -> Iterable[Finding]:
    api_version, kind = str(entry.get("apiVersion", "")), str(entry.get("kind", ""))
    if any(mark in api_version for mark in _NOT_APPLIED):
        yield Finding("note", subject, "", "only its structure was checked: its schema is not bundled",
                      "its own tool checks it when it reads the repository")  # fmt: skip
        return
    custom = validator(api_version, kind)
    if custom is not None:
        broken = list(_violations(custom.iter_errors(entry), subject))
        yield from broken or _rules(entry, custom_schema(api_version, kind) or {}, subject)
        return
    bundled = bundled_version(version)
    if bundled is None:
        yield Finding("error", subject, "kubernetes_version", f"no schemas of Kubernetes {version} are bundled",
                      f"versions up to {kubernetes_validate.latest_version()} are")  # fmt: skip
        return
    core = core_validator(bundled, api_version, kind)
    if core is None:
        yield Finding("error", subject, "apiVersion", f"Kubernetes {version} has no {kind} in {api_version}",
                      "set kubernetes_version to the cluster's")  # fmt: skip
        return
    yield from _violations(core.iter_errors(entry), subject)


def _rules(entry: Mapping[str, Any], schema: Mapping[str, Any], subject: str) -> Iterable[Finding]:
    """The rules of its definition, once the schema has settled the types that they compare."""
    for verdict in verdicts(entry, schema):
        if verdict.evaluated:
            yield Finding("error", subject, verdict.field, verdict.message, "its definition demands this")
        else:
            yield Finding("note", subject, verdict.field, verdict.message, "a dry run on the cluster evaluates it")


def _violations(problems: Iterable[Any], subject: str) -> Iterable[Finding]:
    for error in problems:
        field = ".".join(str(part) for part in error.path)
        unknown = re.findall(r"'([^']+)'", error.message) if error.validator == "additionalProperties" else []
        if unknown:
            place = ".".join(part for part in (field, unknown[0]) if part)
            yield Finding("error", subject, place, "is an unknown field", "correct or remove it")
        else:
            yield Finding("error", subject, field, error.message[:200], f"its schema wants {error.validator}"
                          f" {str(error.validator_value)[:80]}")  # fmt: skip
