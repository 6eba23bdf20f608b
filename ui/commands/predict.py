"""`sextant predict`: how fast one configuration serves, or every row of a table of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.output import print_json

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot


def predict(
    *,
    model: Annotated[str, typer.Option(help="Hub id or name of the model.")] = "",
    gpu: Annotated[str, typer.Option(help="Accelerator, for example H100 or NVIDIA-L40S-48GB.")] = "",
    tp: Annotated[int, typer.Option("--tp", "--tensor-parallel", help="Cards that share every layer.")] = 1,
    pp: Annotated[int, typer.Option("--pp", "--pipeline-parallel", help="Stages of layers.")] = 1,
    dp: Annotated[int, typer.Option("--dp", "--data-parallel", help="Attention data-parallel ranks.")] = 1,
    ep: Annotated[int, typer.Option("--ep", "--expert-parallel", help="Cards that experts spread over.")] = 1,
    quantization: Annotated[str, typer.Option(help="bf16, fp16, fp8, int8, fp4 or int4; default: as released.")] = "",
    kv_dtype: Annotated[str, typer.Option(help="auto or fp8.")] = "auto",
    engine: Annotated[str, typer.Option(help="vllm, sglang or tensorrt-llm.")] = "vllm",
    replicas: Annotated[int, typer.Option(help="Replicas that share the load.")] = 1,
    isl: Annotated[float, typer.Option(help="Mean prompt length, tokens.")] = 1024,
    osl: Annotated[float, typer.Option(help="Mean output length, tokens.")] = 256,
    concurrency: Annotated[float | None, typer.Option(help="Requests in flight on the whole deployment.")] = None,
    rps: Annotated[float | None, typer.Option(help="Requests per second to the whole deployment.")] = None,
    config: Annotated[Path | None, typer.Option(help="config.json of a model that is not in the catalog.")] = None,
    params_b: Annotated[float | None, typer.Option(help="Total parameters in billions, with --config.")] = None,
    datasheet: Annotated[
        str, typer.Option(help="Accelerator by numbers: vram_gb=96,memory_bandwidth_gb_s=4000,bf16_dense_tflops=900.")
    ] = "",
    batch: Annotated[Path | None, typer.Option(help="CSV of configurations; needs --out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the CSV with predictions.")] = None,
    rehearse: Annotated[bool, typer.Option(help="Learn from simulated deployments too, to try it out.")] = False,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict TTFT, TPOT, throughput and memory of a configuration; with neither load given: the offline maximum."""
    from ui.own import known_models, own_experience  # loaded here so that `sextant --help` stays quick

    snapshot = known_models(approved_only=approved_only)
    if batch is not None:
        _predict_table(batch, out, snapshot, as_json=as_json)
        return
    from tools.performance.inquiry import Inquiry, answer

    asked = Inquiry(
        model=model,
        gpu=gpu,
        tensor_parallel=tp,
        pipeline_parallel=pp,
        data_parallel=dp,
        expert_parallel=ep,
        quantization=quantization,
        kv_dtype=kv_dtype,
        engine=engine,
        replicas=replicas,
        isl=isl,
        osl=osl,
        concurrency=concurrency,
        request_rate_rps=rps,
        config=None if config is None else _read(config),
        params_b=params_b,
        datasheet=datasheet,
    )
    result = answer(asked, snapshot, own_experience(rehearse=rehearse))
    if as_json:
        print_json(result, snapshot=snapshot.version)
    else:
        _print(result)


def _read(path: Path) -> str:
    from knowledge.errors import BadInput

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadInput(f"cannot read {path}: {reason}", "give the path of a text file", field=str(path)) from error


def _predict_table(source: Path, target: Path | None, snapshot: "Snapshot", *, as_json: bool) -> None:
    from knowledge.errors import BadInput
    from knowledge.files import save_as
    from tools.performance.batch import predict_table
    from ui.measured import measured_residual
    from ui.settings import read_settings

    if target is None:
        raise BadInput("--batch needs --out OUT.csv", "say where to write the predictions", field="out")
    table, rows = predict_table(_read(source), snapshot, residual=measured_residual(read_settings().home))
    save_as(target, table, field="out")
    if as_json:
        print_json({"rows": rows, "out": str(target)}, snapshot=snapshot.version)


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ui.own import own_lines

    console = Console()
    console.print(result["summary"], highlight=False)
    if not result["fits"]:
        console.print("What it would do if it started:", highlight=False)
    table = Table("", "mean", "p50", "p90", "p99", box=None, pad_edge=False)
    for name, title in (("ttft_ms", "TTFT ms"), ("tpot_ms", "TPOT ms"), ("e2e_ms", "E2E ms")):
        values = result[name]
        table.add_row(title, *(f"{values[each]:,.1f}" for each in ("mean", "p50", "p90", "p99")))
    console.print(table)
    low, high = result["interval_80"]["output_tok_s"]
    console.print(
        f"{result['output_tok_s']:,.0f} output tokens/s (80 % interval {low:,.0f} to {high:,.0f}), "
        f"{result['requests_per_s']:,.2f} requests/s"
        + (f", at most {result['max_concurrency']:,} sequences at once" if result["fits"] else ""),
        highlight=False,
    )
    if result["fits"]:
        console.print(result["memory"]["summary"], highlight=False)
    console.print(f"Evidence: {result['evidence']['kind']}", highlight=False)
    for line in own_lines(result["evidence"]["own"]):
        console.print(f"  {line}", highlight=False)
    for each in result["evidence"]["neighbours"]:
        console.print(f"  {each['row_id']} ({each['source']}): {each['what']}{each['values']}", highlight=False)
