"""The specification card and the options table, drawn from the state alone: the same after a restart."""

from dataclasses import dataclass
from typing import Any

from agent.events import Card, Options
from agent.specification import redone, undone
from agent.state import Json, State, chosen_option, intent_of, provenance_of
from tools.editing import look_up


@dataclass(frozen=True, slots=True)
class Line:
    """A field of the card: the intent path that an edit sets, and where the profile holds what applies unsaid."""

    path: str
    label: str
    unit: str = ""
    applies: str | None = None
    """Dotted path into `{"traffic": …, "slo": …}`; None: shown only when said."""


GROUPS: tuple[tuple[str, tuple[Line, ...]], ...] = (
    (
        "Use case",
        (
            Line("workload_type", "Workload"),
            Line("task_type", "Task", applies="traffic.task_type"),
            Line("subject_matter", "Domain"),
            Line("languages", "Languages"),
            Line("priority", "Priority"),
            Line("quality_threshold", "Quality", applies="slo.quality"),
        ),
    ),
    (
        "Load",
        (
            Line("total_users", "People with access", "people"),
            Line("concurrent_users", "People at the same time", "people"),
            Line("requests_per_day", "Requests", "a day", applies="traffic.requests_per_day"),
            Line("tokens_per_day", "Tokens", "a day"),
            Line("expected_qps", "Average load", "requests/s", applies="traffic.qps"),
            Line("peak_qps", "Peak load", "requests/s", applies="traffic.peak_qps"),
            Line("burstiness_pattern", "Pattern", applies="traffic.burstiness"),
            Line("batch_window_hours", "Batch window", "h a day"),
            Line("usage.quantity", "Volume"),
            Line("usage.unit", "Volume unit"),
            Line("usage.period", "Volume per"),
        ),
    ),
    (
        "Traffic",
        (
            Line("prompt_length_avg", "Prompt (ISL), mean", "tokens", applies="traffic.isl.mean"),
            Line("shared_prefix_tokens", "Shared by all prompts", "tokens"),
            Line("generation_length_avg", "Answer (OSL), mean", "tokens", applies="traffic.osl.mean"),
            Line("context_length", "Longest sequence", "tokens", applies="traffic.context_tokens"),
        ),
    ),
    (
        "Targets",
        (
            Line("slo_percentile", "Percentile", applies="slo.percentile"),
            Line("target_ttft_p90_ms", "Time to first token", "ms", applies="slo.ttft_ms"),
            Line("target_tpot_p90_ms", "Time per output token", "ms", applies="slo.tpot_ms"),
            Line("target_e2e_latency_p90_ms", "End to end", "ms", applies="slo.e2e_ms"),
            Line("e2e_basis", "End to end counts", applies="slo.e2e_basis"),
            Line("target_throughput_rps", "Throughput", "requests/s"),
            Line("reliability_target", "Reliability", "%", applies="slo.reliability_percent"),
        ),
    ),
    (
        "Budget",
        (
            Line("budget.max_monthly_cost_usd", "At most a month", "USD"),
            Line("budget.max_hourly_cost_usd", "At most an hour", "USD"),
            Line("budget.cost_per_1k_tokens", "At most per 1k tokens", "USD"),
            Line("budget.amount", "Stated amount"),
            Line("budget.currency", "Stated currency"),
            Line("budget.period", "Stated per"),
        ),
    ),
    (
        "Constraints",
        (
            Line("preferred_models", "Models"),
            Line("excluded_models", "Not these models"),
            Line("license", "Licences"),
            Line("quantization", "Precisions"),
            Line("available_gpus", "Own accelerators"),
            Line("gpu_types", "Accelerators"),
            Line("max_gpus", "At most", "GPUs"),
            Line("tensor_parallel", "Tensor parallel"),
            Line("deployment_model", "How to run it"),
            Line("clouds", "Clouds"),
            Line("regions", "Regions"),
            Line("residency", "Residency"),
            Line("user_region", "Users are in"),
            Line("billing", "Billing"),
            Line("compliance", "Compliance (carried, not checked)"),
            Line("datacenter_context.power_cost_per_kwh", "Power", "USD/kWh"),
            Line("datacenter_context.cooling_overhead_pue", "PUE"),
            Line("datacenter_context.rack_space_cost_per_month", "Rack space", "USD a month"),
            Line("datacenter_context.amortization_period_months", "Amortised over", "months"),
        ),
    ),
)


def card(state: State, beside: Json | None = None) -> Card:
    """The editable specification at the state's revision; `beside` is what stands beside it (`agent.standing`).

    `undo` and `redo` say whether there is a step to take.
    """
    intent = intent_of(state)
    option = chosen_option(state)
    said = intent.model_dump(mode="json")
    said_from = {path: entry.model_dump(exclude_none=True) for path, entry in provenance_of(state).items()}
    groups = [{"name": name, "fields": _fields(lines, said, said_from, state)} for name, lines in GROUPS]
    spec: Json = {
        "title": "Specification",
        "groups": [group for group in groups if group["fields"]],
        "unresolved": [item.model_dump() for item in intent.unresolved],
        "snapshot": (state.get("plan") or {}).get("snapshot"),
        "chosen": option,
        "deployment": state.get("deployment"),
        "undo": undone(state) is not None,
        "redo": redone(state) is not None,
        **(beside or {}),
    }
    return Card(spec, state.get("revision", 0))


def options(state: State) -> Options:
    """The ranked options, the named lists, the rejections and what is chosen."""
    plan = state.get("plan") or {}
    return Options(plan.get("options", []), plan.get("lists", {}), plan.get("rejected", {}), state.get("chosen"))


def _fields(lines: tuple[Line, ...], said: Json, said_from: dict[str, Json], state: State) -> list[Json]:
    shown = ((line, _field(line, said, said_from, state.get("traffic") or {})) for line in lines)
    return [field for _, field in shown if field is not None]


def _field(line: Line, said: Json, said_from: dict[str, Json], profile: Json) -> Json | None:
    value = look_up(said, line.path)
    if value is not None:
        source = said_from.get(line.path) or said_from.get(line.path.partition(".")[0]) or {"source": "said"}
        return _shown(line, value, source["source"], source.get("text") or source.get("detail"))
    if line.applies is None:
        return None
    part, _, name = line.applies.partition(".")
    value = look_up(profile, line.applies)
    if value is None:
        return None
    entries = look_up(profile, f"{part}.provenance") or {}
    entry = entries.get(name) or entries.get(name.partition(".")[0]) or {"source": "template"}
    return _shown(line, value, entry["source"], entry.get("detail") or entry.get("text"))


def _shown(line: Line, value: Any, source: str, detail: str | None) -> Json:
    return {
        "key": line.path,
        "label": line.label,
        "unit": line.unit,
        "value": value,
        "source": source,
        "detail": detail,
    }
