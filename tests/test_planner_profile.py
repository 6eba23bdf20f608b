"""Intent → traffic profile: every way to say a load, defaults from the template, provenance of each value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import snapshot
from knowledge.errors import BadInput
from tools.intent import Intent, Provenance
from tools.planner.profile import at_percentile, profile

FACTS = snapshot.load()
CHAT = FACTS.use_cases["chatbot"]


def test_users_become_a_rate_by_a_formula_that_is_shown() -> None:
    traffic = profile(Intent(task_type="chatbot", total_users=1000), FACTS)
    rate = 1000 * CHAT.active_share * CHAT.requests_per_active_user_per_minute / 60
    assert traffic.qps == pytest.approx(rate)
    assert traffic.peak_qps == pytest.approx(rate * CHAT.peak_to_average)
    assert traffic.provenance["qps"].source == "derived"
    assert traffic.provenance["qps"].detail == "1000 users × 0.1 active × 0.8 requests a minute ÷ 60"


@pytest.mark.parametrize(
    "intent",
    [
        Intent(task_type="chatbot", expected_qps=2.0),
        Intent(task_type="chatbot", requests_per_day=172_800),
        Intent(task_type="chatbot", peak_qps=4.0),
        Intent(task_type="chatbot", concurrent_users=150),
        Intent(task_type="chatbot", total_users=1500),
    ],
)
def test_every_way_to_say_the_same_load_gives_the_same_traffic(intent: Intent) -> None:
    traffic = profile(intent, FACTS)
    assert traffic.qps == pytest.approx(2.0)
    assert traffic.peak_qps == pytest.approx(4.0)
    assert traffic.requests_per_day == pytest.approx(172_800)
    assert traffic.tokens_per_day == pytest.approx(172_800 * (CHAT.isl.mean + CHAT.osl.mean))


def test_tokens_a_day_are_requests_of_the_lengths_said() -> None:
    intent = Intent(tokens_per_day=86_400_000, prompt_length_avg=900, generation_length_avg=100)
    assert profile(intent, FACTS).qps == pytest.approx(1.0)


def test_the_most_specific_statement_of_the_load_wins() -> None:
    traffic = profile(Intent(expected_qps=3.0, total_users=1_000_000), FACTS)
    assert traffic.qps == 3.0


def test_a_batch_window_packs_the_day_into_its_hours_without_a_peak() -> None:
    traffic = profile(Intent(task_type="summarization", requests_per_day=28_800, batch_window_hours=8), FACTS)
    assert traffic.qps == pytest.approx(1.0)
    assert traffic.peak_qps == pytest.approx(1.0)
    assert traffic.requests_per_day == pytest.approx(28_800)
    assert traffic.hours_per_month == pytest.approx(730 / 3)
    assert traffic.burstiness == "batch"


def test_a_throughput_that_must_be_reached_raises_the_peak() -> None:
    assert profile(Intent(expected_qps=1.0, target_throughput_rps=50), FACTS).peak_qps == 50


def test_said_burstiness_replaces_the_templates_peak() -> None:
    traffic = profile(Intent(task_type="chatbot", expected_qps=2.0, burstiness_pattern="high"), FACTS)
    assert traffic.peak_qps == pytest.approx(6.0)


def test_nothing_said_about_the_load_is_assumed_and_marked_so() -> None:
    traffic = profile(Intent(task_type="chatbot"), FACTS)
    assert traffic.provenance["qps"].source == "template"
    assert "assumed" in (traffic.provenance["qps"].detail or "")


def test_said_values_keep_their_span() -> None:
    span = Provenance(source="said", text="700 tokens", start=10, end=20, turn=1)
    traffic = profile(Intent(prompt_length_avg=700), FACTS, {"prompt_length_avg": span})
    assert traffic.provenance["isl"] == span
    assert traffic.isl.mean == 700
    assert traffic.isl.p90 / traffic.isl.mean == pytest.approx(CHAT.isl.p90 / CHAT.isl.mean)


def test_a_stated_end_to_end_target_counts_the_whole_answer_a_templates_may_not() -> None:
    assert profile(Intent(task_type="chatbot"), FACTS).targets.e2e_basis == "perceived"
    assert profile(Intent(task_type="chatbot", target_e2e_latency_p90_ms=8000), FACTS).targets.e2e_basis == "full"


def test_an_unsaid_end_to_end_target_never_contradicts_what_was_said() -> None:
    intent = Intent(task_type="code_completion", generation_length_avg=2000, target_tpot_p90_ms=100)
    targets = profile(intent, FACTS).targets
    assert targets.e2e_ms > 2000 * 100


def test_longer_prompts_get_a_longer_time_to_first_token_unless_one_was_said() -> None:
    assert profile(Intent(task_type="chatbot", prompt_length_avg=20_000), FACTS).targets.ttft_ms > CHAT.ttft_ms
    said = Intent(task_type="chatbot", prompt_length_avg=20_000, target_ttft_p90_ms=250)
    assert profile(said, FACTS).targets.ttft_ms == 250


def test_a_context_shorter_than_the_prompts_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="context_length: 500 tokens are fewer") as caught:
        profile(Intent(task_type="chatbot", context_length=500), FACTS)
    assert caught.value.field == "context_length"


@given(st.sampled_from(sorted(FACTS.use_cases)), st.floats(0.001, 1e5), st.floats(1.01, 10))
def test_more_load_is_more_of_everything(task: str, qps: float, factor: float) -> None:
    one = profile(Intent(task_type=task, expected_qps=qps), FACTS)  # type: ignore[arg-type]  # a task type
    more = profile(Intent(task_type=task, expected_qps=qps * factor), FACTS)  # type: ignore[arg-type]
    assert more.peak_qps > one.peak_qps >= one.qps
    assert more.tokens_per_day > one.tokens_per_day


@pytest.mark.parametrize("task", sorted(FACTS.use_cases))
def test_percentiles_of_lengths_rise(task: str) -> None:
    lengths = FACTS.use_cases[task].isl
    values = [at_percentile(lengths, percentile) for percentile in (50, 90, 95, 99)]
    assert values == sorted(values)


def test_every_value_says_where_it_is_from() -> None:
    traffic = profile(Intent(task_type="document_qa", total_users=50), FACTS)
    shown, slo = traffic.to_json(), traffic.slo_json()
    for name in ("task_type", "qps", "peak_qps", "isl", "osl", "burstiness", "requests_per_day", "context_tokens"):
        assert shown["provenance"][name]["source"] in ("said", "template", "derived"), name
    for name in ("ttft_ms", "tpot_ms", "e2e_ms", "percentile", "quality", "reliability_percent"):
        assert slo["provenance"][name]["source"] == "template", name
