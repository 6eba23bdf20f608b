"""The simulator as a process: how it starts, says no, stops, fails on purpose, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from knowledge.errors import BadInput
from ui.cli import app

SEXTANT = str(Path(sys.executable).with_name("sextant"))
FIXED = ("--model", "m", "--ttft-ms", "2", "--tpot-ms", "1")
BODY = {"prompt": "x", "max_tokens": 2}


@contextmanager
def running(*flags: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [SEXTANT, "simulator", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rsplit(" ", 1)[-1].strip(), process
        finally:
            process.kill()


def refused(*flags: str, **environment: str) -> str:
    outcome = CliRunner().invoke(app, ["simulator", *flags], env=environment)
    assert isinstance(outcome.exception, BadInput)
    return outcome.exception.message


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_also_with_a_stream_open(signum: int) -> None:
    with running("--model", "m", "--tpot-ms", "5000") as (url, process), httpx.Client(timeout=60) as client:
        body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
        with client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            process.send_signal(signum)
            assert process.wait(10) == 0


def test_it_ends_with_its_parent() -> None:
    script = (
        "import subprocess, sys, os\n"
        f"child = subprocess.Popen([{SEXTANT!r}, 'simulator', '--port', '0', '--model', 'm', '--tpot-ms', '1',"
        " '--parent-pid', str(os.getpid())], stdout=subprocess.PIPE, text=True)\n"
        "print(child.stdout.readline().rsplit(' ', 1)[1].strip(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert httpx.get(f"{url}/health").status_code == 200
        parent.kill()
        parent.wait()
        port = int(url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            assert connection.recv(1) == b""  # closed by the simulator as it ends, not by us


def test_a_busy_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [SEXTANT, "simulator", *FIXED, "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"port {port} on 127.0.0.1 is in use"
    assert "Traceback" not in done.stderr


def test_what_cannot_be_simulated_is_named() -> None:
    assert "unknown model" in refused("--model", "no-such-model", "--gpu", "H100")
    assert "unknown accelerator" in refused("--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "Q9")
    assert "no accelerator given" in refused("--model", "meta-llama/Llama-3.1-8B-Instruct", GPU_TYPE="")
    assert "no model given" in refused("--gpu", "H100", MODEL_NAME="")
    assert "does not start" in refused("--model", "meta-llama/Llama-3.1-70B-Instruct", "--gpu", "A100-40GB")
    assert "below max-num-seqs" in refused(*FIXED, "--max-num-seqs", "512", "--max-num-batched-tokens", "256")
    assert "unknown kind of fault" in refused(*FIXED, "--error-kind", "bad_day")
    assert "TENSOR_PARALLEL_SIZE must be" in refused(*FIXED, TENSOR_PARALLEL_SIZE="two")
    assert "both fixed (--ttft-ms, --tpot-ms) and to be read from" in refused(*FIXED, "--benchmarks", "b.csv")
    assert "both fixed" in refused(*FIXED, BENCHMARKS_PATH="b.csv")
    assert "cannot read tokenizer" in refused(*FIXED, "--tokenizer", "/nowhere/tokenizer.json")


@pytest.mark.parametrize(
    ("buckets", "fault"),
    [
        ("[0.1]", "is not a JSON object"),
        ("{", "is not a JSON object"),
        ('{"latency": [0.1]}', "knows no family 'latency', but request_latency, time_to_first_token"),
        ('{"time_to_first_token": [0.2, 0.1]}', "strictly increasing numbers for time_to_first_token"),
        ('{"time_to_first_token": [0, 1]}', "positive"),
        ('{"time_to_first_token": [1, Infinity]}', "increasing"),
        ('{"time_to_first_token": [NaN]}', "increasing"),
        ('{"time_to_first_token": [true]}', "numbers"),
        ('{"time_to_first_token": 3}', "numbers"),
        ('{"time_to_first_token": []}', "numbers"),
    ],
)
def test_buckets_that_make_no_sense_are_named(buckets: str, fault: str) -> None:
    assert fault in refused(*FIXED, "--custom-histogram-buckets", buckets)


def test_own_buckets_replace_those_of_their_family() -> None:
    given = '{"time_to_first_token": [0.05, 0.12, 2], "inter_token_latency": [0.037]}'
    with running(*FIXED, "--custom-histogram-buckets", given) as (url, _):
        assert httpx.post(f"{url}/v1/completions", json=BODY).status_code == 200
        lines = httpx.get(f"{url}/metrics").text.splitlines()

    def bounds(name: str) -> list[str]:
        return [line.split('le="')[1].split('"')[0] for line in lines if line.startswith(f"vllm:{name}_bucket{{")]

    assert bounds("time_to_first_token_seconds") == ["0.05", "0.12", "2.0", "+Inf"]
    assert bounds("inter_token_latency_seconds") == ["0.037", "+Inf"]
    assert bounds("request_time_per_output_token_seconds") == ["0.037", "+Inf"]
    assert bounds("e2e_request_latency_seconds")[:2] == ["0.3", "0.5"]


def test_the_environment_names_model_and_hardware() -> None:
    environment = os.environ | {"MODEL_NAME": "llama-3.1-70b", "GPU_TYPE": "H200", "TENSOR_PARALLEL_SIZE": "2"}
    command = [SEXTANT, "simulator", "--port", "0", "--time-factor", "10", "--max-num-seqs", "64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rsplit(" ", 1)[1].strip()
        simulated = httpx.get(f"{url}/version").json()["simulator"]
        model = httpx.get(f"{url}/v1/models").json()["data"][0]["id"]
        metrics = httpx.get(f"{url}/metrics").text
        process.terminate()
    assert model == "meta-llama/Llama-3.1-70B-Instruct"
    assert simulated == {
        "time_factor": 10.0,
        "latency": "modelled",
        "gpu": "NVIDIA-H200-141GB-SXM",
        "tensor_parallel": "2",
        "pipeline_parallel": "1",
        "quantization": "bf16",
    }
    assert 'sextant_simulator_info{time_factor="10",latency="modelled",gpu="NVIDIA-H200-141GB-SXM"' in metrics


def test_while_the_model_loads_it_is_not_healthy() -> None:
    with running(*FIXED, "--load-time-s", "60") as (url, _):
        assert httpx.get(f"{url}/health").status_code == 503
        assert httpx.get(f"{url}/v1/models").status_code == 503
        assert httpx.post(f"{url}/v1/completions", json=BODY).status_code == 503
        assert httpx.get(f"{url}/metrics").status_code == 200


def test_a_dead_engine_fails_open_streams_and_says_so() -> None:
    with running("--model", "m", "--tpot-ms", "5000") as (url, _), httpx.Client(timeout=60) as client:
        body = {"prompt": "x", "max_tokens": 9, "stream": True}
        with client.stream("POST", f"{url}/v1/completions", json=body) as answer:
            death = httpx.post(f"{url}/v1/completions", json=BODY, headers={"X-Simulate-Fault": "out-of-memory"})
            assert death.status_code == 500
            assert "out of memory" in death.json()["error"]["message"]
            assert "out of memory" in "".join(answer.iter_text())
        assert httpx.get(f"{url}/health").status_code == 503
        assert httpx.post(f"{url}/v1/completions", json=BODY).status_code == 500
        metrics = httpx.get(f"{url}/metrics").text
        assert 'vllm:request_success_total{model_name="m",engine="0",finished_reason="error"} 1.0' in metrics


def test_errors_are_injected_at_the_stated_rate() -> None:
    with running(*FIXED, "--error-rate", "0.5", "--error-kind", "rate_limit", "--seed", "3") as (url, _):
        with httpx.Client() as client:
            codes = [client.post(f"{url}/v1/completions", json=BODY).status_code for _ in range(40)]
        assert set(codes) == {200, 429}
        assert 10 < codes.count(429) < 30


def test_a_client_that_leaves_frees_its_place() -> None:
    with running("--model", "m", "--tpot-ms", "20") as (url, _):
        with (
            httpx.Client(timeout=60) as client,
            client.stream(
                "POST",
                f"{url}/v1/completions",
                json={"prompt": "x", "max_tokens": 30_000, "ignore_eos": True, "stream": True},
            ) as answer,
        ):
            assert next(answer.iter_bytes())
        for _ in range(1000):
            metrics = httpx.get(f"{url}/metrics").text
            if 'finished_reason="abort"} 1.0' in metrics:
                break
        assert 'vllm:num_requests_running{model_name="m",engine="0"} 0.0' in metrics


def test_a_full_queue_refuses_and_counts_it() -> None:
    flags = ("--model", "m", "--tpot-ms", "5000", "--max-num-seqs", "1", "--max-num-queued-reqs", "1")
    with running(*flags) as (url, _), httpx.Client(timeout=60) as client:
        body = {"prompt": "x", "max_tokens": 3, "stream": True}
        with (
            client.stream("POST", f"{url}/v1/completions", json=body),
            client.stream("POST", f"{url}/v1/completions", json=body),
        ):
            assert httpx.post(f"{url}/v1/completions", json=BODY).status_code == 429
        metrics = httpx.get(f"{url}/metrics").text
        assert 'vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"} 1.0' in metrics
