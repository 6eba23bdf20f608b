"""Reading a Prometheus over its HTTP API. What it does not know is never made up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from knowledge.errors import BadInput, Unavailable

TIMEOUT_S = 10.0
_CURE = "start it or give its address with --prometheus; without a Prometheus there are no figures"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with its labels; never NaN (Prometheus says NaN for 0 ÷ 0: there was nothing to measure)."""

    labels: Mapping[str, str]
    value: float


class Metrics(Protocol):
    """Where figures come from. All queries of one reader see the same instant."""

    def query(self, expression: str) -> tuple[Sample, ...]:
        """An instant vector; empty when nothing matches. Raises Unavailable."""


@dataclass(slots=True)
class Prometheus:
    """A Prometheus at `url`, read at `at_s` (seconds since the epoch; None: its own now, fixed by the first query).

    Raises BadInput for an address that cannot be one, Unavailable when no Prometheus answers or it refuses a query.
    """

    url: str
    at_s: float | None = None
    token: str = field(default="", repr=False)

    def query(self, expression: str) -> tuple[Sample, ...]:
        """An instant vector at the reader's instant."""
        if self.at_s is None:
            self.at_s = self._now_s()
        found = self._ask(expression, self.at_s)
        try:
            samples = [Sample(entry["metric"], float(entry["value"][1])) for entry in found["result"]]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._stranger(f"no vector for {expression[:80]}") from error
        return tuple(sample for sample in samples if not math.isnan(sample.value))

    def _now_s(self) -> float:
        found = self._ask("time()", None)
        try:
            return float(found["result"][1])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise self._stranger("no time") from error

    def _stranger(self, reason: str) -> Unavailable:
        return Unavailable(f"{self.url} does not answer as a Prometheus does: {reason}", _CURE)

    def _ask(self, expression: str, at_s: float | None) -> Mapping[str, Any]:
        if not self.url.startswith(("http://", "https://")):
            raise BadInput(f"{self.url[:80]!r} is no address", "such as http://127.0.0.1:9090", field="prometheus")
        form = {"query": expression} if at_s is None else {"query": expression, "time": f"{at_s:.3f}"}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = httpx.post(
                f"{self.url.rstrip('/')}/api/v1/query", data=form, headers=headers, timeout=TIMEOUT_S, trust_env=False
            )
        except httpx.InvalidURL as error:
            raise BadInput(f"{self.url[:80]!r} is no address: {error}", field="prometheus") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"no Prometheus answers at {self.url}: {error or type(error).__name__}", _CURE) from error
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Mapping[str, Any]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
            told = body.get("error") if isinstance(body, dict) else None
            raise self._stranger(str(told or f"HTTP {answer.status_code}")[:300])
        data: Mapping[str, Any] = body["data"]
        return data
