"""Replicas that keep a batch running: the batch-aware fixed point, solved in closed form along the batch size."""

import numpy as np

from tools.performance.points import Floats
from tools.performance.roofline import Costs, Serving, step_ms

_MS = 1e3


def prompt_share(cost: Costs, osl: Floats, batch: Floats) -> Floats:
    """Share of time that prompts take from decoding when on average `batch` sequences run.

    A prompt holds the others up by ``hold = interference·prefill``, as in a closed loop. From
    ``batch = rate·(osl·step/(1 − rho) + hold)`` and ``rho = rate·hold`` follows
    ``rho² − rho·(1 + batch + a) + batch = 0`` with ``a = osl·step/hold``; its smaller root is below one.
    """
    half = (1 + batch + osl * step_ms(cost, batch) / hold_ms(cost)) / 2
    return batch / (half + np.sqrt(np.maximum(half * half - batch, 0.0)))


def hold_ms(cost: Costs) -> Floats:
    """By how much a prompt delays the sequences that decode beside it."""
    return cost.interference * cost.prefill_ms / cost.data


def rate_rps(cost: Costs, osl: Floats, batch: Floats) -> Floats:
    """Request rate at which on average `batch` sequences run; rises with `batch`."""
    return prompt_share(cost, osl, batch) / hold_ms(cost) * _MS


def at_batch(cost: Costs, osl: Floats, batch: Floats) -> Serving:
    """Mean times when Poisson arrivals keep `batch` sequences running on average."""
    share = prompt_share(cost, osl, batch)
    step = step_ms(cost, batch)
    tpot = step / (1 - share)
    waiting = cost.prefill_ms * share / (2 * (1 - share)) + step / 2  # M/D/1 among prompts, and the running step
    ttft = (cost.request_ms + step_ms(cost, np.ones_like(batch)) + cost.prefill_ms) * cost.first + waiting
    return Serving(ttft, tpot, share / hold_ms(cost) * _MS * osl, batch)
