"""Faults on purpose: drawn at a rate, at a time, or asked for by a request's headers.

Headers: `X-Return-Error: <status>` answers with that status; `X-Simulate-Stall-Ms: <ms>` freezes the engine's next
iteration; `X-Simulate-Fault: engine-death | out-of-memory | disconnect` does what it says.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.errors import NotFound
from tools.simulator.errors import ApiError

FaultKind = Literal["rate_limit", "server_error", "unavailable", "invalid_api_key", "invalid_request"]
FAULT_KINDS: dict[FaultKind, tuple[int, str]] = {
    "rate_limit": (429, "Rate limit reached (injected by the simulator)."),
    "server_error": (500, "The server had an error (injected by the simulator)."),
    "unavailable": (503, "The server is overloaded (injected by the simulator)."),
    "invalid_api_key": (401, "Incorrect API key provided (injected by the simulator)."),
    "invalid_request": (400, "The request is invalid (injected by the simulator)."),
}
ENGINE_DEATH = "EngineDeadError: the engine process died (injected by the simulator)."
OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory (injected by the simulator)."


def fault_kinds(names: Sequence[str]) -> tuple[FaultKind, ...]:
    """Kinds of errors by name."""
    named = {name: kind for kind in FAULT_KINDS for name in (str(kind),)}
    unknown = next((name for name in names if name not in named), None)
    if unknown is not None:
        raise NotFound("kind of fault", unknown, tuple(named), field="error_kind")
    return tuple(named[name] for name in names)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong by itself; none by default. `die_after_s` counts from readiness."""

    error_rate: float = 0.0
    error_kinds: tuple[FaultKind, ...] = ("server_error",)
    die_after_s: float | None = None

    def drawn(self, rng: random.Random) -> ApiError | None:
        """The error that chance gives this request, if any."""
        if not self.error_rate or rng.random() >= self.error_rate:
            return None
        return ApiError(*FAULT_KINDS[rng.choice(self.error_kinds)])


@dataclass(frozen=True, slots=True)
class AskedFault:
    """What a request's headers ask for."""

    error: ApiError | None = None
    stall_ms: float = 0.0
    death: str | None = None
    disconnect: bool = False


def asked(headers: Mapping[str, str]) -> AskedFault:
    """Read the fault headers; ApiError 400 when one makes no sense."""
    error = None
    if status := headers.get("x-return-error"):
        if not (status.isascii() and status.isdigit() and len(status) == 3 and 400 <= int(status) <= 599):
            raise ApiError(400, "X-Return-Error must be a status from 400 to 599", param="X-Return-Error")
        error = ApiError(int(status), f"Error {status} was asked for by X-Return-Error.")
    stall_ms = headers.get("x-simulate-stall-ms", "0")
    if not (stall_ms.isascii() and stall_ms.isdigit() and len(stall_ms) <= 7):
        raise ApiError(400, "X-Simulate-Stall-Ms must be a whole number of milliseconds", param="X-Simulate-Stall-Ms")
    kind = headers.get("x-simulate-fault", "")
    deaths = {"engine-death": ENGINE_DEATH, "out-of-memory": OUT_OF_MEMORY}
    if kind and kind not in (*deaths, "disconnect"):
        raise ApiError(
            400, "X-Simulate-Fault must be engine-death, out-of-memory or disconnect", param="X-Simulate-Fault"
        )
    return AskedFault(error, float(stall_ms), deaths.get(kind), kind == "disconnect")
