"""Replicas under a request rate: the batch that it keeps running, and the times with that batch."""

import numpy as np

from tools.performance.points import Floats
from tools.performance.queueing import at_batch, rate_rps
from tools.performance.roofline import Costs, Serving, step_ms

_MS = 1e3
_STEPS = 40  # a handful are needed
_CLOSE = 1e-7
_LIGHTEST = 1e-6  # sequences running on average
_MOST_RUNNING = 256.0  # sequences per attention rank that engines run at once by default (vLLM: max_num_seqs)
_RUN_REQUESTS = 500.0  # past saturation the queue grows without end: a run of this many requests is reported


def batch_at(cost: Costs, osl: Floats, rate: Floats, most: Floats) -> Floats:
    """Average batch at which each replica serves `rate` requests a second; `most` where it cannot serve that many.

    The rate rises with the batch: regula falsi on the logarithms of both, in which an end that stays counts half
    (Illinois). A row's result does not depend on what else is asked with it.
    """
    wanted = np.log(np.maximum(rate, 1e-12))

    def beyond(size: Floats) -> Floats:
        off: Floats = np.log(rate_rps(cost, osl, np.exp(size))) - wanted
        return off

    # A replica never answers sooner than an idle one, so at least this many requests are under way (Little's law).
    least = rate * osl * step_ms(cost, np.full_like(osl, _LIGHTEST)) / _MS
    low, high = np.log(np.clip(least * (1 - _CLOSE), _LIGHTEST, most)), np.log(most)
    under, over = beyond(low), beyond(high)
    found = np.where(over <= 0, high, low)
    searched = (under < 0) & (over > 0)
    moved = np.zeros_like(osl)  # which end moved last: 1 the low one, -1 the high one
    for _ in range(_STEPS):
        if not searched.any():
            break
        span = np.where(searched, over - under, 1.0)
        found = np.where(searched, (low * over - high * under) / span, found)
        off = beyond(found)
        rising = off < 0
        over = np.where(rising, np.where(moved > 0, over / 2, over), off)
        under = np.where(rising, off, np.where(moved < 0, under / 2, under))
        low, high = np.where(rising, found, low), np.where(rising, high, found)
        moved = np.where(rising, 1.0, -1.0)
        searched &= np.abs(off) > _CLOSE
    return np.asarray(np.exp(found))


def open_loop(cost: Costs, osl: Floats, request_rate_rps: Floats) -> Serving:
    """Poisson arrivals at `request_rate_rps` per replica; past saturation TTFT includes the queue of a run."""
    high = np.minimum(cost.capacity, _MOST_RUNNING * cost.data)
    most = rate_rps(cost, osl, high)
    wanted = np.minimum(request_rate_rps, most)
    served = at_batch(cost, osl, batch_at(cost, osl, wanted, high))
    late = np.maximum(1 / most - 1 / request_rate_rps, 0.0) * _MS  # by which each request is later than the one before
    ttft = served.ttft_ms + late * _RUN_REQUESTS / 2
    return Serving(ttft, served.tpot_ms, wanted * osl, served.batch)
