"""Traffic as a mix of request classes: together one distribution, apart in the simulation, scaled by what is said."""

import pytest

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.intent import Intent
from tools.planner import plan, profile
from tools.planner.mix import ClassProfile, RequestClass, mix, read_classes, together
from tools.planner.refinement import refine
from tools.simulation import Part, Traffic, constant

SNAPSHOT = load()
TEMPLATE = SNAPSHOT.use_cases["chatbot"]
SHORT = RequestClass(name="short", share=0.8, prompt_length_avg=500, generation_length_avg=100)
LONG = RequestClass(
    name="reports",
    share=0.2,
    prompt_length_avg=6000,
    generation_length_avg=900,
    streaming=False,
    prefix_reuse_share=0.5,
)
INTENT = Intent(
    task_type="chatbot",
    expected_qps=20.0,
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct",),
    gpu_types=("NVIDIA-H100-80GB-SXM",),
    target_ttft_p90_ms=2000,
    target_tpot_p90_ms=80,
    target_e2e_latency_p90_ms=60_000,
)


def test_means_add_up_and_percentiles_lie_between_those_of_the_classes() -> None:
    found = mix((SHORT, LONG), TEMPLATE, isl=None, osl=None)
    assert found.isl.mean == pytest.approx(0.8 * 500 + 0.2 * 6000)
    assert found.osl.mean == pytest.approx(0.8 * 100 + 0.2 * 900)
    for name in ("p50", "p90", "p99"):
        ends = [getattr(each.isl, name) for each in found.classes]
        assert min(ends) <= getattr(found.isl, name) <= max(ends)
    assert found.isl.p50 < found.isl.p90 < found.isl.p99


def test_percentiles_are_those_of_samples_of_the_mix() -> None:
    found = mix((SHORT, LONG), TEMPLATE, isl=None, osl=None)
    parts = tuple(Part(each.share, each.isl, each.osl) for each in found.classes)
    drawn = Traffic(1.0, found.isl, found.osl, mix=parts).sample(100_000, 3).prompt_tokens
    ordered = sorted(drawn.tolist())
    assert drawn.mean() == pytest.approx(found.isl.mean, rel=0.02)
    assert ordered[50_000] == pytest.approx(found.isl.p50, rel=0.03)
    assert ordered[90_000] == pytest.approx(found.isl.p90, rel=0.04)


def test_one_class_is_the_template_around_its_mean() -> None:
    only = RequestClass(share=1, prompt_length_avg=700, generation_length_avg=150)
    alone = profile(INTENT, SNAPSHOT, classes=(only,))
    said = profile(INTENT.model_copy(update={"prompt_length_avg": 700, "generation_length_avg": 150}), SNAPSHOT)
    assert (alone.isl, alone.osl, alone.context_tokens) == (said.isl, said.osl, said.context_tokens)


def test_average_lengths_that_are_said_scale_the_classes() -> None:
    found = profile(INTENT.model_copy(update={"prompt_length_avg": 3200}), SNAPSHOT, classes=(SHORT, LONG))
    assert found.isl.mean == pytest.approx(3200)
    assert found.classes[1].isl.mean / found.classes[0].isl.mean == pytest.approx(12)
    assert "scaled to prompt_length_avg" in (found.provenance["isl"].detail or "")


def test_reuse_is_weighted_by_prompt_tokens() -> None:
    classes = (SHORT.model_copy(update={"prefix_reuse_share": 0.1}), LONG)
    assert mix(classes, TEMPLATE, isl=None, osl=None).prefix_reuse_share == pytest.approx(
        (400 * 0.1 + 1200 * 0.5) / 1600
    )


def test_the_longest_class_sets_the_context() -> None:
    rare = LONG.model_copy(update={"share": 0.004, "prompt_length_avg": 40_000})
    often = SHORT.model_copy(update={"share": 0.996})
    found = profile(INTENT, SNAPSHOT, classes=(often, rare))
    longest: ClassProfile = found.classes[1]
    assert found.context_tokens >= longest.isl.p99 + longest.osl.p99 - 1
    assert found.isl.p99 < longest.isl.p50


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ([], "classes"),
        ("many", "classes"),
        ([{"share": 1}], "classes.0.prompt_length_avg"),
        ([{"share": 2, "prompt_length_avg": 5, "generation_length_avg": 5}], "classes.0.share"),
        ([{"share": 0.5, "prompt_length_avg": 5, "generation_length_avg": 5}], "add up to 0.5"),
        ([{"share": 1, "prompt_length_avg": 5, "generation_length_avg": 5, "colour": 1}], "classes.0.colour"),
        ([{"share": float("nan"), "prompt_length_avg": 5, "generation_length_avg": 5}], "classes.0.share"),
    ],
)
def test_faults_are_named(entries: object, names: str) -> None:
    with pytest.raises(BadInput, match=names.replace(".", r"\.")):
        read_classes(entries, "file")


def test_the_plan_shows_classes_and_the_simulation_tells_them_apart() -> None:
    made = plan(INTENT, SNAPSHOT, classes=(SHORT, LONG))
    shown = made.to_json()["traffic"]
    assert [each["name"] for each in shown["classes"]] == ["short", "reports"]
    found = next(iter(refine(made).values()))
    short, reports = found.classes
    assert short.requests > 2 * reports.requests
    assert short.ttft_ms.p50 < reports.ttft_ms.p50
    assert short.e2e_ms.p50 < reports.e2e_ms.p50
    assert min(short.goodput_share, reports.goodput_share) >= 0
    assert [each["name"] for each in found.to_json()["classes"]] == ["short", "reports"]


def test_concurrency_follows_from_rate_and_time_by_littles_law() -> None:
    made = plan(INTENT, SNAPSHOT)
    shown = made.to_json()["traffic"]
    option = made.option(shown["concurrency_of"])
    assert option is not None
    assert option.predicted is not None
    seconds = option.predicted.e2e_ms.mean / 1000
    assert shown["concurrency_average"] == pytest.approx(made.traffic.qps * seconds, abs=0.01)
    assert shown["concurrency_peak"] == pytest.approx(made.traffic.peak_qps * seconds, abs=0.01)


def test_equal_parts_are_the_mixture_of_one() -> None:
    lengths = TEMPLATE.isl
    both = together([(0.5, lengths), (0.5, lengths)])
    assert both.mean == pytest.approx(lengths.mean)
    assert both.p50 <= both.p90 <= both.p99
    assert together([(1.0, constant(9))]) == constant(9)
