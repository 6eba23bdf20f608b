"""Which models a name in an intent means."""

import pytest

from tools.planner.shortlist import matches

FAMILIES = {
    "meta-llama/Llama-3.3-70B-Instruct": "Llama",
    "meta-llama/Llama-3.1-8B-Instruct": "Llama",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-70B": "DeepSeek",
    "Qwen/Qwen2.5-72B-Instruct": "Qwen2.5",
    "Qwen/Qwen2.5-7B-Instruct": "Qwen2.5",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "Mixtral",
    "openai/gpt-4o-2024-08-06": "gpt",
    "openai/gpt-4o-mini": "gpt",
    "openai/gpt-oss-120b": "gpt-oss",
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Llama 70B", {"meta-llama/Llama-3.3-70B-Instruct"}),
        ("Llama 3.3 70B", {"meta-llama/Llama-3.3-70B-Instruct"}),
        ("Qwen 72B", {"Qwen/Qwen2.5-72B-Instruct"}),
        ("qwen2.5-7b", {"Qwen/Qwen2.5-7B-Instruct"}),
        ("Mixtral 8x7B", {"mistralai/Mixtral-8x7B-Instruct-v0.1"}),
        ("gpt-4o", {"openai/gpt-4o-2024-08-06"}),
        ("gpt-oss-120b", {"openai/gpt-oss-120b"}),
        ("meta-llama/Llama-3.1-8B-Instruct", {"meta-llama/Llama-3.1-8B-Instruct"}),
        ("Llama", {name for name in FAMILIES if "lama" in name}),
        ("Llama 13B", set()),
    ],
)
def test_a_name_means_these_models_and_no_others(name: str, meant: set[str]) -> None:
    assert {model for model, family in FAMILIES.items() if matches(model, family, (name,))} == meant
