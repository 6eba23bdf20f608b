"""How the API server says no: Status objects."""

from collections.abc import Mapping, Sequence
from typing import Any


class Failure(Exception):
    """An answer that is a Status."""

    def __init__(
        self, code: int, reason: str, message: str, *, causes: Sequence[Mapping[str, Any]] = (), retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s
        details: dict[str, Any] = {"causes": list(causes)} if causes else {}
        if retry_after_s:
            details["retryAfterSeconds"] = retry_after_s
        self.body = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "details": details, "code": code,
        }  # fmt: skip
