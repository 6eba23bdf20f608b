"""Names of accelerators and models as people, price lists and invoices write them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import NotFound
from knowledge.names import resolve_accelerator, resolve_model
from knowledge.slugs import model_of_slug
from knowledge.snapshot import load

FACTS = load()


@pytest.mark.parametrize(
    ("text", "gpu_type", "count"),
    [
        ("8xH100", "NVIDIA-H100-80GB-SXM", 8),
        ("8 x h100", "NVIDIA-H100-80GB-SXM", 8),
        ("H100:4", "NVIDIA-H100-80GB-SXM", 4),
        ("h100 80gb sxm5", "NVIDIA-H100-80GB-SXM", None),
        ("NVIDIA H100 PCIe 80GB", "NVIDIA-H100-80GB-PCIe", None),
        ("a100 40", "NVIDIA-A100-40GB-SXM", None),
        ("40GB A100 PCIe", "NVIDIA-A100-40GB-PCIe", None),
        ("2 A100s", "NVIDIA-A100-80GB-SXM", 2),
        ("l40s", "NVIDIA-L40S-48GB", None),
        ("L40", "NVIDIA-L40-48GB", None),
        ("6000 Ada", "NVIDIA-RTX-6000-ADA-48GB", None),
        ("4 6000 Ada", "NVIDIA-RTX-6000-ADA-48GB", 4),
        ("3090", "NVIDIA-RTX-3090-24GB", None),
        ("8 4090", "NVIDIA-RTX-4090-24GB", 8),
        ("nvidia l4 gpus", "NVIDIA-L4-24GB", None),
        ("mi300x", "AMD-MI300X-192GB", None),
        ("tpu v5e", "Google-TPU-v5e", None),
        ("p5.48xlarge", "NVIDIA-H100-80GB-SXM", 8),
        ("2x p5.48xlarge", "NVIDIA-H100-80GB-SXM", 16),
        ("NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-80GB-SXM", None),
        ("four A100s", "NVIDIA-A100-80GB-SXM", 4),
        ("DGX H100", "NVIDIA-H100-80GB-SXM", 8),
        ("2 x HGX H200", "NVIDIA-H200-141GB-SXM", 16),
        ("ND96isr_H100_v5", "NVIDIA-H100-80GB-SXM", 8),
        ("Hopper H100", "NVIDIA-H100-80GB-SXM", None),
        ("A100 80 gig", "NVIDIA-A100-80GB-SXM", None),
    ],
)
def test_understands_a_spoken_accelerator(text: str, gpu_type: str, count: float | None) -> None:
    name = resolve_accelerator(text, FACTS)
    assert (name.gpu_type, name.count) == (gpu_type, count)


def test_says_when_a_bare_name_was_taken_for_the_commonest_card() -> None:
    name = resolve_accelerator("A100", FACTS)
    assert name.assumed
    assert set(name.near) == {"NVIDIA-A100-40GB-SXM", "NVIDIA-A100-40GB-PCIe", "NVIDIA-A100-80GB-PCIe"}
    assert not resolve_accelerator("A100 SXM 40GB", FACTS).assumed
    assert resolve_accelerator("A100 40", FACTS).near == ("NVIDIA-A100-40GB-PCIe",)
    assert not resolve_accelerator("L4", FACTS).assumed


def test_knows_cards_that_are_not_planned_for() -> None:
    name = resolve_accelerator("M60", FACTS)
    assert name.gpu_type is None
    assert "too old" in name.note


def test_an_unknown_accelerator_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound) as refusal:
        resolve_accelerator("H1000", FACTS)
    assert "NVIDIA-H100-80GB-SXM" in refusal.value.near


@pytest.mark.parametrize("alias", sorted(FACTS.aliases))
def test_every_alias_resolves_to_what_its_row_says(alias: str) -> None:
    row = FACTS.aliases[alias]
    name = resolve_accelerator(row.alias, FACTS)
    assert (name.gpu_type, name.count) == (row.gpu_type, row.gpu_count)


@pytest.mark.parametrize("gpu_type", sorted(FACTS.accelerators))
def test_every_accelerator_resolves_to_itself(gpu_type: str) -> None:
    name = resolve_accelerator(gpu_type, FACTS)
    assert (name.gpu_type, name.assumed) == (gpu_type, False)


@given(count=st.integers(1, 9999), times=st.sampled_from(["x", " x ", "×", " ", " X "]))
def test_reads_any_count_before_the_name(count: int, times: str) -> None:
    assert resolve_accelerator(f"{count}{times}H200 SXM", FACTS).count == count


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        ("llama 3.1 8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("llama3.1-8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("lama 3.1 8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Llama-3.3-70B", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Meta Llama 3 70B", "meta-llama/Meta-Llama-3-70B-Instruct"),
        ("llama 2 70b chat", "meta-llama/Llama-2-70b-hf"),
        ("mixtral 8x7b", "mistralai/Mixtral-8x7B-v0.1"),
        ("Mistral 7B", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("deepseek r1", "deepseek-ai/DeepSeek-R1"),
        ("deepseek v3", "deepseek-ai/DeepSeek-V3"),
        ("deepseek r1 distill qwen 32b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
        ("gpt oss 20b", "openai/gpt-oss-20b"),
        ("phi 4", "microsoft/phi-4"),
        ("qwen3-32b", "Qwen/Qwen3-32B"),
        ("Qwen3 30B", "Qwen/Qwen3-30B-A3B"),
        ("kimi k2", "moonshotai/Kimi-K2-Instruct"),
        ("glm 4.6", "zai-org/GLM-4.6"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "Qwen/Qwen2.5-72B-Instruct"),
        ("RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic", "Qwen/Qwen2.5-7B-Instruct"),
    ],
)
def test_understands_a_spoken_model(text: str, model_id: str) -> None:
    assert resolve_model(text, FACTS) == model_id


@pytest.mark.parametrize("model_id", sorted(FACTS.models))
def test_every_model_resolves_to_itself(model_id: str) -> None:
    assert resolve_model(model_id.upper(), FACTS) == model_id
    assert resolve_model(model_id.rpartition("/")[2], FACTS) == model_id


@pytest.mark.parametrize("text", ["llama 70b", "llama", "Meta Llama", "qwen", "gpt-oss", "mixtral", "kimi", "phi"])
def test_a_name_that_fits_several_models_is_asked_about(text: str) -> None:
    with pytest.raises(NotFound, match="ambiguous model") as refusal:
        resolve_model(text, FACTS)
    assert len(refusal.value.near) > 1
    assert all(text.lower().removeprefix("meta ").split()[0] in near.lower() for near in refusal.value.near)


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        ("mistral nemo", "mistralai/Mistral-Nemo-Instruct-2407"),
        ("whisper", "openai/whisper-large-v3"),
        ("command r", "CohereForAI/c4ai-command-r-08-2024"),
        ("Ministral", "mistralai/Ministral-8B-Instruct-2410"),
    ],
)
def test_words_alone_are_enough_where_one_version_fits(text: str, model_id: str) -> None:
    assert resolve_model(text, FACTS) == model_id


def test_a_name_is_asked_about_with_the_newest_that_fit() -> None:
    with pytest.raises(NotFound) as refusal:
        resolve_model("llama", FACTS)
    dates = [FACTS.models[near].release_date or "" for near in refusal.value.near]
    assert dates == sorted(dates, reverse=True)
    assert "huggyllama/llama-7b" not in refusal.value.near


def test_a_size_is_never_matched_by_likeness() -> None:
    with pytest.raises(NotFound) as refusal:
        resolve_model("qwen 72b", FACTS)
    assert all("72B" in near for near in refusal.value.near)
    with pytest.raises(NotFound):
        resolve_model("CodeLlama 7b", FACTS)


@given(st.text(max_size=60))
def test_any_text_is_resolved_or_refused(text: str) -> None:
    with suppress(NotFound):
        assert resolve_model(text, FACTS) in FACTS.models
    with suppress(NotFound):
        assert resolve_accelerator(text, FACTS).gpu_type in {None, *FACTS.accelerators}


@pytest.mark.parametrize("text", ["", "   ", "7b", "Claude", "the model", "🦙", "x" * 10_000])
def test_what_names_no_model_is_refused(text: str) -> None:
    with pytest.raises(NotFound):
        resolve_model(text, FACTS)


@pytest.mark.parametrize(
    ("slug", "model_id"),
    [
        ("claude-sonnet-4-5-20250929-v1-0", "anthropic/claude-sonnet-4-5"),
        ("regional-anthropic-claude-opus-4-5-v1-0", "anthropic/claude-opus-4-5"),
        ("gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
        ("llama-3-3-70b-instruct-fp8", "meta-llama/Llama-3.3-70B-Instruct"),
        ("meta-llama-3-1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("gpt-5-1-chat", None),
        ("deepseek-v4-flash-0731", None),
        ("qwen3-235b-a22b-thinking-2507", None),
        ("gpt-3-5-turbo-instruct", None),
    ],
)
def test_an_api_price_finds_the_model_it_sells(slug: str, model_id: str | None) -> None:
    assert model_of_slug(slug, FACTS) == model_id
