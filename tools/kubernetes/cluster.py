"""One cluster, through the official client: discovery, server-side apply, reading, deleting, watching.

Objects go as they were rendered: the client's typed calls would refuse what they do not know before the cluster sees
it. Importing the client takes a quarter of a second, so only what talks to a cluster imports this module.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient, ApiException, Configuration
from yaml import YAMLError

from knowledge.errors import BadInput, NotFound
from tools.kubernetes.failures import Refused, explained, refusal, unreachable

FIELD_MANAGER = "sextant"
APPLY = "application/apply-patch+yaml"
TIMEOUT_S = 30.0
_CONFIG: Any = config


@dataclass(frozen=True, slots=True)
class Resource:
    """How a kind is addressed."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Its path, of one object or of all in a namespace (everywhere when `namespace` is empty)."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")


@dataclass(slots=True)
class Cluster:
    """A cluster of a kubeconfig (None: the default file, or the pod that this runs in). Cheap until it is asked.

    Raises Unavailable when the cluster does not answer, BadInput and Conflict when it refuses (see `failures`).
    """

    kubeconfig: Path | None = None
    context: str | None = None
    _client: Any = field(default=None, repr=False)
    _resources: dict[tuple[str, str], Resource] = field(default_factory=dict, repr=False)

    @property
    def server(self) -> str:
        """Address of the API server."""
        return str(self._api().configuration.host)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One request; Refused when the answer is no success."""
        answer = self._answer(method, path, body=body, query=query or {}, content_type=content_type)
        data = answer.read()
        answer.release_conn()
        parsed: dict[str, Any] = json.loads(data) if data else {}
        return parsed

    def version(self) -> str:
        """Kubernetes version, such as 1.36."""
        with _explaining("read the cluster's version"):
            found = self.request("GET", "/version")
        return f"{found['major']}.{str(found['minor']).rstrip('+')}"

    def served(self) -> Mapping[str, tuple[str, ...]]:
        """Versions by API group; the core group is empty text."""
        with _explaining("read what the cluster offers"):
            groups = self.request("GET", "/apis")["groups"]
        return {"": ("v1",)} | {
            group["name"]: tuple(version["version"] for version in group["versions"]) for group in groups
        }

    def resource(self, api_version: str, kind: str) -> Resource:
        """How the cluster addresses a kind; NotFound when it has none such."""
        if (api_version, kind) not in self._resources:
            root = "/apis/" if "/" in api_version else "/api/"
            try:
                listed = self.request("GET", root + api_version)["resources"]
            except Refused as refused:
                if refused.refusal.code != 404:
                    raise explained(refused.refusal, f"read the kinds of {api_version}") from refused
                listed = []
            for entry in listed:
                if "/" not in entry["name"]:
                    self._resources[api_version, entry["kind"]] = Resource(
                        api_version, entry["kind"], entry["name"], bool(entry["namespaced"])
                    )
        if (api_version, kind) not in self._resources:
            raise NotFound("kind on this cluster", f"{kind} ({api_version})", field="target")
        return self._resources[api_version, kind]

    def apply(self, entry: Mapping[str, Any], *, dry_run: bool = False, manager: str = FIELD_MANAGER) -> dict[str, Any]:
        """Server-side apply, strictly validated, never forced."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        with _explaining(f"apply {_named(entry)}"):
            return self.request("PATCH", self._path(entry), body=entry, query=query, content_type=APPLY)

    def get(self, entry: Mapping[str, Any]) -> dict[str, Any] | None:
        """The live object of that kind and name, or None."""
        try:
            return self.request("GET", self._path(entry))
        except Refused as refused:
            if refused.refusal.code == 404:
                return None
            raise explained(refused.refusal, f"read {_named(entry)}") from refused

    def delete(self, entry: Mapping[str, Any]) -> bool:
        """Delete an object and what belongs to it; False when it was gone already."""
        try:
            self.request("DELETE", self._path(entry), query={"propagationPolicy": "Background"})
        except Refused as refused:
            if refused.refusal.code == 404:
                return False
            raise explained(refused.refusal, f"delete {_named(entry)}") from refused
        return True

    def list(self, api_version: str, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        """All objects of a kind; `labelSelector` and `fieldSelector` narrow."""
        with _explaining(f"list {kind}"):
            found = self.request("GET", self.resource(api_version, kind).path(namespace), query=selectors)
        return list(found["items"])

    def watch(self, entry: Mapping[str, Any], *, timeout_s: int) -> Iterator[dict[str, Any]]:
        """States of one object as they come, the present one first; ends after `timeout_s` or when the server ends it.

        An expired watch ends too: ask again.
        """
        resource = self.resource(entry["apiVersion"], entry["kind"])
        metadata = entry["metadata"]
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={metadata['name']}",
            "timeoutSeconds": str(timeout_s),
            "allowWatchBookmarks": "true",
        }
        path = resource.path(metadata.get("namespace", ""))
        try:
            opened = self._answer("GET", path, query=query, timeout_s=timeout_s + TIMEOUT_S)
        except Refused as refused:
            if refused.refusal.code == 410:
                return
            raise explained(refused.refusal, f"watch {_named(entry)}") from refused
        with opened as answer:
            for line in _lines(answer):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                if event["type"] != "BOOKMARK":
                    yield event["object"]

    def allowed(self, verb: str, group: str, plural: str, namespace: str) -> bool:
        """Whether this account may do it (SelfSubjectAccessReview)."""
        attributes = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes}}  # fmt: skip
        with _explaining("ask for permissions"):
            answer = self.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
        return bool(answer["status"]["allowed"])

    def _path(self, entry: Mapping[str, Any]) -> str:
        metadata = entry["metadata"]
        resource = self.resource(entry["apiVersion"], entry["kind"])
        return resource.path(metadata.get("namespace", ""), metadata["name"])

    def _answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """The open answer; to be closed by the caller."""
        api = self._api()
        request = api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=dict(body) if body is not None else None,
            auth_settings=["BearerToken"],
        )
        try:
            answer = api.call_api(*request, _request_timeout=(5.0, timeout_s)).response
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise unreachable(self.server, error) from error
        if not 200 <= answer.status <= 299:
            data = answer.read()
            answer.release_conn()
            raise Refused(refusal(answer.status, data))
        return answer

    def _api(self) -> Any:
        """The client, made once. Nothing is tried again behind our back: whoever asks decides."""
        if self._client is None:
            made, load = Configuration(), _CONFIG
            try:
                if self.kubeconfig is None and self.context is None and not _default_file().is_file():
                    load.load_incluster_config(client_configuration=made)
                else:
                    file = str(self.kubeconfig) if self.kubeconfig else None
                    load.load_kube_config(file, self.context, client_configuration=made, persist_config=False)
            except (config.ConfigException, YAMLError, OSError, ValueError, TypeError, KeyError) as error:
                words = " ".join(str(error).split())
                raise BadInput(f"no cluster: {words}", "name one with --kubeconfig FILE", field="kubeconfig") from error
            made.retries = False
            self._client = ApiClient(made)
        return self._client


@contextmanager
def _explaining(what: str) -> Iterator[None]:
    """Refusals of what is done in the block become errors that a person understands."""
    try:
        yield
    except Refused as refused:
        raise explained(refused.refusal, what) from refused


def _default_file() -> Path:
    return Path.home() / ".kube" / "config"


def _named(entry: Mapping[str, Any]) -> str:
    return f"{entry['kind']}/{entry['metadata']['name']}"


def _lines(answer: Any) -> Iterator[bytes]:
    """Lines of a stream that may be cut anywhere; one that is cut short is the end."""
    rest = b""
    try:
        for chunk in answer.stream(amt=None, decode_content=False):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from filter(None, whole)
    except (urllib3.exceptions.HTTPError, OSError):
        return
