"""Intent → traffic profile: what was said, and the use case's template for the rest, each value marked as such."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from knowledge.errors import BadInput
from knowledge.facts import Lengths, UseCase
from knowledge.snapshot import Snapshot
from tools.intent import E2eBasis, Intent, Provenance, SloPercentile, TaskType
from tools.planner.load import Load, load
from tools.planner.mix import Mix, RequestClass, mix
from tools.planner.traffic import SECONDS_PER_DAY, Targets, TrafficProfile

UNSAID_TASK: TaskType = "chatbot"
PERCEIVED_TOKENS = 20
PERCEIVED_FACTOR = 1.2

Notes = dict[str, Provenance]


def profile(
    intent: Intent,
    snapshot: Snapshot,
    said: Mapping[str, Provenance] | None = None,
    classes: Sequence[RequestClass] = (),
) -> TrafficProfile:
    """The traffic profile of an intent.

    `said` holds the provenance of the intent's fields where it is known; `classes` the request classes of a mix, scaled
    to the average lengths of the intent where both were said. Raises BadInput when prompt and answer
    exceed every context.
    """
    task = intent.task_type or UNSAID_TASK
    template = snapshot.use_cases[task]
    notes: Notes = {}
    marks = _Marks(notes, said or {}, template)
    marks.field("task_type", intent.task_type, "task_type", "no task was said: planned as a chatbot")
    mixed = _mixed(intent, template, classes, marks) if classes else None
    isl = mixed.isl if mixed else _lengths(template.isl, intent.prompt_length_avg, "isl", "prompt_length_avg", marks)
    osl = (
        mixed.osl
        if mixed
        else _lengths(template.osl, intent.generation_length_avg, "osl", "generation_length_avg", marks)
    )
    longest = max((ceil(each.isl.p99 + each.osl.p99) for each in mixed.classes), default=0) if mixed else 0
    hours = min(intent.batch_window_hours or 24.0, 24.0)
    tokens = isl.mean + osl.mean
    demand = load(intent, template, tokens_per_request=tokens, active_hours=hours)
    _note_load(demand, marks)
    per_day = demand.qps * SECONDS_PER_DAY * hours / 24
    marks.derived("requests_per_day", f"{demand.qps:.4g}/s × {hours:g} h × 3600 s")
    marks.derived("tokens_per_day", f"{per_day:.4g} requests × {tokens:g} tokens")
    marks.field("burstiness", intent.burstiness_pattern, "burstiness_pattern", "burstiness")
    return TrafficProfile(
        workload_type=intent.workload_type or "llm",
        task_type=task,
        isl=isl,
        osl=osl,
        qps=demand.qps,
        peak_qps=demand.peak_qps,
        burstiness="batch" if intent.batch_window_hours else intent.burstiness_pattern or template.burstiness,
        interarrival_cv=template.interarrival_cv,
        prefix_reuse_share=_reuse(intent, template, mixed, isl, marks),
        active_hours_per_day=hours,
        requests_per_day=per_day,
        tokens_per_day=per_day * tokens,
        context_tokens=_context(intent, isl, osl, marks, at_least=longest),
        targets=_targets(intent, template, isl, osl, marks),
        provenance=notes,
        classes=mixed.classes if mixed else (),
        said_classes=tuple(classes),
    )


def _mixed(intent: Intent, template: UseCase, classes: Sequence[RequestClass], marks: "_Marks") -> Mix:
    found = mix(classes, template, isl=intent.prompt_length_avg, osl=intent.generation_length_avg)
    for name, field in (("isl", "prompt_length_avg"), ("osl", "generation_length_avg")):
        means = " + ".join(f"{each.share:.3g} × {getattr(each, name).mean:g}" for each in found.classes)
        scaled = f", scaled to {field}" if getattr(intent, field) is not None else ""
        marks.derived(name, f"classes: {means}{scaled}")
        marks.derived(f"{name}.percentiles", "mixture of the classes, each with the template's spread")
    marks.derived("prefix_reuse_share", "classes, by their prompt tokens")
    return found


def _reuse(intent: Intent, template: UseCase, mixed: Mix | None, isl: Lengths, marks: "_Marks") -> float:
    """Share of the prompt tokens that requests have in common: as stated, of the classes, or the template's."""
    if intent.shared_prefix_tokens is not None:
        marks.derived("prefix_reuse_share", f"{intent.shared_prefix_tokens} shared of {isl.mean:g} prompt tokens")
        return min(intent.shared_prefix_tokens / isl.mean, 0.99)
    if mixed:
        return mixed.prefix_reuse_share
    marks.field("prefix_reuse_share", None, "", "prefix_reuse_share")
    return template.prefix_reuse_share


class _Marks:
    """Collects where each value is from, under the names that `traffic` and `slo` show."""

    def __init__(self, notes: Notes, said: Mapping[str, Provenance], template: UseCase) -> None:
        self.notes, self.said, self.template = notes, said, template

    def field(self, name: str, value: object, field: str, template_field: str) -> None:
        """Said when `value` is there, else from the template (or the sentence given when the template has none)."""
        if value is not None:
            self.notes[name] = self.said.get(field) or Provenance(source="said", detail=field)
            return
        origin = self.template.origin.get(template_field, template_field)
        self.notes[name] = Provenance(source="template", detail=f"{self.template.task_type}: {origin}")

    def derived(self, name: str, formula: str) -> None:
        """Computed; `formula` says how, with its numbers."""
        self.notes[name] = Provenance(source="derived", detail=formula)


def _lengths(template: Lengths, mean: int | None, name: str, field: str, marks: _Marks) -> Lengths:
    marks.field(name, mean, field, f"{name}.mean")
    if mean is None:
        return template
    marks.derived(f"{name}.percentiles", f"the template's shape × {mean} ÷ {template.mean:g}")
    scale = mean / template.mean
    return Lengths(float(mean), template.p50 * scale, template.p90 * scale, template.p99 * scale)


def _note_load(demand: Load, marks: _Marks) -> None:
    for name, field, formula in (
        ("qps", demand.said, demand.qps_formula),
        ("peak_qps", demand.peak_said, demand.peak_formula),
    ):
        if formula == "as said" and field is not None:
            marks.field(name, formula, field, field)
        elif field is None and name == "qps":
            marks.notes[name] = Provenance(source="template", detail=formula)
        else:
            marks.derived(name, formula)


def _context(intent: Intent, isl: Lengths, osl: Lengths, marks: _Marks, *, at_least: int = 0) -> int:
    """Tokens that one sequence may reach: said, or the 99th percentiles of prompt and answer together.

    `at_least` is that of the longest class of a mix.
    """
    longest = max(ceil(isl.p99 + osl.p99), at_least)
    if intent.context_length is None:
        if at_least == longest:
            marks.derived("context_tokens", "p99 of prompt and answer of the longest class")
            return longest
        marks.derived("context_tokens", f"p99 of prompt {isl.p99:g} + p99 of answer {osl.p99:g}")
        return longest
    marks.field("context_tokens", intent.context_length, "context_length", "context_length")
    if intent.context_length < isl.mean + osl.mean:
        raise BadInput(
            f"context_length: {intent.context_length} tokens are fewer than the average prompt and answer "
            f"({isl.mean + osl.mean:g})",
            "raise context_length, or lower prompt_length_avg or generation_length_avg",
            field="context_length",
        )
    return intent.context_length


def at_percentile(lengths: Lengths, percentile: SloPercentile) -> float:
    """The distribution's value at a percentile; p95 lies between p90 and p99 as a normal quantile does."""
    if percentile == 95:
        return lengths.p90 + (lengths.p99 - lengths.p90) * (1.6449 - 1.2816) / (2.3263 - 1.2816)
    return float({50: lengths.p50, 90: lengths.p90, 99: lengths.p99}[percentile])


def _targets(intent: Intent, template: UseCase, isl: Lengths, osl: Lengths, marks: _Marks) -> Targets:
    percentile: SloPercentile = intent.slo_percentile or template.slo_percentile
    marks.field("slo.percentile", intent.slo_percentile, "slo_percentile", "slo_percentile")
    said_e2e = intent.target_e2e_latency_p90_ms
    basis: E2eBasis = intent.e2e_basis or ("full" if said_e2e is not None else template.e2e_basis)
    ttft = _first_token(intent, template, isl, marks)
    marks.field("slo.tpot_ms", intent.target_tpot_p90_ms, "target_tpot_p90_ms", "tpot_ms")
    tpot = intent.target_tpot_p90_ms or template.tpot_ms
    e2e = said_e2e or template.e2e_ms
    marks.field("slo.e2e_ms", said_e2e, "target_e2e_latency_p90_ms", "e2e_ms")
    counted = PERCEIVED_TOKENS * PERCEIVED_FACTOR if basis == "perceived" else at_percentile(osl, percentile)
    implied = ttft + tpot * counted
    if said_e2e is None and implied > e2e and _departs(intent):
        e2e = implied
        marks.derived("slo.e2e_ms", f"{ttft:g} ms + {counted:g} tokens × {tpot:g} ms, since these were said")
    marks.field("slo.quality", intent.quality_threshold, "quality_threshold", "quality")
    marks.field("slo.reliability_percent", intent.reliability_target, "reliability_target", "reliability_percent")
    if intent.target_throughput_rps is not None:
        marks.field("slo.throughput_rps", intent.target_throughput_rps, "target_throughput_rps", "")
    return Targets(
        percentile=percentile,
        ttft_ms=ttft,
        tpot_ms=tpot,
        e2e_ms=e2e,
        e2e_basis=basis,
        throughput_rps=intent.target_throughput_rps,
        quality=intent.quality_threshold or template.quality,
        reliability_percent=intent.reliability_target or template.reliability_percent,
    )


def _departs(intent: Intent) -> bool:
    """Whether something that the template's E2E target rests on was said."""
    stated: tuple[Any, ...] = (
        intent.target_ttft_p90_ms,
        intent.target_tpot_p90_ms,
        intent.prompt_length_avg,
        intent.generation_length_avg,
        intent.slo_percentile,
    )
    return any(value is not None for value in stated)


def _first_token(intent: Intent, template: UseCase, isl: Lengths, marks: _Marks) -> float:
    """The TTFT target: said, else the template's, longer in proportion for prompts said to be longer."""
    marks.field("slo.ttft_ms", intent.target_ttft_p90_ms, "target_ttft_p90_ms", "ttft_ms")
    if intent.target_ttft_p90_ms is not None:
        return intent.target_ttft_p90_ms
    longer = max(isl.mean / template.isl.mean, 1.0)
    if longer > 1.0:
        marks.derived("slo.ttft_ms", f"template {template.ttft_ms:g} ms × {longer:.3g} for longer prompts")
    return template.ttft_ms * longer
