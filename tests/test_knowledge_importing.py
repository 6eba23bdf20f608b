"""Bringing gathered tables into the project's files, on a small made set."""

import csv
import shutil
from pathlib import Path

import pytest

from knowledge.errors import BadInput
from knowledge.importing import Import, main, model_row
from knowledge.snapshot import DATA, Snapshot

SHARED_COLUMNS = {
    "gpus.csv": "gpu_type vendor architecture year vram_gb fp16_dense_tflops bf16_dense_tflops fp8_dense_tflops "
    "fp4_dense_tflops int8_dense_tops mem_bw_gb_s interconnect interconnect_gb_s_unidirectional_per_gpu "
    "scale_up_domain tdp_w launch_price_usd price_note spec_source vram_gib_reported compute_capability "
    "facts_source verified",
    "gpu_aliases.csv": "alias gpu_type gpu_count note",
    "models.csv": "model_id family type total_params_b active_params_b layers hidden_size attention_heads kv_heads "
    "head_dim attention kv_lora_rank qk_rope_head_dim intermediate_size moe_intermediate_size num_experts "
    "experts_per_token shared_experts dense_layers full_attention_layers sliding_window vocab_size tied_embeddings "
    "context_window native_dtype license kv_bytes_per_token_bf16 params_computed_b facts_source note "
    "attention_variant embedding_dim hf_architecture max_position_embeddings qk_nope_head_dim v_head_dim "
    "window_layers window_kv_heads window_head_dim linear_state_layers kv_window_bytes_per_token_bf16 "
    "kv_index_bytes_per_token kv_state_bytes_per_sequence hub_params_b checkpoint_gib vision_tower mtp_layers "
    "tie_word_embeddings gated languages modalities release_date default_quantized_variants supports_tools "
    "reasoning verified",
    "prices/gpu_prices.csv": "cloud region instance_type gpu_type gpu_count vcpus memory_gb on_demand_usd_hour "
    "spot_usd_hour reserved_1y_usd_hour reserved_3y_usd_hour source_date source_url source_kind confidence notes",
    "prices/gpu_purchase.csv": "gpu_type tdp_watts purchase_price_usd price_kind source_date source_url source_kind "
    "confidence notes",
    "prices/api_prices.csv": "provider workload_type sku_key sku_name model_key billing_mode direction "
    "unit_price_usd unit_name context_window max_output_tokens region source_date source_url source_kind "
    "confidence model_slug corroborated_by flags",
    "benchmarks_train.csv": "row_id arch_model_id model_id params_b gpu_type gpu_count tensor_parallel quantization "
    "engine engine_version isl osl concurrency request_rate ttft_mean_ms ttft_p50_ms ttft_p90_ms ttft_p99_ms "
    "tpot_mean_ms tpot_p50_ms tpot_p90_ms tpot_p99_ms e2e_mean_ms e2e_p90_ms output_tok_s requests_per_s source "
    "source_path source_commit license measured_on pipeline_parallel data_parallel expert_parallel serving_mode "
    "load_kind notes quality",
    "memory_train.csv": "model_id gpu_type gpu_physical_memory_gib tensor_parallel pipeline_parallel data_parallel "
    "max_model_len dtype quantization kv_cache_dtype gpu_memory_utilization vllm_version status weight_gib_per_gpu "
    "activation_gib_per_gpu non_torch_gib_per_gpu cuda_graph_gib kv_cache_gib_per_gpu kv_cache_tokens "
    "max_concurrency_at_max_len architecture attention_type num_layers num_kv_heads head_dim kv_bytes_per_token "
    "source_url measured_on license provenance",
    "quality_scores.csv": "model_id benchmark task score scale higher_is_better variant reported_by "
    "source_repo_or_page source_path source_commit_or_date licence notes",
    "workloads/trace_statistics.csv": "trace use_case requests duration_s isl_mean isl_p50 isl_p90 isl_p99 isl_cv "
    "osl_mean osl_p50 osl_p90 osl_p99 osl_cv arrival_rate_rps interarrival_cv peak_to_avg_1s peak_to_avg_10s "
    "peak_to_avg_60s peak_to_avg_600s source license note",
}
SHARED_COLUMNS["prices/api_prices_retired.csv"] = SHARED_COLUMNS["prices/api_prices.csv"]
SHARED_COLUMNS["prices/api_prices_service_tiers.csv"] = SHARED_COLUMNS["prices/api_prices.csv"]

MODEL = {
    "model_id": "maker/tiny",
    "family": "tiny",
    "type": "dense",
    "total_params_b": "1.50",
    "active_params_b": "1.50",
    "layers": "2",
    "hidden_size": "64",
    "attention_heads": "4",
    "kv_heads": "2",
    "head_dim": "16",
    "attention": "GQA",
    "vocab_size": "1000",
    "tied_embeddings": "False",
    "context_window": "4096",
    "native_dtype": "bfloat16",
    "license": "MIT",
    "kv_bytes_per_token_bf16": "256",
    "facts_source": "a config",
    "languages": "en de",
    "supports_tools": "yes",
    "default_quantized_variants": "maker/tiny-AWQ;maker/tiny-FP8",
}
CARD = {
    "gpu_type": "ACME-X1-10GB",
    "vendor": "ACME",
    "architecture": "One",
    "year": "2026",
    "vram_gb": "10",
    "bf16_dense_tflops": "100",
    "mem_bw_gb_s": "1000.5",
    "interconnect": "PCIe5",
    "scale_up_domain": "1",
    "facts_source": "datasheet",
    "verified": "yes",
}
INSTANCE = {
    "cloud": "acme",
    "region": "eu",
    "instance_type": "x1.big",
    "gpu_type": "ACME X-One",
    "gpu_count": "0.5",
    "on_demand_usd_hour": "1.2500",
    "source_date": "2026-06-18",
    "source_kind": "karpenter_static",
    "confidence": "official",
}
POINT = {
    "row_id": "r1",
    "model_id": "maker/tiny",
    "gpu_type": "ACME-X1-10GB",
    "gpu_count": "1",
    "serving_mode": "agg",
    "load_kind": "closed_concurrency",
    "output_tok_s": "123.456789",
    "source": "dstack",
    "source_path": "a/b:c.csv",
    "source_commit": "0123456789abcdef",
    "license": "Apache-2.0",
    "quality": "A",
}
SCORE = {
    "model_id": "maker/tiny",
    "benchmark": "Aider polyglot (225 tasks, 2 tries)",
    "task": "code_generation",
    "score": "12.30",
    "scale": "percent",
    "higher_is_better": "true",
    "reported_by": "independent",
    "source_repo_or_page": "Aider-AI/aider",
    "source_commit_or_date": "5dc9490bb35f (2026-05-22)",
    "licence": "Apache-2.0",
}
PRICE = {
    "provider": "acme",
    "workload_type": "llm",
    "sku_key": "k",
    "sku_name": "n",
    "model_key": "m",
    "billing_mode": "per_token",
    "direction": "input",
    "unit_price_usd": "0.10",
    "unit_name": "1m_tokens",
    "region": "global",
    "source_date": "2026-11-12",
    "source_kind": "litellm",
    "confidence": "aggregated",
    "model_slug": "tiny",
    "corroborated_by": "models_dev|llm_prices",
    "flags": "conflict;free",
}


def write(given: Path, name: str, *rows: dict[str, str]) -> None:
    path = given / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, SHARED_COLUMNS[name].split(), restval="")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    for name in SHARED_COLUMNS:
        write(folder, name)
    write(folder, "models.csv", MODEL)
    write(folder, "gpus.csv", CARD)
    write(folder, "gpu_aliases.csv", {"alias": "acme x-one", "gpu_type": "ACME-X1-10GB", "note": "spoken name"})
    write(folder, "prices/gpu_prices.csv", INSTANCE)
    write(folder, "prices/api_prices.csv", PRICE)
    write(
        folder,
        "benchmarks_train.csv",
        POINT,
        POINT | {"row_id": "r2", "source": "lotto-4x3090", "license": "none found"},
    )
    write(folder, "quality_scores.csv", SCORE)
    trace = folder / "workloads" / "mooncake_conversation_first3000.jsonl.gz"
    shutil.copy(DATA / "workloads" / "mooncake_conversation.jsonl.gz", trace)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(DATA / "sources.csv", folder / "sources.csv")
    return folder


def test_writes_a_snapshot_in_the_projects_schema(given: Path, data: Path) -> None:
    Import(given, data).run()
    facts = Snapshot(data)
    model = facts.models["maker/tiny"]
    assert (model.languages, model.supports_tools, model.kv_index_bytes_per_token) == (("en", "de"), True, 0)
    assert model.quantized_variants == ("maker/tiny-AWQ", "maker/tiny-FP8")
    assert facts.accelerators["ACME-X1-10GB"].memory_bandwidth_gb_s == 1000.5
    (instance,) = facts.instances
    assert (instance.gpu_type, instance.gpu_count, instance.notes) == ("ACME-X1-10GB", 0.5, "listed as ACME X-One")
    (price,) = facts.api_prices
    assert (price.corroborated_by, price.flags) == (("models_dev", "llm_prices"), ("conflict", "free"))
    assert facts.quality_scores[0].source == "aider"
    assert facts.quality_scores[0].source_date == "2026-05-22"


def test_keeps_the_digits_of_a_figure(given: Path, data: Path) -> None:
    Import(given, data).run()
    assert "1.2500" in (data / "instances.csv").read_text()
    assert Snapshot(data).benchmarks[0].output_tok_s == 123.456789


def test_a_smaller_card_keeps_its_own_name(given: Path, data: Path) -> None:
    alias = {"alias": "ACME-X1-8GB", "gpu_type": "ACME-X1-10GB", "note": "less memory"}
    write(given, "gpu_aliases.csv", alias)
    write(given, "prices/gpu_prices.csv", INSTANCE | {"gpu_type": "ACME-X1-8GB"})
    Import(given, data).run()
    assert Snapshot(data).instances[0].gpu_type == "ACME-X1-8GB"


def test_withholds_rows_that_serve_for_fitting_only_and_counts_them(given: Path, data: Path) -> None:
    Import(given, data).run()
    facts = Snapshot(data)
    assert [row.row_id for row in facts.benchmarks] == ["r1"]
    assert facts.benchmarks[0].source_path == "a/b:c.csv@0123456789ab"
    withheld = facts.sources["lotto-4x3090"]
    assert (withheld.rows, withheld.rows_shipped) == (1, 0)


def test_a_second_run_changes_nothing(given: Path, data: Path) -> None:
    Import(given, data).run()
    before = Snapshot(data).version
    Import(given, data).run()
    assert Snapshot(data).version == before


@pytest.mark.parametrize(
    ("name", "row", "complaint"),
    [
        ("benchmarks_train.csv", POINT | {"source": "somebody"}, "source 'somebody' is not in sources.csv"),
        ("benchmarks_train.csv", POINT | {"license": "GPL-3.0"}, "now says licence 'GPL-3.0'"),
        ("benchmarks_train.csv", POINT | {"gpu_type": "ACME X9"}, "'ACME X9' is neither among the accelerators"),
        ("benchmarks_train.csv", POINT | {"output_tok_s": "fast"}, "column output_tok_s"),
        ("quality_scores.csv", SCORE | {"licence": "none"}, "'Aider-AI/aider' under 'none'"),
        ("prices/gpu_prices.csv", INSTANCE | {"source_kind": "rumour"}, "source 'rumour' is not in sources.csv"),
    ],
)
def test_stops_at_what_a_person_must_judge(
    given: Path, data: Path, name: str, row: dict[str, str], complaint: str
) -> None:
    write(given, name, row)
    with pytest.raises(BadInput, match=complaint):
        Import(given, data).run()


def test_stops_where_a_source_would_ship_whole_under_a_licence_that_forbids_it(given: Path, data: Path) -> None:
    table = (data / "sources.csv").read_text(encoding="utf-8")
    assert ",none found,fitting," in table
    (data / "sources.csv").write_text(
        table.replace(",none found,fitting,", ",none found,shipped,", 1), encoding="utf-8"
    )
    with pytest.raises(BadInput, match="must not ship whole under 'none found'"):
        Import(given, data).run()


def test_derives_the_active_parameters_that_are_published_nowhere_and_says_so() -> None:
    given = dict.fromkeys(SHARED_COLUMNS["models.csv"].split(), "") | MODEL
    row = model_row(given | {"model_id": "moonshotai/Kimi-K3", "active_params_b": ""})
    routed = 92 * 896 * 3 * 3584 * 3072 / 1e9
    assert float(row["active_params_b"]) == pytest.approx(2779.932 - routed * (1 - 16 / 896), abs=0.1)
    assert "derived" in row["note"]


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_command_names_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "gpus.csv" in capsys.readouterr().err
