"""Quality by task: how scores are weighed, put on one scale, combined and doubted."""

import hashlib
import typing
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from knowledge.facts import ModelQuality, QualityScore
from knowledge.importing import GATHERED_ON
from knowledge.loading import read_records
from knowledge.snapshot import DATA, load
from tools.intent import TaskType
from tools.quality.__main__ import APART, Input, Reference, assess_all, thresholds
from tools.quality.alignment import align
from tools.quality.assessment import assess
from tools.quality.comparison import meets, ranking_score, tied
from tools.quality.evidence import (
    Evidence,
    evidence_of,
    mode_weight,
    precision_weight,
    recency_weight,
    reporter_weight,
    weighted_median,
    with_answered_consistency,
)
from tools.quality.precision import LEVELS_PER_RAW_SHARE, QuantizationLoss, loss_share, quantized
from tools.quality.scheme import Share, by_task

FACTS = load()
SCHEME = by_task(read_records(DATA / "quality_scheme.csv", Share))
LOSSES = read_records(DATA / "quantization_losses.csv", QuantizationLoss)
CHAT = [row for row in FACTS.quality_scores if row.task not in ("embedding", "reranking")]
EVIDENCE = evidence_of(CHAT, FACTS.models, as_of=GATHERED_ON)

A_SCORE = QualityScore(
    "maker/model", "A benchmark", "reasoning", 50.0, "percent", True, "", "independent", "s", "2026-05-01", "MIT", ""
)


def score(model: str, benchmark: str, value: float, *, higher_is_better: bool = True) -> QualityScore:
    return replace(A_SCORE, model_id=model, benchmark=benchmark, score=value, higher_is_better=higher_is_better)


def test_an_independent_row_counts_most_and_a_competitors_figure_least() -> None:
    weights = [
        reporter_weight(replace(A_SCORE, reported_by=who, notes=notes))
        for who, notes in typing.cast(
            list[tuple[typing.Literal["independent", "vendor"], str]],
            [
                ("independent", ""),
                ("vendor", "OpenAI-run"),
                ("vendor", "community-entered; origin https://…"),
                ("vendor", "competitor figure in another vendor's table"),
            ],
        )
    ]
    assert weights == [1.0, 0.5, 0.35, 0.2]
    assert reporter_weight(replace(A_SCORE, notes="score is for the chat release of this base model (X)")) == 0.6
    assert reporter_weight(replace(A_SCORE, reported_by="user")) == 3.0


def test_a_benchmark_counts_half_after_eighteen_months() -> None:
    assert recency_weight(A_SCORE, date(2026, 5, 1)) == 1.0
    assert recency_weight(A_SCORE, date(2027, 11, 1)) == pytest.approx(0.5, abs=0.01)
    dated = replace(A_SCORE, benchmark="LiveBench 2024-08-31: Coding")
    assert recency_weight(dated, date(2026, 3, 2)) == pytest.approx(0.5, abs=0.01)


def test_a_wide_interval_of_the_arena_counts_less() -> None:
    assert precision_weight(A_SCORE) == 1.0
    assert precision_weight(replace(A_SCORE, notes="votes 900; 95% CI 1140-1180")) == 0.5


def test_a_hybrid_model_is_judged_without_thinking() -> None:
    assert [mode_weight(variant, "hybrid") for variant in ("non-thinking", "", "thinking, 16k")] == [1.0, 0.7, 0.3]
    assert mode_weight("thinking", "yes") == 1.0


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 10)), min_size=1))
def test_the_weighted_median_splits_the_weight(pairs: list[tuple[float, float]]) -> None:
    values, weights = [value for value, _ in pairs], [weight for _, weight in pairs]
    middle = weighted_median(values, weights)
    below = sum(weight for value, weight in pairs if value < middle)
    above = sum(weight for value, weight in pairs if value > middle)
    assert below <= sum(weights) / 2 * (1 + 1e-9)
    assert above <= sum(weights) / 2 * (1 + 1e-9)


def test_refusing_to_answer_does_not_buy_faithfulness() -> None:
    rows = with_answered_consistency(
        [
            score("m", "Vectara HHEM-2.3: factual consistency rate", 98),
            score("m", "Vectara HHEM-2.3: answer rate", 50),
        ]
    )
    assert [(row.benchmark, row.score) for row in rows] == [("Vectara HHEM-2.3: factual consistency x answer rate", 49)]


def test_a_benchmark_that_few_models_share_says_nothing() -> None:
    rows = [score(f"m{number}", "A", number) for number in range(9)]
    assert evidence_of(rows, {}, as_of=GATHERED_ON) == []
    assert len(evidence_of([*rows, score("m9", "A", 9)], {}, as_of=GATHERED_ON)) == 10


def test_errors_are_turned_so_that_higher_is_better() -> None:
    rows = [score(f"m{number}", "errors", 10.0 * number, higher_is_better=False) for number in range(10)]
    z = {row.model_id: row.z for row in evidence_of(rows, {}, as_of=GATHERED_ON)}
    assert z["m0"] > 0 > z["m9"]


@given(st.floats(0.1, 50), st.floats(-100, 100))
def test_the_unit_of_a_benchmark_does_not_matter(scale: float, offset: float) -> None:
    def z(factor: float, shift: float) -> list[float]:
        rows = [replace(score(f"m{n}", "A", factor * n**1.5 + shift), scale="index") for n in range(12)]
        return [row.z for row in evidence_of(rows, {}, as_of=GATHERED_ON)]

    assert z(scale, offset) == pytest.approx(z(1, 0), abs=1e-6)


def ladder(benchmark: str, models: Sequence[int]) -> list[QualityScore]:
    return [replace(score(f"m{n:02}", benchmark, 10.0 + n), scale="index") for n in models]


def test_an_old_table_without_strong_models_is_put_on_a_lower_level() -> None:
    evidence = evidence_of(ladder("old", range(12)) + ladder("new", range(6, 30)), {}, as_of=GATHERED_ON)
    alignment = align(evidence)
    levels = [alignment.general[f"m{n:02}"] for n in range(30)]
    assert spearmanr(range(30), levels).statistic > 0.99
    best_of_old = next(row for row in evidence if row.model_id == "m11" and row.benchmark == "old")
    best_of_new = next(row for row in evidence if row.model_id == "m29" and row.benchmark == "new")
    assert alignment.level(best_of_old) < alignment.level(best_of_new)


def quality(model_id: str, task_type: str) -> ModelQuality:
    return FACTS.quality[model_id, task_type]


def test_every_task_is_assessed_for_most_models() -> None:
    for task in typing.get_args(TaskType):
        measured = [q for (_, task_type), q in FACTS.quality.items() if task_type == task and q.basis == "measured"]
        assert len(measured) >= 70, task
        assert sum(q.model_id in FACTS.models for q in measured) >= 30, task
        assert sum(q.model_id not in FACTS.models for q in measured) >= 25, task


def test_a_model_without_any_score_has_no_quality() -> None:
    for model_id in ("HuggingFaceTB/SmolLM3-3B", "Qwen/Qwen3-VL-2B-Instruct", "openai/whisper-large-v3"):
        assert not any(scored == model_id for scored, _ in FACTS.quality)


def test_scores_carry_their_doubt_and_where_they_are_from() -> None:
    for entry in FACTS.quality.values():
        assert 0 <= entry.score <= 100
        assert entry.standard_error > 0
        assert 0 <= entry.independent_share <= 1
        if entry.basis == "measured":
            assert entry.rows >= 1
            assert entry.top_sources
            assert "2024" <= entry.newest_date[:4] <= "2026"


@pytest.mark.parametrize("task", ["chatbot", "code_generation", "research_analysis", "agentic"])
def test_bigger_siblings_are_better(task: str) -> None:
    family = [
        "meta-llama/Llama-3.2-1B-Instruct",
        "meta-llama/Llama-3.2-3B-Instruct",
        "meta-llama/Llama-3.1-8B-Instruct",
        "meta-llama/Llama-3.3-70B-Instruct",
    ]
    scores = [quality(model_id, task).score for model_id in family]
    assert scores == sorted(scores)


def test_summaries_are_not_judged_by_general_ability() -> None:
    by_tasks = ("summarization", "research_analysis")
    scored = [model for model in FACTS.models if all((model, task) in FACTS.quality for task in by_tasks)]
    pairs = [tuple(quality(model, task) for task in by_tasks) for model in scored]
    measured = [(one.score, two.score) for one, two in pairs if one.basis == two.basis == "measured"]
    assert spearmanr(measured).statistic < 0.8


@pytest.mark.parametrize(
    ("task", "benchmark", "margin"),
    [
        ("code_generation", "Aider polyglot (225 tasks, 2 tries)", 0.2),
        ("code_generation", "AA Coding Index (2026-08)", 0.1),
        ("research_analysis", "AA Intelligence Index (2026-08)", 0.05),
        ("agentic", "AA: Terminal-Bench Hard", 0.1),
    ],
)
def test_foretells_a_held_out_benchmark_better_than_averaging(task: str, benchmark: str, margin: float) -> None:
    rest = [row for row in EVIDENCE if row.benchmark != benchmark]
    assessed = {q.model_id: q.score for q in assess(rest, {task: SCHEME[task]}, align(rest, apart=APART))}
    plain: dict[str, list[float]] = {}
    for row in rest:
        if any(group.holds(row.benchmark) for group in SCHEME[task]):
            plain.setdefault(row.model_id, []).append(row.z)
    held = [row for row in EVIDENCE if row.benchmark == benchmark and row.model_id in plain]
    truth = [row.z for row in held]
    ours = spearmanr(truth, [assessed[row.model_id] for row in held]).statistic
    averaged = spearmanr(truth, [mean(plain[row.model_id]) for row in held]).statistic
    assert ours > averaged + margin


def test_what_ships_gives_nearly_the_same_as_all_that_was_gathered() -> None:
    alone = assess_all(FACTS.quality_scores, FACTS.models, SCHEME, as_of=GATHERED_ON)
    for task in ("chatbot", "code_generation", "content_generation", "research_analysis", "agentic"):
        of_task = [q for q in alone if q.task_type == task and (q.model_id, task) in FACTS.quality]
        pairs = [(q.score, quality(q.model_id, task).score) for q in of_task]
        assert spearmanr(pairs).statistic > 0.95, task


def test_the_generated_files_belong_to_their_inputs() -> None:
    for entry in read_records(DATA / "quality_inputs.csv", Input):
        if not entry.file.startswith("SOURCE_DIR"):
            digest = hashlib.sha256((DATA / entry.file).read_bytes()).hexdigest()
            assert digest == entry.sha256, f"{entry.file} changed: run python -m tools.quality SOURCE_DIR"
    references = read_records(DATA / "quality_references.csv", Reference)
    assert thresholds(FACTS.quality.values(), references) == list(FACTS.quality_thresholds.values())


def test_the_shares_of_a_task_add_up_and_name_benchmarks_that_exist() -> None:
    gathered = {row.benchmark for row in with_answered_consistency(FACTS.quality_scores)}
    withheld = ("LiveBench", "Nejumi", "Lechmazur", "NoLiMa", "SWE-bench", "MTEB English v1", "BFCL", "WMT24")
    for task, groups in SCHEME.items():
        assert sum(group.share for group in groups) == pytest.approx(1), task
        for group in groups:
            known = any(group.holds(benchmark) for benchmark in gathered)
            assert known or any(name in pattern for pattern in group.benchmarks for name in withheld), group


def test_the_words_for_quality_rise_and_name_a_model() -> None:
    for task in typing.get_args(TaskType):
        words = [FACTS.quality_thresholds[task, word] for word in ("standard", "high", "very_high")]
        assert [word.score for word in words] == sorted(word.score for word in words)
        for word in words:
            assert word.reference_model.rpartition("/")[2].split("-")[1] in word.meaning
            assert meets(quality(word.reference_model, task), word)
        assert not meets(None, words[0])


def test_what_is_unknown_never_ranks_above_what_is_known() -> None:
    worst = min(FACTS.quality.values(), key=lambda q: q.score)
    assert ranking_score(None) < ranking_score(worst)
    guess = replace(worst, basis="estimated", score=60.0, standard_error=25.0)
    assert ranking_score(guess) == 35.0
    assert ranking_score(replace(guess, basis="measured")) == 60.0


def test_small_differences_are_ties() -> None:
    one = quality("meta-llama/Llama-3.1-8B-Instruct", "chatbot")
    assert tied(one, replace(one, score=one.score + 0.9 * one.standard_error))
    assert not tied(one, replace(one, score=one.score + 1.1 * one.standard_error))


@pytest.mark.parametrize(
    ("model_id", "precision", "task", "isl", "share"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "bf16", "chatbot", 500, 0.0),
        ("meta-llama/Llama-3.3-70B-Instruct", "fp8", "chatbot", 500, 0.003),
        ("meta-llama/Llama-3.3-70B-Instruct", "int4", "chatbot", 500, 0.01),
        ("meta-llama/Llama-3.1-8B-Instruct", "int4", "chatbot", 500, 0.03),
        ("meta-llama/Llama-3.1-8B-Instruct", "int4", "document_qa", 40_000, 0.08),
        ("meta-llama/Llama-3.2-3B-Instruct", "int4", "agentic", 500, 0.13),
        ("Qwen/Qwen2.5-0.5B-Instruct", "int4", "chatbot", 500, 0.12),
        ("openai/gpt-oss-120b", "fp4", "chatbot", 500, 0.0),
        ("deepseek-ai/DeepSeek-V3", "fp8", "chatbot", 500, 0.0),
        ("moonshotai/Kimi-K2.5", "int4", "chatbot", 500, 0.0),
    ],
)
def test_what_a_quantized_copy_loses(model_id: str, precision: str, task: str, isl: float, share: float) -> None:
    lost = loss_share(LOSSES, FACTS.models[model_id], precision, task_type=task, isl=isl)
    assert lost == pytest.approx(share)


def test_a_quantized_copy_is_never_better_and_never_surer() -> None:
    for (model_id, task), full in FACTS.quality.items():
        model = FACTS.models.get(model_id)
        for precision in ("fp8", "int8", "fp4", "int4"):
            if model:
                copy = quantized(full, LOSSES, model, precision, isl=2000)
                assert copy.score <= full.score, (model_id, task)
                assert copy.standard_error >= full.standard_error, (model_id, task)


def test_the_worth_of_a_raw_percent_is_that_of_the_scores() -> None:
    alignment = align(EVIDENCE, apart=APART)
    rows: dict[str, dict[str, list[float]]] = {}
    for row in with_answered_consistency(CHAT):
        if row.scale == "percent" and row.higher_is_better and row.benchmark in alignment.benchmarks:
            rows.setdefault(row.benchmark, {}).setdefault(row.model_id, []).append(row.score)
    levels = []
    for benchmark, models in rows.items():
        values = [median(scores) for scores in models.values()]
        middle = median(values)
        spread = 1.4826 * median(abs(value - middle) for value in values)
        if middle <= 85:
            levels.append(middle / spread / alignment.benchmarks[benchmark][1])
    assert median(levels) == pytest.approx(LEVELS_PER_RAW_SHARE, rel=0.35)


def test_evidence_names_one_row_per_model_and_benchmark() -> None:
    assert len({(row.model_id, row.benchmark) for row in EVIDENCE}) == len(EVIDENCE)
    assert all(isinstance(row, Evidence) and row.weight > 0 for row in EVIDENCE)
