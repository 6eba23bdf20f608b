"""Use cases: complete, consistent, each number with an origin, and attainable by what has been measured."""

import typing
from pathlib import Path

import pytest

from knowledge.errors import BadInput
from knowledge.facts import Benchmark, Lengths, UseCase
from knowledge.snapshot import DATA, load
from knowledge.use_cases import read_use_cases
from tools.intent import TaskType

FACTS = load()
USE_CASES = sorted(FACTS.use_cases.values(), key=lambda use_case: use_case.task_type)
PERCEIVED_TOKENS, PERCEIVED_FACTOR = 20, 1.2
MEAN_TO_P90 = 1.3  # TTFT and TPOT at low load scatter little; half of the measured rows state means only

each = pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.task_type)


def test_every_task_of_the_intent_has_a_template() -> None:
    assert set(FACTS.use_cases) == set(typing.get_args(TaskType))


def test_the_seeds_targets_are_kept() -> None:
    for task, ttft_ms, tpot_ms, e2e_ms, quality in (
        ("chatbot", 300, 50, 2000, "high"),
        ("summarization", 1000, 100, 10000, "very_high"),
        ("code_generation", 500, 75, 5000, "high"),
    ):
        case = FACTS.use_cases[task]
        assert (case.ttft_ms, case.tpot_ms, case.e2e_ms) == (ttft_ms, tpot_ms, e2e_ms)
        assert (case.e2e_basis, case.quality) == ("perceived", quality)


@each
def test_every_number_says_where_it_is_from(use_case: UseCase) -> None:
    for field, origin in use_case.origin.items():
        kind = origin.split(maxsplit=1)[0].rstrip(":")
        assert kind in {"seed", "seed:", "Compass", "trace", "shape", "reasoned", "contract"}, (field, origin)
        if kind == "reasoned":
            assert len(origin) > len("reasoned: ") + 10, (field, origin)


@each
def test_numbers_from_a_trace_are_those_of_the_trace(use_case: UseCase) -> None:
    for kind in ("isl", "osl"):
        lengths: Lengths = getattr(use_case, kind)
        for name in ("mean", "p50", "p90", "p99"):
            origin = use_case.origin[f"{kind}.{name}"]
            if origin.startswith("trace "):
                trace = FACTS.traces[origin.split()[1]]
                assert getattr(lengths, name) == getattr(trace, f"{kind}_{name}"), (kind, name)


@each
def test_lengths_are_distributions(use_case: UseCase) -> None:
    for lengths in (use_case.isl, use_case.osl):
        assert 0 < lengths.p50 <= lengths.p90 <= lengths.p99
        assert lengths.p50 * 0.8 <= lengths.mean <= lengths.p99


@each
def test_traffic_is_within_reason(use_case: UseCase) -> None:
    assert 0 < use_case.active_share <= 1
    assert 0 < use_case.requests_per_active_user_per_minute <= 10
    assert 1 <= use_case.peak_to_average <= 5
    assert use_case.interarrival_cv >= 1
    assert 0 <= use_case.prefix_reuse_share < 1
    assert 99 <= use_case.reliability_percent < 100


def end_to_end_ms(use_case: UseCase, ttft_ms: float, tpot_ms: float) -> float:
    if use_case.e2e_basis == "perceived":
        return ttft_ms + min(PERCEIVED_TOKENS, use_case.osl.mean) * tpot_ms * PERCEIVED_FACTOR
    return ttft_ms + use_case.osl.p90 * tpot_ms


@each
def test_the_targets_of_a_template_do_not_contradict_each_other(use_case: UseCase) -> None:
    assert end_to_end_ms(use_case, use_case.ttft_ms, use_case.tpot_ms) <= use_case.e2e_ms


def latencies(row: Benchmark) -> tuple[float, float] | None:
    ttft = row.ttft_p90_ms or (row.ttft_mean_ms or row.ttft_p50_ms or 0) * MEAN_TO_P90
    tpot = row.tpot_p90_ms or (row.tpot_mean_ms or row.tpot_p50_ms or 0) * MEAN_TO_P90
    return (ttft, tpot) if ttft and tpot else None


@each
def test_a_template_is_attained_by_a_measured_point_with_prompts_as_long(use_case: UseCase) -> None:
    attaining = set()
    for row in FACTS.benchmarks:
        measured = latencies(row)
        if measured and row.isl and row.isl >= 0.8 * use_case.isl.mean and row.arch_model_id in FACTS.models:
            ttft, tpot = measured
            meets = ttft <= use_case.ttft_ms and tpot <= use_case.tpot_ms
            if meets and end_to_end_ms(use_case, ttft, tpot) <= use_case.e2e_ms:
                attaining.add(row.arch_model_id)
    assert attaining


def test_the_targets_of_the_seed_are_only_attainable_as_a_reader_perceives_them() -> None:
    for task in ("chatbot", "code_generation", "summarization"):
        case = FACTS.use_cases[task]
        assert case.ttft_ms + case.osl.mean * case.tpot_ms > case.e2e_ms


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.replace("value", "number", 1), "columns are not task_type, field, value, origin"),
        (lambda text: text.replace("chatbot,ttft_ms,300", "chatbot,ttft_ms,soon"), "chatbot: could not convert"),
        (lambda text: text.replace("chatbot,ttft_ms,", "chatbot,tpot_ms,"), "chatbot states tpot_ms twice"),
        (
            lambda text: text.replace("chatbot,ttft_ms,", "chatbot,first_token,"),
            "lacks or invents first_token, ttft_ms",
        ),
    ],
)
def test_names_what_is_wrong_with_a_template(
    tmp_path: Path, change: typing.Callable[[str], str], complaint: str
) -> None:
    path = tmp_path / "use_cases.csv"
    path.write_text(change((DATA / "use_cases.csv").read_text()))
    with pytest.raises(BadInput, match=complaint):
        read_use_cases(path)
