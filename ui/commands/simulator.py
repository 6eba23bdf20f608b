"""`sextant simulator`: a vLLM without GPUs."""

import math
import sys
from typing import Annotated

import typer

from ui.settings import read_settings

Rate = Annotated[float, typer.Option(min=0.0, max=1.0)]
Limit = Annotated[int | None, typer.Option(min=1, max=1 << 24)]


def simulator(
    *,
    model: Annotated[str | None, typer.Option(help="Model to simulate (hub id or name). [env MODEL_NAME]")] = None,
    gpu: Annotated[str | None, typer.Option(help="Accelerator, such as H100. [env GPU_TYPE]")] = None,
    tensor_parallel: Annotated[
        int | None,
        typer.Option("--tensor-parallel", "--tensor-parallel-size", min=1, help="[env TENSOR_PARALLEL_SIZE]"),
    ] = None,
    pipeline_parallel: Annotated[
        int, typer.Option("--pipeline-parallel", "--pipeline-parallel-size", min=1, help="Pipeline stages.")
    ] = 1,
    kv_cache_dtype: Annotated[str, typer.Option(help="auto or fp8.")] = "auto",
    quantization: Annotated[str | None, typer.Option(help="bf16, fp16, fp8, int8, fp4, int4.")] = None,
    benchmarks: Annotated[
        str | None, typer.Option(help="Take the times from measurements (CSV or JSON). [env BENCHMARKS_PATH]")
    ] = None,
    ttft_ms: Annotated[float | None, typer.Option(help="Fixed time to first token.")] = None,
    tpot_ms: Annotated[float | None, typer.Option(help="Fixed time per output token.")] = None,
    isl: Annotated[int, typer.Option(min=1, help="Mean prompt length for the latency model.")] = 1000,
    osl: Annotated[int, typer.Option(min=1, help="Mean output length for the latency model.")] = 200,
    time_factor: Annotated[float, typer.Option(min=0.01, max=1000, help="10 runs ten times faster than real.")] = 1.0,
    jitter: Annotated[float, typer.Option(min=0.0, max=1.0, help="Relative variation of iteration times.")] = 0.02,
    seed: Annotated[int, typer.Option(help="Makes answers, jitter and faults repeatable.")] = 0,
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8000,
    served_model_name: Annotated[
        list[str] | None, typer.Option(help="Accepted model names; the first is shown.")
    ] = None,
    lora_modules: Annotated[
        list[str] | None, typer.Option(help="A LoRA adapter as name=path, or as vLLM's JSON; once per adapter.")
    ] = None,
    max_loras: Annotated[int, typer.Option(min=1, help="Shown in vllm:lora_requests_info.")] = 1,
    max_model_len: Annotated[int | None, typer.Option(min=1, max=1 << 31)] = None,
    max_num_seqs: Limit = None,
    max_num_batched_tokens: Limit = None,
    max_num_queued_reqs: Limit = None,
    max_num_queued_tokens: Limit = None,
    gpu_memory_utilization: Annotated[float, typer.Option(min=0.05, max=1.0)] = 0.92,
    prefix_caching: Annotated[
        bool,
        typer.Option(
            "--enable-prefix-caching/--no-enable-prefix-caching", help="Reuse the KV blocks of equal prompt prefixes."
        ),
    ] = True,
    speculative_config: Annotated[
        str | None, typer.Option(help="As vLLM takes it, as JSON: method (mtp, ngram) and num_speculative_tokens.")
    ] = None,
    echo: Annotated[bool, typer.Option(help="Answer with what the user said.")] = False,
    dataset_path: Annotated[
        str | None, typer.Option(help="Answer from conversations (JSON) or llm-d-inference-sim's SQLite.")
    ] = None,
    dataset_table_name: Annotated[str, typer.Option(help="Table of the SQLite file.")] = "llmd",
    tokenizer: Annotated[str | None, typer.Option(help="A tokenizer.json to count prompt tokens with.")] = None,
    custom_histogram_buckets: Annotated[
        str | None, typer.Option(help="As vLLM takes it, as JSON: bucket bounds by family of histograms.")
    ] = None,
    enable_sleep_mode: Annotated[
        bool, typer.Option("--enable-sleep-mode", help="Serve /sleep, /wake_up and /is_sleeping.")
    ] = False,
    ssl_keyfile: Annotated[str | None, typer.Option(help="Private key (PEM) to serve HTTPS with.")] = None,
    ssl_certfile: Annotated[str | None, typer.Option(help="Certificate (PEM) to serve HTTPS with.")] = None,
    load_time_s: Annotated[float, typer.Option(min=0.0, help="Time until the model is loaded (503 before).")] = 0.0,
    error_rate: Rate = 0.0,
    error_kind: Annotated[list[str] | None, typer.Option(help="Kinds of injected errors (server_error).")] = None,
    stall_rate: Rate = 0.0,
    stall_ms: Annotated[float, typer.Option(min=0.0, help="How long a stalled iteration waits.")] = 1000.0,
    die_after_s: Annotated[float | None, typer.Option(min=0.0, help="Kill the engine after this time.")] = None,
    parent_pid: Annotated[int | None, typer.Option(min=1, help="Stop when this process ends.")] = None,
) -> None:
    """Simulate a vLLM server: same endpoints and metrics, planned latencies, no GPU."""
    from knowledge.errors import BadInput
    from tools.simulator.adapters import read_adapters
    from tools.simulator.buckets import read_buckets
    from tools.simulator.dataset import read_dataset
    from tools.simulator.engine import Pace
    from tools.simulator.faults import Faults, fault_kinds
    from tools.simulator.replica import Wanted, read_speculation, replica
    from tools.simulator.server import Options
    from tools.simulator.serving import listen, serve
    from tools.simulator.tls import tls_context
    from tools.simulator.tokenizer import tokenizer_from
    from ui.own import known_models

    numbers = {"--load-time-s": load_time_s, "--stall-ms": stall_ms, "--die-after-s": die_after_s or 0.0}
    if odd := next((flag for flag, number in numbers.items() if not math.isfinite(number)), None):
        raise BadInput(f"{odd} must be a finite number")
    settings = read_settings()
    name = model or settings.model_name
    if not name:
        raise BadInput("no model given", "say --model, such as --model meta-llama/Llama-3.1-8B-Instruct", field="model")
    wanted = Wanted(
        model=name,
        gpu=gpu or settings.gpu_type,
        tensor_parallel=tensor_parallel or settings.tensor_parallel_size or 1,
        pipeline_parallel=pipeline_parallel,
        kv_cache_dtype=kv_cache_dtype,
        quantization=quantization,
        benchmarks=benchmarks or settings.benchmarks_path,
        gpu_memory_utilization=gpu_memory_utilization,
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max_num_batched_tokens,
        max_model_len=max_model_len,
        max_num_queued_reqs=max_num_queued_reqs,
        max_num_queued_tokens=max_num_queued_tokens,
        prefix_caching=prefix_caching,
        speculative=read_speculation(speculative_config),
        ttft_ms=ttft_ms,
        tpot_ms=tpot_ms,
        isl=isl,
        osl=osl,
    )
    made = replica(wanted, known_models())
    served_names = tuple(served_model_name or dict.fromkeys((made.model, name)))
    options = Options(
        model=made.model,
        served_names=served_names,
        pace=Pace(made.cost, time_factor, jitter, stall_rate, stall_ms),
        limits=made.limits,
        max_model_len=made.max_model_len,
        tokenizer=tokenizer_from(tokenizer),
        embedding_size=made.embedding_size,
        seed=seed,
        echo=echo,
        dataset=read_dataset(dataset_path, dataset_table_name),
        load_s=load_time_s,
        gpu_memory_utilization=gpu_memory_utilization,
        faults=Faults(error_rate, fault_kinds(error_kind or ["server_error"]), die_after_s),
        hardware=made.description,
        adapters=read_adapters(lora_modules or (), served_names),
        max_loras=max_loras,
        sleep_mode=enable_sleep_mode,
        buckets=read_buckets(custom_histogram_buckets),
    )

    def announce(url: str) -> None:
        sys.stdout.write(f"simulating {options.served_names[0]} at {url}\n")
        sys.stdout.flush()

    tls = tls_context(ssl_certfile, ssl_keyfile)
    serve(options, listen(host, port), announce=announce, parent_pid=parent_pid, tls=tls)
