"""The HTTP face of the double: Kubernetes' paths, verbs, discovery, watches, tables. An ASGI application."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .cluster import Cluster
from .failure import Failure
from .kinds import Kind
from .ownership import patched
from .structure import defaulted, pruned, unknown_fields, violations

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def application(cluster: Cluster, *, token: str) -> Starlette:
    """The double's API server; `token` is the one that is let in."""

    async def answer(request: Request) -> Response:
        watching = "?watch" if request.query_params.get("watch") else ""
        cluster.requests.append(f"{request.method} {request.url.path}{watching}")
        if request.headers.get("authorization") != f"Bearer {token}":
            return JSONResponse(Failure(401, "Unauthorized", "Unauthorized").body, 401)
        try:
            return await _Call(cluster, request).answer()
        except Failure as failure:
            headers = {"Retry-After": str(failure.retry_after_s)} if failure.retry_after_s else {}
            return JSONResponse(failure.body, failure.code, headers)

    async def hook(request: Request) -> Response:
        """Faults: what to deny, break or miss; `compact` forgets the past."""
        wanted = await request.json()
        if wanted.pop("compact", False):
            cluster.store.compact()
        if wanted.pop("reset", False):
            cluster.reset()
        for name, value in wanted.items():
            setattr(cluster, name, value)
        return JSONResponse({"requests": cluster.requests})

    return Starlette(
        routes=[Route("/_double", hook, methods=["POST"]), Route("/{path:path}", answer, methods=_METHODS)]
    )


class _Call:
    """One request."""

    def __init__(self, cluster: Cluster, request: Request) -> None:
        self.cluster, self.store, self.request = cluster, cluster.store, request
        self.query = request.query_params
        self.manager = self.query.get("fieldManager") or (request.headers.get("user-agent", "unknown").split("/")[0])
        self.dry = self.query.get("dryRun") == "All"

    async def answer(self) -> Response:
        parts = self.request.url.path.strip("/").split("/")
        found = self._discovery(parts)
        if found is not None:
            return JSONResponse(found)
        group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
        if rest == ["selfsubjectaccessreviews"]:
            return await self._access_review()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = self.cluster.kind(group, version, rest[0])
        name = rest[1] if len(rest) > 1 else ""
        subresource = rest[2] if len(rest) > 2 else ""
        verb = self._verb(name)
        self.cluster.authorize(verb, kind, namespace, "tester")
        self.cluster.fail_if_told(verb, kind.plural)
        if self.request.method == "GET":
            return self._read(kind, namespace, name)
        if self.request.method == "DELETE":
            foreground = self.query.get("propagationPolicy") == "Foreground" or (
                (json.loads(await self.request.body() or b"{}") or {}).get("propagationPolicy") == "Foreground"
            )
            live = self.store.get(kind, namespace, name)
            gone = live if self.dry else self.store.delete(kind, namespace, name, foreground=foreground)
            return JSONResponse(gone)
        return self._write(kind, namespace, name, subresource, _parsed(await self.request.body()))

    def _verb(self, name: str) -> str:
        if self.request.method == "GET":
            return "watch" if self.query.get("watch") else "get" if name else "list"
        return _VERBS[self.request.method]

    def _write(self, kind: Kind, namespace: str, name: str, subresource: str, entry: dict[str, Any]) -> Response:
        metadata = entry.setdefault("metadata", {})
        content = self.request.headers.get("content-type", "").partition(";")[0]
        applying = content == "application/apply-patch+yaml"
        if self.request.method == "PATCH" and not applying:
            if content not in ("application/merge-patch+json", "application/strategic-merge-patch+json"):
                raise Failure(415, "UnsupportedMediaType", f"the double does not speak {content}")
            live = self.store.get(kind, namespace, name)
            entry = patched(live, entry)
            metadata = entry["metadata"]
        name = name or metadata.get("name", "")
        metadata["name"] = name
        if kind.namespaced:
            metadata["namespace"] = namespace
        entry |= {"apiVersion": kind.api_version, "kind": kind.kind}
        warnings = self._checked(kind, entry)
        self.cluster.admit(kind, entry)
        entry = pruned(entry, kind)
        if applying:
            self._valid(kind, entry)
            force = self.query.get("force") == "true"
            made, new = self.store.apply(kind, entry, self.manager, force=force, dry=self.dry)
        else:
            entry = defaulted(entry, kind)
            self._valid(kind, entry)
            new = self.request.method == "POST"
            if new:
                if not self._is_new(kind, namespace, name):
                    raise Failure(409, "AlreadyExists", f'{kind.plural} "{name}" already exists')
                if kind.status:
                    entry.pop("status", None)
                made = self.store.create(kind, entry, self.manager, dry=self.dry)
            else:
                made = self.store.update(kind, entry, self.manager, status=subresource == "status", dry=self.dry)
        return JSONResponse(made, 201 if new else 200, {"Warning": f'299 - "{warnings[0]}"'} if warnings else {})

    def _is_new(self, kind: Kind, namespace: str, name: str) -> bool:
        return self.store.find(kind, namespace if kind.namespaced else "", name) is None

    def _checked(self, kind: Kind, entry: Mapping[str, Any]) -> list[str]:
        mode = self.query.get("fieldValidation", "Warn")
        found = [f'unknown field "{field}"' for field in unknown_fields(entry, kind)]
        if found and mode == "Strict":
            raise Failure(400, "BadRequest", f"strict decoding error: {', '.join(found)}")
        return found if mode == "Warn" else []

    def _valid(self, kind: Kind, entry: Mapping[str, Any]) -> None:
        name = entry["metadata"]["name"]
        found = violations(entry, kind)
        if not _NAME.match(name):
            found.insert(0, (
                "FieldValueInvalid", "metadata.name",
                f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric'
                " characters, '-' or '.', and must start and end with an alphanumeric character",
            ))  # fmt: skip
        if found:
            said = ", ".join(f"{field}: {message}" for _, field, message in found)
            said = f"[{said}]" if len(found) > 1 else said
            group = f".{kind.group}" if kind.group else ""
            raise Failure(
                422, "Invalid", f'{kind.kind}{group} "{name}" is invalid: {said}',
                causes=[{"reason": reason, "message": message, "field": field} for reason, field, message in found],
            )  # fmt: skip

    def _read(self, kind: Kind, namespace: str, name: str) -> Response:
        if name:
            return JSONResponse(self.store.get(kind, namespace, name))
        if self.query.get("watch") in ("true", "1", "True"):
            return StreamingResponse(self._watch(kind, namespace or None), media_type="application/json")
        found = [entry for entry in self.store.list(kind, namespace or None) if self._selected(entry)]
        metadata: dict[str, Any] = {"resourceVersion": str(self.store.version)}
        start, limit = int(self.query.get("continue") or 0), int(self.query.get("limit") or 0)
        if limit and start + limit < len(found):
            metadata |= {"continue": str(start + limit), "remainingItemCount": len(found) - start - limit}
        page = found[start : start + limit] if limit else found[start:]
        if "as=Table" in self.request.headers.get("accept", ""):
            return JSONResponse(_table(kind, page, metadata))
        body = {"apiVersion": kind.api_version, "kind": f"{kind.kind}List", "metadata": metadata, "items": page}
        return JSONResponse(body)

    def _selected(self, entry: Mapping[str, Any]) -> bool:
        labels = entry["metadata"].get("labels") or {}
        for part in filter(None, (self.query.get("labelSelector") or "").split(",")):
            key, _, value = part.replace("==", "=").partition("=")
            if labels.get(key) != value:
                return False
        for part in filter(None, (self.query.get("fieldSelector") or "").split(",")):
            key, _, value = part.replace("==", "=").partition("=")
            found: Any = entry
            for step in key.split("."):
                found = found.get(step, {}) if isinstance(found, Mapping) else {}
            if (found or "") != value:
                return False
        return True

    async def _watch(self, kind: Kind, namespace: str | None) -> AsyncIterator[bytes]:
        stated = self.query.get("resourceVersion") or ""
        since = int(stated or 0)
        if stated not in ("", "0") and since < self.store.compacted:
            expired = Failure(410, "Expired", f"too old resource version: {since} ({self.store.compacted})")
            yield _line("ERROR", expired.body)
            return
        if stated in ("", "0"):
            since = self.store.version
            for entry in self.store.list(kind, namespace):
                if self._selected(entry):
                    yield _line("ADDED", entry)
            if self.query.get("allowWatchBookmarks") in ("true", "True"):
                bookmark = {"resourceVersion": str(since), "annotations": {"k8s.io/initial-events-end": "true"}}
                yield _line("BOOKMARK", {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": bookmark})
        deadline = asyncio.get_running_loop().time() + float(self.query.get("timeoutSeconds") or 300)
        with contextlib.suppress(ClientDisconnect):
            while (left := deadline - asyncio.get_running_loop().time()) > 0:
                if since < self.store.compacted:
                    yield _line("ERROR", Failure(410, "Expired", "too old resource version").body)
                    return
                changed = self.store.changed
                for version, event, key, entry in list(self.store.log):
                    if version > since and key == kind.storage_key:
                        if namespace in (None, entry["metadata"].get("namespace")) and self._selected(entry):
                            yield _line(event, entry)
                        since = version
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, 5))

    async def _access_review(self) -> Response:
        body = await self.request.json()
        wanted = body["spec"]["resourceAttributes"]
        allowed = self.cluster.allowed(wanted["verb"], wanted["resource"])
        return JSONResponse({**body, "status": {"allowed": allowed}}, 201)

    def _discovery(self, parts: list[str]) -> dict[str, Any] | None:
        kinds = self.cluster.kinds()
        if parts in (["readyz"], ["version"]):
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0-sextant-double", "platform": "double"}
        if parts == ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        groups: dict[str, list[str]] = {}
        for kind in kinds:
            if kind.group and kind.api_version not in groups.setdefault(kind.group, []):
                groups[kind.group].append(kind.api_version)
        if parts == ["apis"]:
            listed = []
            for group, versions in groups.items():
                named = [{"groupVersion": each, "version": each.rpartition("/")[2]} for each in versions]
                listed.append({"name": group, "versions": named, "preferredVersion": named[-1]})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        wanted = "/".join(parts[1:])
        if (parts[0], len(parts)) in (("api", 2), ("apis", 3)):
            resources = [
                {"name": kind.plural, "singularName": kind.kind.lower(), "namespaced": kind.namespaced,
                 "kind": kind.kind, "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]}
                for kind in kinds if kind.api_version == wanted
            ]  # fmt: skip
            if not resources:
                raise Failure(404, "NotFound", "the server could not find the requested resource")
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": wanted, "resources": resources}
        if len(parts) < 3:
            raise Failure(404, "NotFound", "the server could not find the requested resource")
        return None


def _line(event: str, entry: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": event, "object": entry}).encode() + b"\n"


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(body) if body[:1] == b"{" else yaml.safe_load(body)
    except (yaml.YAMLError, ValueError) as error:
        raise Failure(400, "BadRequest", "the object provided is unrecognized") from error
    if not isinstance(entry, dict):
        raise Failure(400, "BadRequest", "the object provided is unrecognized")
    return entry


def _table(kind: Kind, entries: list[dict[str, Any]], metadata: Mapping[str, Any]) -> dict[str, Any]:
    columns = [{"name": "Name", "type": "string"}, *({"name": c["name"], "type": c["type"]} for c in kind.columns)]
    rows = [
        {"cells": [entry["metadata"]["name"], *(_cell(entry, column["jsonPath"]) for column in kind.columns)]}
        for entry in entries
    ]
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns,
            "rows": rows}  # fmt: skip


def _cell(entry: Any, path: str) -> Any:
    """A printer column's value: dotted paths and `[?(@.type=='Ready')]`."""
    for step in re.findall(r"\.([A-Za-z0-9_]+)|\[\?\(@\.type==['\"](\w+)['\"]\)\]", path):
        if step[1]:
            entry = next((each for each in entry or [] if each.get("type") == step[1]), None)
        else:
            entry = (entry or {}).get(step[0])
    return entry
