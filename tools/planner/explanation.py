"""One readable sentence per option, with its three decisive numbers: money, the tightest target, quality."""

from math import isclose

from templates.numbers import dollars, rate
from tools.planner.case import Case
from tools.planner.money import Cost
from tools.planner.option import OptionKind, Predicted, QualityShown
from tools.planner.shortlist import threshold
from tools.planner.traffic import Targets


def quality_words(quality: QualityShown, case: Case) -> str:
    """Quality in words, beside what is asked for: 100 is the best known model, and the scale only ranks models."""
    if quality.score is None:
        return "quality unknown, test it"
    doubt = quality.standard_error or 0.0
    spread = f"{doubt:.0f}" if doubt >= 1 or isclose(doubt, 0.0) else f"{doubt:.1f}"
    floor, word = threshold(case.snapshot, case.traffic), case.traffic.targets.quality
    asked = f"; {floor:g} or more counts as {word.replace('_', ' ')}" if word and floor else ""
    estimated = " (estimated)" if quality.basis != "measured" else ""
    task = case.traffic.task_type.replace("_", " ")
    return f"quality {quality.score:.0f} ± {spread} of 100 at {task}{estimated}{asked}"


def tightest(predicted: Predicted, targets: Targets, network_ms: float = 0.0) -> str:
    """The target with the least room, as predicted against allowed; the network counts in TTFT and E2E."""
    end = predicted.perceived_ms if targets.e2e_basis == "perceived" else predicted.e2e_ms
    shares = {
        "TTFT": (predicted.ttft_ms.at_target + network_ms, targets.ttft_ms),
        "TPOT": (predicted.tpot_ms.at_target, targets.tpot_ms),
        "E2E": (end.at_target + network_ms, targets.e2e_ms),
    }
    name, (value, limit) = max(shares.items(), key=lambda item: item[1][0] / item[1][1])
    digits = 1 if limit < 100 else 0
    way = f" ({network_ms:g} ms of it network)" if network_ms and name != "TPOT" else ""
    return f"{name} p{targets.percentile} {value:,.{digits}f} of {limit:,.4g} ms{way}"


def why_hosted(
    kind: OptionKind,
    cost: Cost,
    predicted: Predicted,
    quality: QualityShown,
    case: Case,
    *,
    machines: str,
    network_ms: float = 0.0,
) -> str:
    """Why a self-hosted option is on offer."""
    load = f"at the peak of {rate(case.traffic.peak_qps)}"
    return (
        f"{_money(kind, cost, machines)}; {tightest(predicted, case.traffic.targets, network_ms)} {load}; "
        f"{quality_words(quality, case)}."
    )


def _money(kind: OptionKind, cost: Cost, machines: str) -> str:
    if cost.monthly_usd is None:
        return f"your own {machines}, whose running cost is unknown until a power rate is given"
    powered = any(line.item.startswith("power") for line in cost.lines)
    unpowered = ", without power since no rate was given" if kind == "purchase" and not powered else ""
    verb = {"purchase": "to buy and run ", "owned": "to run your own "}.get(kind, "for ")
    return f"{dollars(cost.monthly_usd)} a month {verb}{machines}{unpowered}"


def _tokens(count: float) -> str:
    """ "4,786 million tokens", "46,000 tokens"."""
    if count >= 1e6:
        return f"{count / 1e6:,.0f} million tokens" if count >= 1e7 else f"{count / 1e6:.2g} million tokens"
    return f"{float(f'{count:.2g}'):,.0f} tokens"


def why_api(cost: Cost, quality: QualityShown, case: Case) -> str:
    """Why an API is on offer."""
    return (
        f"{dollars(cost.monthly_usd)} a month for {_tokens(case.tokens_per_month)}, nothing when "
        f"idle; no latency is published, so TTFT p{case.traffic.targets.percentile} within "
        f"{case.traffic.targets.ttft_ms:,.4g} ms is not certain; {quality_words(quality, case)}."
    )
