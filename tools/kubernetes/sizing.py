"""How large the pod around the cards must be, and how long it may take to start."""

from dataclasses import dataclass
from math import ceil

GIB = 2**30
DOWNLOAD_BYTES_PER_S = 150e6
"""What a model hub delivers to one node over a usual 2.5 Gbit/s line with overhead."""
LOAD_BYTES_PER_S = 1e9
"""From a network volume or local disk into the cards."""
WARMUP_S = 180
"""Compiling, graph capture and profiling of vLLM before it answers."""
PROBE_PERIOD_S = 10
_LOAD_MARGIN = 2.0
_HOST_GIB = 8
_SHARED_GIB_PER_CARD = 2
_CORES_PER_CARD = 4


@dataclass(frozen=True, slots=True)
class Sizing:
    """Of one pod: CPU cores, memory in GiB (host and /dev/shm), and the startup probe's patience."""

    cpu: int
    memory_gib: int
    shared_memory_gib: int
    expected_start_s: int
    startup_failures: int
    cache_gib: int


def sizing(weight_bytes: float, cards: int, *, pods: int = 1, cached: bool = False, simulator: bool = False) -> Sizing:
    """For one of `pods` pods of a replica whose weights take `weight_bytes` and which has `cards` cards in each pod.

    Host memory holds the page cache of the pod's share of the weights; the start is allowed twice its expected time.
    """
    if simulator:
        return Sizing(1, 2, 1, PROBE_PERIOD_S, 12, 1)
    share = weight_bytes / pods
    expected_s = WARMUP_S + share / LOAD_BYTES_PER_S + (0.0 if cached else weight_bytes / DOWNLOAD_BYTES_PER_S)
    return Sizing(
        cpu=2 + _CORES_PER_CARD * cards,
        memory_gib=_HOST_GIB * ceil((_HOST_GIB + 1.2 * share / GIB) / _HOST_GIB),
        shared_memory_gib=max(2, _SHARED_GIB_PER_CARD * cards),
        expected_start_s=ceil(expected_s),
        startup_failures=ceil(_LOAD_MARGIN * expected_s / PROBE_PERIOD_S),
        cache_gib=10 * ceil(1.3 * weight_bytes / GIB / 10),
    )
