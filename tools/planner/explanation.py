"""One readable sentence per option, with its three decisive numbers: money, the tightest target, quality."""

from tools.planner.case import Case
from tools.planner.money import Cost
from tools.planner.option import Predicted, QualityShown
from tools.planner.traffic import Targets


def money(cost: Cost) -> str:
    """A month's bill in words."""
    if cost.monthly_usd is None:
        return "Running cost unknown until a power rate is given"
    return f"{cost.monthly_usd:,.0f} USD a month" if cost.monthly_usd >= 100 else f"{cost.monthly_usd:,.2f} USD a month"


def quality_words(quality: QualityShown, task: str) -> str:
    """Quality in words."""
    if quality.score is None:
        return "quality unknown, test it"
    basis = "" if quality.basis == "measured" else ", estimated"
    return f"quality {quality.score:.0f} ± {quality.standard_error or 0:.0f} of 100 at {task.replace('_', ' ')}{basis}"


def tightest(predicted: Predicted, targets: Targets) -> str:
    """The target with the least room, as predicted against allowed."""
    end = predicted.perceived_ms if targets.e2e_basis == "perceived" else predicted.e2e_ms
    shares = {
        "TTFT": (predicted.ttft_ms.at_target, targets.ttft_ms),
        "TPOT": (predicted.tpot_ms.at_target, targets.tpot_ms),
        "E2E": (end.at_target, targets.e2e_ms),
    }
    name, (value, limit) = max(shares.items(), key=lambda item: item[1][0] / item[1][1])
    return f"{name} p{targets.percentile} {value:,.0f} of {limit:,g} ms"


def why_hosted(cost: Cost, predicted: Predicted, quality: QualityShown, case: Case, *, machines: str) -> str:
    """Why a self-hosted option is on offer."""
    load = f"at {case.traffic.peak_qps:.3g} requests/s, {predicted.utilization:.0%} used"
    return (
        f"{money(cost)} for {machines}: {tightest(predicted, case.traffic.targets)} {load}; "
        f"{quality_words(quality, case.traffic.task_type)}."
    )


def why_api(cost: Cost, quality: QualityShown, case: Case) -> str:
    """Why an API is on offer."""
    return (
        f"{money(cost)} for {case.tokens_per_month / 1e6:,.0f} million tokens, nothing when idle; "
        f"latency not published; {quality_words(quality, case.traffic.task_type)}."
    )
