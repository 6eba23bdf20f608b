"""A day of an option: requests by the hour, what the replicas carry, and the replicas when they follow the day."""

from dataclasses import dataclass

from tools.planner.autoscaling import autoscaled, day_shape
from tools.planner.option import Option
from tools.planner.traffic import TrafficProfile


@dataclass(frozen=True, slots=True)
class DayCourse:
    """By hour of the day (UTC is not meant: the day of the people served), 24 entries each.

    `mean_rps` is the mean within the hour, `peak_rps` what bursts within it reach; both in requests per second.
    `planned` replicas are always up; `following` is how many would be if they followed the day, None where that saves
    nothing or cannot be done. A replica carries `replica_rps` within the targets.
    """

    option_id: str
    mean_rps: tuple[float, ...]
    peak_rps: tuple[float, ...]
    planned: int
    following: tuple[int, ...] | None
    replica_rps: float
    monthly_usd: float | None
    following_monthly_usd: float | None


def day_course(option: Option, traffic: TrafficProfile) -> DayCourse | None:
    """The day of a self-hosted option; None for APIs and for work in a window of the day."""
    if option.predicted is None or not option.replicas or traffic.active_hours_per_day < 24:
        return None
    shape = day_shape(traffic)
    burst = traffic.peak_to_average / max(shape)
    mean = tuple(traffic.qps * share for share in shape)
    scaled = autoscaled(option, traffic)
    saves = scaled is not None and scaled.monthly_usd < scaled.fixed_monthly_usd
    return DayCourse(
        option_id=option.id,
        mean_rps=mean,
        peak_rps=tuple(rate * burst for rate in mean),
        planned=option.replicas,
        following=scaled.hourly_replicas if scaled is not None and saves else None,
        replica_rps=option.predicted.max_rps_per_replica,
        monthly_usd=option.cost.monthly_usd,
        following_monthly_usd=scaled.monthly_usd if scaled is not None and saves else None,
    )
