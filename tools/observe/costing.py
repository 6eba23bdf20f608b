"""What observed traffic costs: the planned price of the observed replicas over what they served."""

from tools.deploy.specification import DeploymentSpec
from tools.observe.observation import Costs, Engine, Traffic
from tools.planner.traffic import HOURS_PER_MONTH

_S_PER_HOUR = 3600.0


def costs(spec: DeploymentSpec, traffic: Traffic, engine: Engine, *, tokens_before_s: float | None) -> Costs:
    """Costs of as many replicas as were observed. Nothing served: nothing per token, rather than infinity.

    `tokens_before_s` are tokens per second, prompts and answers, in the window before.
    """
    if spec.monthly_cost_usd is None:
        return Costs(None, None, None, None, None, None, None)
    monthly = spec.monthly_cost_usd * min(engine.replicas / spec.replicas, 1.0)
    hourly = monthly / HOURS_PER_MONTH
    read, written = traffic.prompt_tok_s, traffic.output_tok_s
    tokens_s = None if read is None or written is None else read + written
    planned = spec.traffic
    at_plan_s = (
        planned.request_rate_rps * (planned.isl.mean + planned.osl.mean) * min(engine.replicas / spec.replicas, 1)
    )
    return Costs(
        usd_per_hour=hourly,
        usd_per_month=monthly,
        usd_per_1k_tokens=_per(hourly, tokens_s, 1000),
        usd_per_1k_tokens_before=_per(hourly, tokens_before_s, 1000),
        usd_per_1k_tokens_at_plan=_per(hourly, at_plan_s, 1000),
        usd_per_request=_per(hourly, traffic.request_rate_rps, 1),
        idle_usd_per_month=None if engine.idle_share is None else monthly * engine.idle_share,
    )


def _per(usd_per_hour: float, rate_per_s: float | None, units: float) -> float | None:
    return usd_per_hour / _S_PER_HOUR / rate_per_s * units if rate_per_s else None
