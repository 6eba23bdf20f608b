"""A table of configurations: every row is answered, whatever it lacks."""

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from knowledge.errors import BadInput, StateUnusable
from knowledge.snapshot import load
from tools.performance import Configuration, predict
from tools.performance.architecture import DATASHEET, accelerator_from_datasheet, model_from_config, model_from_size
from tools.performance.batch import COLUMNS, predict_table
from tools.performance.calibration import load_physics, physics_from
from tools.performance.estimation import estimate
from tools.performance.fitting.measurements import measurements, observed
from tools.performance.fitting.roofline import fit_roofline
from tools.performance.residual import DIGEST, FILE, load_residual
from tools.performance.rows import ARCHITECTURE, workloads
from ui.cli import app

SNAPSHOT = load()
# ruff: noqa: E501  rows of a table
HEADER = (
    "row_id,arch_model_id,model_id,params_b,gpu_type,gpu_count,tensor_parallel,quantization,engine,engine_version,"
    "isl,osl,concurrency,request_rate,measured_on,pipeline_parallel,data_parallel,expert_parallel,serving_mode,load_kind"
)
NASTY = f"""{HEADER}
a,meta-llama/Llama-3.1-8B-Instruct,meta-llama/Llama-3.1-8B-Instruct,8,NVIDIA-H100-80GB-SXM,1,1,fp8,vllm,0.11,1024,128,16,,2025-10,1,1,1,agg,closed_concurrency
b,,nobody/Never-Heard-13B,13,NVIDIA-A100-80GB-SXM,2,2,fp16,,,,,,,,,,,agg,mlperf_offline
c,,nobody/no-size,,Some Card,,,,,,,,,,,,,,,
d,deepseek-ai/DeepSeek-R1,deepseek-ai/DeepSeek-R1,671,NVIDIA-GB200-186GB,24,4,fp4,tensorrt-llm,1.1,8192,1024,500,,2026-01,1,4,4,disagg,closed_concurrency
e,Qwen/Qwen3-32B,Qwen/Qwen3-32B,32,H100,8,,nvfp4,CUDA 12.2,,x,-5,nan,,,,,,agg,mlperf_server
f,Qwen/Qwen3-32B,Qwen/Qwen3-32B,32,NVIDIA-L40S-48GB,1,1,bf16,sglang,,1e5,1,1e5,,,,,,agg,closed_concurrency
g,Qwen/Qwen3-0.6B,Qwen/Qwen3-0.6B,0.6,AMD-MI300X-192GB,1,64,bf16,vllm,,1,1,1,,,,,,agg,static_batch
h,meta-llama/Llama-3.1-8B-Instruct,"comma, in name",8,NVIDIA-H100-80GB-SXM,1,1,bf16,vllm,,500,200,,1000,,,,,agg,open_poisson
short,row
"""


def answers(text: str) -> list[dict[str, str]]:
    table, _ = predict_table(text, SNAPSHOT)
    return list(csv.DictReader(io.StringIO(table)))


def test_every_row_is_answered_and_keeps_its_cells() -> None:
    rows = answers(NASTY)
    assert [row["row_id"] for row in rows] == ["a", "b", "c", "d", "e", "f", "g", "h", "short"]
    assert rows[7]["model_id"] == "comma, in name"
    for row in rows:
        low, middle, high = (float(row[name]) for name in ("pred_low", "pred_output_tok_s", "pred_high"))
        assert 0 < low < middle < high < np.inf
        assert 0 < float(row["pred_ttft_ms"]) < np.inf
        assert 0 < float(row["pred_tpot_ms"]) < np.inf
        assert row["pred_evidence"] in ("measured", "interpolated", "modelled")


def test_columns_may_be_missing_altogether() -> None:
    rows = answers("model_id,gpu_type\nQwen/Qwen3-8B,NVIDIA-H100-80GB-SXM\n")
    assert all(float(rows[0][name]) > 0 for name in COLUMNS[:-1])


CELLS = (
    "", "0", "-1", "nan", "inf", "1e300", "1e-300", "0.5", "1,5", "0x10", "true", "[]", "7", "64", "1000000", "🙂",
)  # fmt: skip
WORDS = {
    "model_id": ("", "nobody/Fancy-7B", "Llama 3.1 8B", "gpt-5", "x" * 300),
    "gpu_type": ("", "Some New Card", "8xH200", "TPU v9"),
    "engine": ("", "ollama", "TensorRT LLM", "vLLM V1", "triton"),
    "load_kind": ("", "open_poisson", "static_batch", "offline_max", "mlperf_interactive", "weird"),
    "notes": ("", "prefill 2xTP4DP1, decode 1xTP8DP8", "prefill xTP0DP0, decode xTP0DP0"),
    "serving_mode": ("agg", "disagg"),
}
DESCRIBED = (*ARCHITECTURE, *DATASHEET)


def test_odd_rows_are_answered_with_numbers() -> None:
    columns = [*HEADER.split(","), "notes", *DESCRIBED]
    good, chance = next(csv.DictReader(io.StringIO(NASTY))), np.random.default_rng(7)
    rows = [
        {
            name: good.get(name, "") if chance.random() < share else str(chance.choice(WORDS.get(name, CELLS)))
            for name in columns
        }
        for share in np.linspace(0, 0.9, 600)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    answered = answers(text.getvalue())
    assert len(answered) == len(rows)
    for each in answered:
        low, middle, high = (float(each[name]) for name in ("pred_low", "pred_output_tok_s", "pred_high"))
        assert 0 < low <= middle <= high < np.inf
        assert 0 < float(each["pred_ttft_ms"]) < np.inf
        assert 0 < float(each["pred_tpot_ms"]) < np.inf


def test_a_row_may_describe_a_model_and_a_card_that_nobody_knows() -> None:
    known = SNAPSHOT.models["Qwen/Qwen3-8B"]
    card = SNAPSHOT.accelerators["NVIDIA-H100-80GB-SXM"]
    config = (36, 4096, 32, 8, 128, 12288, "", "", "", "", "", 151936)
    sheet = [getattr(card, name) or "" for name in DATASHEET]
    header = ["model_id", "gpu_type", "gpu_count", "tensor_parallel", "quantization", "engine", "isl", "osl"]
    load = (1, 1, "bf16", "vllm", 1024, 128, 8, "closed_concurrency")
    lines: list[list[object]] = [
        [*header, "concurrency", "load_kind", *DESCRIBED],
        ["mine/Eight", "Next Card", *load, *config, *sheet],
        [known.model_id, card.gpu_type, *load, *[""] * len(DESCRIBED)],
        ["mine/Eight", "Next Card", *load, *[""] * len(DESCRIBED)],
    ]
    described, same, unknown = answers("\n".join(",".join(str(cell) for cell in line) for line in lines))
    numbers = [float(each["pred_tpot_ms"]) for each in (described, same, unknown)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.35)  # no name, so no group effects
    assert abs(np.log(numbers[0] / numbers[1])) < abs(np.log(numbers[2] / numbers[1]))


@pytest.mark.parametrize(
    ("cards", "tensor", "data", "expert", "read"),
    [
        (64, 64, 1, 8, (8, 1)),  # a node of eight with eight expert ranks, multiplied
        (16, 16, 1, 4, (4, 1)),
        (64, 1, 64, 8, (1, 8)),
        (8, 8, 1, 8, (8, 1)),  # told as it was
        (16, 4, 4, 16, (4, 4)),
        (4, 4, 1, 2, (4, 1)),
        (16, 32, 1, 1, (16, 1)),  # tensor parallel over the cores of 16 cards with two cores each
        (72, 72, 1, 1, (8, 9)),  # no model is split that often
    ],
)
def test_a_table_may_count_its_cards_more_than_once(
    cards: int, tensor: int, data: int, expert: int, read: tuple[int, int]
) -> None:
    row = {
        "model_id": "deepseek-ai/DeepSeek-R1",
        "gpu_type": "NVIDIA-H200-141GB-SXM",
        "gpu_count": str(cards),
        "tensor_parallel": str(tensor),
        "data_parallel": str(data),
        "expert_parallel": str(expert),
        "quantization": "fp8",
        "concurrency": "64",
    }
    work = workloads([row], SNAPSHOT)[0]
    assert (work.configuration.tensor_parallel, work.configuration.data_parallel) == read
    assert work.replicas == 1


def test_a_table_without_models_is_refused() -> None:
    with pytest.raises(BadInput, match="model_id"):
        predict_table("gpu,tp\nH100,1\n", SNAPSHOT)


def test_the_answer_does_not_depend_on_the_row_id() -> None:
    other = NASTY.replace("\na,", "\nr00001,", 1)
    assert answers(NASTY)[0]["pred_output_tok_s"] == answers(other)[0]["pred_output_tok_s"]


def test_a_benchmark_that_ships_counts_as_measured() -> None:
    row = next(each for each in SNAPSHOT.benchmarks if each.load_kind == "closed_concurrency" and each.quality == "A")
    text = (
        f"{HEADER}\nx,{row.arch_model_id},{row.model_id},,{row.gpu_type},{row.gpu_count},{row.tensor_parallel},"
        f"{row.quantization},{row.engine},{row.engine_version or ''},{row.isl},{row.osl},{row.concurrency},,"
        f"{row.measured_on or ''},{row.pipeline_parallel or ''},{row.data_parallel or ''},"
        f"{row.expert_parallel or ''},agg,closed_concurrency\n"
    )
    assert answers(text)[0]["pred_evidence"] == "measured"


def test_generated_files_match_their_digest(tmp_path: Path) -> None:
    residual = load_residual()
    described = json.loads(DIGEST.read_text(encoding="utf-8"))
    assert residual.digest == described["sha256"]
    assert FILE.stat().st_size < 3_000_000
    other = tmp_path / "residual.json"
    other.write_text(json.dumps({**described, "sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(StateUnusable, match="digest"):
        load_residual(FILE, other)


def test_a_refit_is_deterministic() -> None:
    rows = [
        {
            "row_id": f"r{batch}", "model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-H100-80GB-SXM", "gpu_count": "1",
            "tensor_parallel": "1", "quantization": "fp8", "engine": "vllm", "isl": "1000", "osl": "200",
            "concurrency": str(batch), "load_kind": "closed_concurrency", "serving_mode": "agg", "source": "mine",
            "ttft_mean_ms": str(40 + 3 * batch), "tpot_mean_ms": str(7 + 0.05 * batch), "quality": "A",
        }
        for batch in (1, 2, 4, 8, 16, 32, 64)
    ]  # fmt: skip
    data = measurements(rows, SNAPSHOT)
    first, second = (fit_roofline(data, load_physics(), steps=4) for _ in range(2))
    assert first == second
    assert first.constants != load_physics().constants


def test_physics_survives_its_file() -> None:
    path = FILE.with_name("physics.json")
    assert physics_from(json.loads(path.read_text(encoding="utf-8"))) == load_physics()


def test_a_config_describes_the_model_that_the_facts_hold() -> None:
    config = {
        "num_hidden_layers": 36, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "intermediate_size": 12288, "vocab_size": 151936, "torch_dtype": "bfloat16",
    }  # fmt: skip
    made, known = model_from_config(config), SNAPSHOT.models["Qwen/Qwen3-8B"]
    assert made.total_params_b == pytest.approx(known.total_params_b, rel=0.01)
    assert made.kv_bytes_per_token_bf16 == known.kv_bytes_per_token_bf16


@pytest.mark.parametrize(("config", "key"), [({}, "num_hidden_layers"), ({"num_hidden_layers": "x"}, "num_hidden")])
def test_a_config_without_an_architecture_is_refused(config: dict[str, object], key: str) -> None:
    with pytest.raises(BadInput, match=key):
        model_from_config(config)


@pytest.mark.parametrize("size", [0.1, 1.5, 7, 70, 700])
def test_a_model_of_a_size_is_plausible(size: float) -> None:
    model = model_from_size("x", size)
    assert model.total_params_b == pytest.approx(size)
    assert model.layers >= 4


def test_a_datasheet_is_enough_for_an_accelerator() -> None:
    card = accelerator_from_datasheet("X", vram_gb=96, memory_bandwidth_gb_s=4000, bf16_dense_tflops=900)
    assert card.fp8_dense_tflops is None
    assert card.memory_bandwidth_gb_s == 4000


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["predict", *arguments], catch_exceptions=True)
    error = result.exception
    code = getattr(error, "exit_code", result.exit_code)
    return code, result.stdout, str(error or "")


LLAMA = ("--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "H100", "--isl", "1024", "--osl", "256")


def test_predict_prints_the_contract_as_json() -> None:
    code, out, _ = run(*LLAMA, "--tp", "1", "--quantization", "fp8", "--concurrency", "16", "--json")
    result = json.loads(out)
    assert code == 0
    assert result["schema_version"] == 1
    assert result["snapshot"]
    for name in ("ttft_ms", "tpot_ms", "e2e_ms"):
        assert set(result[name]) == {"mean", "p50", "p90", "p99"}
    assert result["memory"]["fits"]
    assert result["max_concurrency"] > 0
    low, high = result["interval_80"]["output_tok_s"]
    assert low < result["output_tok_s"] < high
    assert result["evidence"]["neighbours"]


def test_replicas_multiply_rates_and_share_the_load() -> None:
    one = json.loads(run(*LLAMA, "--rps", "2", "--json")[1])
    two = json.loads(run(*LLAMA, "--rps", "4", "--replicas", "2", "--json")[1])
    assert two["output_tok_s"] == pytest.approx(2 * one["output_tok_s"])
    assert two["ttft_ms"] == one["ttft_ms"]


def test_predict_prints_a_table_for_people() -> None:
    code, out, _ = run(*LLAMA)
    assert code == 0
    assert "TTFT" in out
    assert "80 % interval" in out
    assert "Evidence" in out


LARGE = ("--model", "meta-llama/Llama-3.1-70B-Instruct", "--gpu", "H100", "--json")


def test_what_does_not_fit_says_so_first_and_names_the_nearest_that_does() -> None:
    code, out, _ = run(*LARGE)
    result = json.loads(out)
    assert code == 0
    assert result["fits"] is False
    assert result["summary"].startswith("Does not fit: ")
    assert result["infeasible"]["rule"] == "memory"
    assert f"{result['infeasible']['short_gib_per_gpu']:.1f} GiB per card short" in result["summary"]
    cards, bits = result["infeasible"]["nearest"]
    assert cards["gpu_count_per_replica"] > 1
    assert (bits["gpu_count_per_replica"], bits["quantization"]) == (1, "fp8")
    for each in (cards, bits):
        layout = ("--tp", str(each["tensor_parallel"]), "--pp", str(each["pipeline_parallel"]))
        fitting = json.loads(run(*LARGE, *layout, "--quantization", each["quantization"])[1])
        assert fitting["fits"]
        assert fitting["infeasible"] is None
    assert run(*LARGE[:-1])[1].startswith("Does not fit: ")


@pytest.mark.parametrize(
    ("arguments", "rule", "nearest"),
    [
        (("--tp", "3"), "layout", 1),
        (("--isl", "200000"), "context", 0),
        (("--model", "deepseek-ai/DeepSeek-R1", "--gpu", "L4"), "memory", 1),
    ],
)
def test_what_does_not_start_for_another_reason_names_that(arguments: tuple[str, ...], rule: str, nearest: int) -> None:
    found = json.loads(run(*LARGE, *arguments)[1])["infeasible"]
    assert (found["rule"], len(found["nearest"])) == (rule, nearest)
    assert (found["short_gib_per_gpu"] is None) == (rule != "memory")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--model is missing"),
        (("--model", "Qwen/Qwen3-8B"), "--gpu is missing"),
        (("--model", "no such model at all", "--gpu", "H100"), "unknown model"),
        (("--model", "llama", "--gpu", "H100"), "ambiguous model"),
        (("--model", "Qwen/Qwen3-8B", "--gpu", "abacus 3000"), "unknown"),
        ((*LLAMA, "--quantization", "fp3"), "fp3"),
        ((*LLAMA, "--tp", "0"), "tensor_parallel"),
        ((*LLAMA, "--concurrency", "-1"), "concurrency"),
        ((*LLAMA, "--concurrency", "1", "--rps", "1"), "not both"),
        ((*LLAMA, "--datasheet", "vram_gb=96"), "memory_bandwidth_gb_s"),
        ((*LLAMA, "--datasheet", "wheels=4"), "wheels=4"),
        (("--batch", "missing.csv", "--out", "x.csv"), "missing.csv"),
        (("--model", "BAAI/bge-m3", "--gpu", "H100"), "does not generate"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_two(arguments: tuple[str, ...], message: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert message in error
    assert "\n" not in error


def test_a_card_may_be_given_by_its_datasheet() -> None:
    sheet = "vram_gb=96,memory_bandwidth_gb_s=4000,bf16_dense_tflops=900"
    result = json.loads(run("--model", "Qwen/Qwen3-8B", "--gpu", "X1", "--datasheet", sheet, "--rps", "1", "--json")[1])
    assert result["configuration"]["gpu_type"] == "X1"
    assert result["memory"]["fits"]


def test_batch_writes_the_table(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(NASTY, encoding="utf-8")
    assert run("--batch", str(source), "--out", str(target))[0] == 0
    assert len(target.read_text(encoding="utf-8").splitlines()) == 10
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.csv", "out.csv"]


def test_a_config_json_stands_in_for_the_catalog(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(
        '{"num_hidden_layers": 48, "hidden_size": 5120, "num_attention_heads": 40, "num_key_value_heads": 8}',
        encoding="utf-8",
    )
    code, out, _ = run("--config", str(config), "--gpu", "H200", "--concurrency", "4", "--json")
    assert code == 0
    assert json.loads(out)["configuration"]["model_id"] == "model from config.json"


def test_shipped_measurements_are_reproduced() -> None:
    rows = [
        {name: "" if value is None else str(value) for name, value in asdict(row).items()}
        | {"request_rate": str(row.request_rate_rps or "")}
        for row in SNAPSHOT.benchmarks[::25]
        if row.quality == "A" and row.serving_mode == "agg"
    ]
    work = workloads(rows, SNAPSHOT)
    answer = estimate(work, load_physics(), load_residual())
    seen = observed(rows)
    predicted = np.stack([answer.output_tok_s * answer.question.loads.replicas, answer.ttft_ms, answer.tpot_ms], axis=1)
    errors = np.abs(predicted / seen - 1)
    rate, ttft, tpot = np.nanmedian(errors, axis=0)
    assert rate < 0.05
    assert tpot < 0.05
    assert ttft < 0.15
    inside = np.nanmean(np.where(np.isnan(seen), np.nan, np.abs(np.log(predicted / seen)) <= answer.half_width), axis=0)
    assert (inside > 0.75).all()


GOLDEN = Path(__file__).parent / "golden" / "performance.json"


def test_predictions_stay_where_they_were() -> None:
    for case in json.loads(GOLDEN.read_text(encoding="utf-8")):
        configuration = Configuration(
            SNAPSHOT.models[case["model_id"]],
            SNAPSHOT.accelerators[case["gpu_type"]],
            case["quantization"],
            tensor_parallel=case["tensor_parallel"],
        )
        answer = predict(configuration, isl=case["isl"], osl=case["osl"], concurrency=case["concurrency"])
        assert answer.ttft_ms.mean == pytest.approx(case["ttft_ms"], rel=0.1)
        assert answer.tpot_ms.mean == pytest.approx(case["tpot_ms"], rel=0.05)
        assert answer.output_tok_s == pytest.approx(case["output_tok_s"], rel=0.05)
