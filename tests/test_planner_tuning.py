"""Picks with engine settings on: options of their own, never dearer, never measured, told to the engine as planned."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.deploy.option import specification_from_plan
from tools.deploy.simulator_command import simulator_command
from tools.intent import Intent
from tools.kubernetes.release import release
from tools.kubernetes.settings import read_settings
from tools.memory import memory_budget
from tools.performance import Configuration, screen, step_cost
from tools.performance.roofline import closed_loop
from tools.planner import Plan, plan
from tools.planner.engine_settings import EngineSettings, possible, screened_with
from tools.planner.profile import profile
from tools.planner.refinement import arriving, refine_option
from tools.simulator.replica import Wanted, read_speculation, replica
from tools.speculation import Speculation, drafting, speculated, speculated_steps, speculation

FACTS = load()
INTENT = Intent(
    task_type="document_qa",
    expected_qps=30.0,
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3.6-27B"),
    gpu_types=("NVIDIA-L40S-48GB", "NVIDIA-H100-80GB-SXM"),
    deployment_model="cloud_rental",
)


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan(INTENT, FACTS)


def test_tuned_options_are_options_beside_their_pick_and_in_no_list(made: Plan) -> None:
    assert made.tuned
    listed = {each for ids in made.lists.values() for each in ids}
    for option in made.tuned:
        assert option.tuned is not None
        plain = made.option(option.tuned.instead_of)
        assert plain is not None
        assert option.id not in listed
        assert plain.id in listed
        assert option.model_id == plain.model_id
        assert (option.cost.monthly_usd or 0) <= (plain.cost.monthly_usd or 0)
        assert option.tuned.saving_usd == pytest.approx(
            (plain.cost.monthly_usd or 0) - (option.cost.monthly_usd or 0), abs=0.01
        )
        assert (option.replicas or 0) <= (plain.replicas or 0)


def test_their_effect_is_modelled_with_assumptions_and_intervals_that_reach_to_no_effect(made: Plan) -> None:
    for option in made.tuned:
        assert option.tuned is not None
        assert option.predicted is not None
        plain = made.option(option.tuned.instead_of)
        assert plain is not None
        assert plain.predicted is not None
        assert option.predicted.evidence["kind"] == "modelled"
        assert option.predicted.evidence["assumptions"]
        assert "modelled, not measured" in option.tuned.effect
        for name, (low, high) in option.predicted.interval_80.items():
            assert low <= plain.predicted.interval_80[name][0] + 1e-9
            assert high >= plain.predicted.interval_80[name][1] - 1e-9
        assert option.risk["prediction"] >= plain.risk["prediction"] - 1e-4
        assert all(met is not False for met in option.slo_met.values())


def test_they_start_within_the_memory_that_their_cache_takes(made: Plan) -> None:
    for option in made.tuned:
        assert option.configuration is not None
        assert memory_budget(option.configuration, max_model_len=made.traffic.context_tokens).fits


def test_nothing_shared_means_no_prefix_caching_and_old_cards_no_fp8_cache() -> None:
    traffic = profile(INTENT, FACTS)
    llama = FACTS.models["meta-llama/Llama-3.1-8B-Instruct"]
    plain = Configuration(llama, FACTS.accelerators["NVIDIA-H100-80GB-SXM"], "bf16")
    unshared = replace(traffic, prefix_reuse_share=0.0)
    assert all(not each.prefix_reuse for each in possible(plain, unshared))
    old = replace(plain, accelerator=FACTS.accelerators["NVIDIA-A100-80GB-SXM"])
    assert all(not each.fp8_cache for each in possible(old, traffic))
    assert all(each.speculation is None for each in possible(plain, replace(traffic, task_type="translation")))


@pytest.mark.parametrize("reused", [0.1, 0.4, 0.8])
def test_more_shared_prefix_makes_prompts_shorter_in_proportion(reused: float) -> None:
    each = Configuration(
        FACTS.models["meta-llama/Llama-3.1-8B-Instruct"], FACTS.accelerators["NVIDIA-H100-80GB-SXM"], "bf16"
    )
    alone = screen([each], isl=2000, osl=200)
    less = screened_with(alone, [EngineSettings(prefix_reuse=reused)])
    assert less.cost.prefill_ms[0] == pytest.approx(alone.cost.prefill_ms[0] * (1 - reused))
    assert less.cost.flop_ms[0] == alone.cost.flop_ms[0]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.95), st.integers(1, 8))
def test_a_step_yields_between_one_and_all_of_its_tokens(acceptance: float, tokens: int) -> None:
    draft = Speculation("ngram", tokens, acceptance, 0.0, "")
    assert 1 < draft.tokens_per_step < tokens + 1
    expected = sum(acceptance**k for k in range(tokens + 1))
    assert draft.tokens_per_step == pytest.approx(expected)


def test_drafting_helps_while_memory_bounds_the_step_and_never_beyond_its_tokens() -> None:
    model = FACTS.models["deepseek-ai/DeepSeek-V3"]
    draft = speculation(model, "chatbot", 1)
    assert draft is not None
    assert draft.method == "mtp"
    assert speculation(model, "chatbot", 2) is None
    each = Configuration(model, FACTS.accelerators["NVIDIA-H200-141GB-SXM"], "fp8", tensor_parallel=8)
    alone = screen([each] * 2, isl=1000, osl=500)
    load = np.array([1.0, 512.0])
    plain = closed_loop(alone.cost, alone.osl, load).tpot_ms
    drafted = closed_loop(speculated(alone.cost, [draft, draft]), alone.osl, load).tpot_ms
    gain = plain / drafted
    assert 1 < gain[0] <= draft.tokens_per_step
    assert gain[1] < gain[0]
    same = speculated(alone.cost, [None, None])
    np.testing.assert_allclose(same.fixed_ms, alone.cost.fixed_ms)
    steps = step_cost(each, isl=1000, osl=500)
    faster = speculated_steps(steps, alone.cost, draft)
    assert faster.decode_ms_at_knots[0] < steps.decode_ms_at_knots[0]
    first = (cost.request_ms + cost.decode_ms(1) for cost in (faster, steps))
    assert next(first) >= next(first) - 1e-6  # the first token is not drafted


def test_the_simulation_counts_reused_prefixes_of_tuned_options_alone(made: Plan) -> None:
    assert arriving(made.traffic, 1.0).reused_share == 0.0
    assert arriving(made.traffic, 1.0, reuses_prefixes=True).reused_share == made.traffic.prefix_reuse_share
    option = next(each for each in made.tuned if each.tuned and each.tuned.settings.prefix_reuse)
    plain = replace(option, tuned=None)
    with_reuse, without = refine_option(option, made.traffic), refine_option(plain, made.traffic)
    assert with_reuse is not None
    assert without is not None
    assert with_reuse.ttft_ms.mean < without.ttft_ms.mean


def test_the_engine_is_told_what_the_option_counts_on(made: Plan) -> None:
    option = next(each for each in made.tuned if each.tuned and each.tuned.settings.speculation)
    spec = specification_from_plan(made.to_json(), option.id, snapshot=FACTS.version)
    assert spec.tuning is not None
    built = release(spec, read_settings({"revision": "abc"}), FACTS)
    drafts = next(each for each in built.arguments if each.startswith("--speculative-config="))
    assert json.loads(drafts.partition("=")[2])["method"] == spec.tuning.speculative_method
    assert f"--kv-cache-dtype={spec.tuning.kv_cache_dtype}" in built.arguments
    command = simulator_command(spec, 8000, 1.0, 0)
    assert command[command.index("--kv-cache-dtype") + 1] == spec.tuning.kv_cache_dtype
    drafted = read_speculation(command[command.index("--speculative-config") + 1])
    assert drafted == (spec.tuning.speculative_method, spec.tuning.speculative_tokens)
    plain = specification_from_plan(made.to_json(), option.tuned.instead_of if option.tuned else None)
    assert plain.tuning is None
    assert "tuning" not in plain.to_json()


def test_the_simulator_drafts_as_it_is_told_and_names_what_it_cannot() -> None:
    wanted = Wanted("meta-llama/Llama-3.1-8B-Instruct", gpu="H100", max_model_len=4096)
    plain = replica(wanted, FACTS).cost
    drafting_cost = replica(replace(wanted, speculative=("ngram", 4)), FACTS).cost
    assert drafting_cost.decode_ms(1) < plain.decode_ms(1)
    assert drafting("mtp", 2, FACTS.models["deepseek-ai/DeepSeek-V3"]).tokens == 2
    for wrong in ("{", '{"method": "eagle3", "num_speculative_tokens": 2}', '{"method": "ngram"}'):
        with pytest.raises(BadInput, match="speculative-config"):
            read_speculation(wrong)


def test_apis_have_none() -> None:
    assert plan(Intent(task_type="chatbot", total_users=50, deployment_model="api"), FACTS).tuned == ()
