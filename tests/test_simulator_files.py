"""Files that the simulator reads: tokenizers and measurements."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput
from tools.simulator.endpoints import ROUTES
from tools.simulator.measurements import cost_from
from tools.simulator.tokenizer import BytePairTokenizer, byte_alphabet, tokenizer_from

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
HEADER = "model_id,gpu_type,tensor_parallel,isl,osl,concurrency,request_rate,ttft_mean_ms,tpot_mean_ms\n"


def byte_pairs(merges: list[tuple[str, str]]) -> BytePairTokenizer:
    names = [*byte_alphabet().values(), *("".join(pair) for pair in merges)]
    return BytePairTokenizer({name: number for number, name in enumerate(names)}, merges)


def test_merges_are_made_by_rank() -> None:
    tokenizer = byte_pairs([("l", "o"), ("lo", "w"), ("Ġ", "low"), ("e", "r")])
    assert tokenizer.pieces("low lower") == ["low", " low", "er"]
    assert tokenizer.text(tokenizer.ids("low lower")) == "low lower"
    with pytest.raises(ValueError, match="99999"):
        tokenizer.text([99999])


@given(st.text())
def test_byte_pairs_join_to_their_text(text: str) -> None:
    tokenizer = byte_pairs([("Ġ", "t"), ("h", "e")])
    assert tokenizer.text(tokenizer.ids(text)).encode("utf-8", "replace") == text.encode("utf-8", "replace")
    assert "".join(tokenizer.pieces(text)) == text
    assert len(tokenizer.pieces(text)) == len(tokenizer.ids(text))


def test_a_tokenizer_file_is_read_and_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    vocabulary = {name: number for number, name in enumerate([*byte_alphabet().values(), "he"])}
    path.write_text(json.dumps({"model": {"type": "BPE", "vocab": vocabulary, "merges": ["h e"]}}))
    assert tokenizer_from(str(path)).pieces("hehe") == ["he", "he"]
    path.write_text(json.dumps({"model": {"type": "Unigram", "vocab": [["a", -1.0]]}}))
    with pytest.raises(BadInput, match="not a byte-level BPE"):
        tokenizer_from(str(path))


def test_measured_times_are_repeated_at_the_load_they_were_measured_at(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(
        HEADER
        + f"{MODEL},NVIDIA-H100-80GB-SXM,1,1000,200,1,,30,7\n"
        + f"{MODEL},NVIDIA-H100-80GB-SXM,1,1000,200,32,,90,11\n"
        + f"{MODEL},NVIDIA-H100-80GB-SXM,2,1000,200,1,,1,1\n"
        + "other/model,NVIDIA-H100-80GB-SXM,1,1000,200,1,,1,1\n"
    )
    cost = cost_from(str(path), model=MODEL, gpu="NVIDIA-H100-80GB-SXM", tensor_parallel=1)
    assert (cost.decode_ms(1), cost.decode_ms(32)) == (7.0, 11.0)
    assert cost.request_ms + cost.decode_ms(1) == 30.0


def test_measurements_in_the_form_of_compass_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    row = {
        "model_hf_repo": MODEL,
        "hardware": "H100",
        "hardware_count": 1,
        "mean_output_tokens": 101,
        "requests_per_second": 2.0,
        "ttft_mean": 100.0,
        "itl_mean": 9.0,
    }
    path.write_text(json.dumps({"benchmarks": [row]}))
    cost = cost_from(str(path), model=MODEL, gpu="NVIDIA-H100-80GB-SXM", tensor_parallel=1)
    assert cost.decode_ms(2) == 9.0  # 2 requests/s that take 1 s each


@pytest.mark.parametrize("content", ["", "[1, 2]", "{", '{"benchmarks": 5}'])
def test_measurements_without_a_fitting_row_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"b\.json"):
        cost_from(str(path), model=MODEL, gpu=None, tensor_parallel=1)


def test_the_documentation_names_every_endpoint(repository: Path) -> None:
    page = (repository / "docs" / "simulator.md").read_text("utf-8")
    assert [path for _, path in ROUTES if path.rsplit("/v1", 1)[-1] not in page] == []
