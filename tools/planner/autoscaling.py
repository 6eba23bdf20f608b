"""Honest idle: what an option costs when its replicas follow the day, with cold starts and minimum replicas."""

from dataclasses import dataclass
from math import ceil, pi, sin
from typing import Any

from tools.planner.option import Option
from tools.planner.replicas import HEADROOM
from tools.planner.traffic import TrafficProfile

COLD_START_MINUTES = 8.0
"""From the decision to a replica that answers: machine, image, weights, graphs. An assumption, shown as such."""


def day_shape(traffic: TrafficProfile) -> tuple[float, ...]:
    """Rate of each hour of a day over the mean: a sine for patterns that follow the day, flat for the others.

    A sine around the mean reaches at most twice the mean; higher peaks are bursts within the hour, not daily tides.
    """
    if traffic.burstiness in ("steady", "batch"):
        return (1.0,) * 24
    swing = min(traffic.peak_to_average - 1, 0.95)
    return tuple(1 + swing * sin(2 * pi * (hour - 9) / 24) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Autoscaled:
    """Replicas by hour of the day, and the bill when only they are paid."""

    minimum: int
    maximum: int
    hourly_replicas: tuple[int, ...]
    monthly_usd: float
    fixed_monthly_usd: float

    def to_json(self) -> dict[str, Any]:
        """The schedule and what it saves."""
        return {
            "min_replicas": self.minimum,
            "max_replicas": self.maximum,
            "hourly_replicas": list(self.hourly_replicas),
            "monthly_usd": self.monthly_usd,
            "fixed_monthly_usd": self.fixed_monthly_usd,
            "saving_usd": round(self.fixed_monthly_usd - self.monthly_usd, 2),
            "assumptions": [
                f"a replica needs {COLD_START_MINUTES:g} minutes to start and is started that much before its hour",
                "machines are paid by the minute and given back when idle",
                "spare replicas stay up",
            ],
        }


def autoscaled(option: Option, traffic: TrafficProfile) -> Autoscaled | None:
    """Follow the day with an option that is rented on demand or spot; None for others and for batch windows."""
    predicted, planned, fixed = option.predicted, option.replicas, option.cost.monthly_usd
    if option.kind != "rental" or predicted is None or planned is None or fixed is None:
        return None
    if str(option.billing).startswith("reserved") or traffic.active_hours_per_day < 24:
        return None
    spares = option.spare_replicas or 0
    burst = traffic.peak_to_average / max(day_shape(traffic))
    usable = predicted.max_rps_per_replica * (1 - HEADROOM)
    hourly = tuple(
        min(max(ceil(traffic.qps * share * burst / usable - 1e-9), 1) + spares, planned) for share in day_shape(traffic)
    )
    started = sum(max(now - before, 0) for before, now in zip(hourly[-1:] + hourly[:-1], hourly, strict=True))
    # Replicas that share a machine leave it only together.
    machines = max(option.instance_count or 1, 1)
    per_machine = max(planned // machines, 1)
    machine_hours = sum(ceil(count / per_machine) for count in hourly) + started * COLD_START_MINUTES / 60 / per_machine
    spanned = max(machines // planned, 1)  # machines that one replica takes
    share = min(machine_hours * spanned / (24 * machines), 1.0)
    return Autoscaled(min(hourly), max(hourly), hourly, round(fixed * share, 2), fixed)
