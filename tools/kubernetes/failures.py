"""What a cluster says when it refuses, as one clear line with a cure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.errors import BadInput, Conflict, SextantError, Unavailable

_QUOTA = re.compile(r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>[^,]+), used: (?P<used>[^,]+), "
                    r"limited: (?P<limit>\S+)")  # fmt: skip
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request: (?P<why>.*)', re.DOTALL)
_MANAGER = re.compile(r'^conflict with "([^"]*)".*$', re.DOTALL)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Refusal:
    """A Status of the API server: HTTP code, reason, message, and the fields that caused it."""

    code: int
    reason: str
    message: str
    causes: tuple[Mapping[str, Any], ...] = ()


class Refused(Exception):
    """The API server answered with something other than success."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refusal(code: int, body: bytes | str | None) -> Refusal:
    """A Status body, or whatever came instead of one."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    if not isinstance(status, dict):
        return Refusal(code, "", _line(text) or f"HTTP {code}")
    details = status.get("details") or {}
    return Refusal(
        code, str(status.get("reason", "")), str(status.get("message", "")), tuple(details.get("causes") or ())
    )


def explained(found: Refusal, what: str) -> SextantError:
    """The error that a person sees; `what` was being done, such as `apply Deployment/x`."""
    message = _line(found.message)
    if found.code == 401:
        return BadInput(f"{what}: the cluster does not know you", "log in again, or name another --kubeconfig")
    if found.code == 403:
        return _forbidden(found, what)
    if found.code == 404 and "namespaces" in found.message:
        return BadInput(
            f"{what}: {message}", "create the namespace, or set create_namespace to have it made", field="namespace"
        )
    if found.code == 404:
        return BadInput(
            f"{what}: the cluster does not have this kind", "install its operator, or choose another target"
        )
    if found.code == 409 and found.reason == "Conflict" and found.causes:
        owners = sorted({_MANAGER.sub(r"\1", str(cause.get("message", ""))) for cause in found.causes})
        fields = ", ".join(str(cause.get("field", "")) for cause in found.causes[:5])
        return Conflict(
            f"{what}: {' and '.join(owners)} also manages {fields}; nothing was forced",
            "let that manager give the field up, or take it out of the plan's settings",
        )
    if found.code in (400, 422):
        fields = ", ".join(str(cause.get("field", "")) for cause in found.causes[:5])
        return BadInput(f"{what}: the cluster refuses it: {message}", _cure_invalid(fields))
    if found.code == 409:
        return Conflict(f"{what}: {message}", "try again")
    if found.code == 429:
        return Unavailable(f"{what}: the cluster asks for patience: {message}", "try again in a minute")
    return Unavailable(f"{what}: the cluster failed: {message}", "try again; see the API server's log")


def unreachable(server: str, error: Exception) -> SextantError:
    """No answer at all."""
    words = _line(str(getattr(error, "reason", None) or error))
    if "certificate" in words.lower():
        return BadInput(
            f"the cluster at {server} shows a certificate that is not trusted: {words}",
            "check certificate-authority in the kubeconfig",
        )
    return Unavailable(
        f"the cluster at {server} does not answer: {words}", "check that it runs and that this machine reaches it"
    )


def _forbidden(found: Refusal, what: str) -> SextantError:
    quota = _QUOTA.search(found.message)
    if quota:
        return Conflict(
            f"{what}: quota {quota['quota']} is used up: asked {quota['asked']}, used {quota['used']},"
            f" limit {quota['limit']}",
            "free some, or ask for a larger quota",
        )
    webhook = _WEBHOOK.search(found.message)
    if webhook:
        return BadInput(f"{what}: {webhook['name']} refuses it: {_line(webhook['why'])}", "change what it names")
    return BadInput(
        f"{what}: you are not allowed to: {_line(found.message)}", "ask for the rights in docs/kubernetes.md"
    )


def _cure_invalid(fields: str) -> str:
    return f"correct {fields}" if fields else "correct what it names"


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"
