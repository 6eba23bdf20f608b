"""How well the simulator keeps its own schedule under load: `python -m evals.benchmarks.simulator`.

A load generator in this process opens streams at a steady rate against a simulator in another (one thread each, so a
core each), takes the time of each token, and compares with what the engine planned (`/simulator/schedule`). Prints one
JSON object.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil

_ID = re.compile(rb'"id":"([^"]+)"')
_EVENT = b"data: {"
_BODY = {
    "prompt": "Tell me about the load of a server. " * 8,
    "stream": True,
    "ignore_eos": True,
}


@dataclass(slots=True)
class _Seen:
    """One stream as the client saw it; seconds of the event loop's clock."""

    sent_s: float
    name: str = ""
    first_s: float = 0.0
    last_s: float = 0.0
    tokens: int = 0


class _Stream(asyncio.Protocol):
    """Sends one request and counts the tokens that come back."""

    def __init__(self, request: bytes, seen: _Seen, arrived: list[tuple[float, int]], done: asyncio.Event) -> None:
        self._request = request
        self._seen = seen
        self._arrived = arrived
        self._done = done
        self._now = asyncio.get_running_loop().time
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._seen.sent_s = self._now()
            transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        tokens, now, seen = data.count(_EVENT), self._now(), self._seen
        if tokens:
            if not seen.tokens:
                found = _ID.search(data)
                seen.first_s, seen.name = now, found[1].decode() if found else ""
            seen.tokens += tokens
            seen.last_s = now
            self._arrived.append((now, tokens))
        if data.endswith(b"0\r\n\r\n") and self._transport:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        self._done.set()


def _same(protocol: _Stream) -> _Stream:
    return protocol


async def _load(port: int, rate_rps: float, output_tokens: int, seconds: float) -> tuple[list[_Seen], np.ndarray]:
    loop = asyncio.get_running_loop()
    body = json.dumps(_BODY | {"max_tokens": output_tokens}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-type: application/json\r\n"
    request = head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body
    seen: list[_Seen] = []
    arrived: list[tuple[float, int]] = []
    finished: list[asyncio.Event] = []
    start = loop.time()
    for number in range(int(rate_rps * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate_rps - loop.time()))
        seen.append(_Seen(0.0))
        finished.append(asyncio.Event())
        protocol = _Stream(request, seen[-1], arrived, finished[-1])
        await loop.create_connection(partial(_same, protocol), "127.0.0.1", port)
    for done in finished:
        await done.wait()
    return seen, np.array(arrived)


def _errors(seen: list[_Seen], planned: dict[str, dict[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors of TTFT and of mean TPOT against the engine's schedule."""
    pairs = [(stream, planned[stream.name]) for stream in seen if stream.name in planned]
    ttft = [abs(s.first_s - s.sent_s - p["ttft_s"]) / p["ttft_s"] for s, p in pairs]
    tpot = [abs((s.last_s - s.first_s) / (s.tokens - 1) - p["tpot_s"]) / p["tpot_s"] for s, p in pairs]
    return np.array(ttft), np.array(tpot)


def measure(
    *, tokens_per_s: float, output_tokens: int, tpot_ms: float, ttft_ms: float, seconds: float
) -> dict[str, object]:
    """One run at an offered rate; `seconds` of arrivals after a ramp as long as a request lasts."""
    command = [str(Path(sys.executable).with_name("sextant")), "simulator", "--model", "benchmark", "--port", "0"]
    command += ["--tpot-ms", f"{tpot_ms}", "--ttft-ms", f"{ttft_ms}", "--max-num-seqs", "2048", "--jitter", "0"]
    command += ["--max-num-batched-tokens", "16384", "--parent-pid", str(os.getpid())]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        line = server.stdout.readline() if server.stdout else ""
        port = int(line.rsplit(":", 1)[1])
        lasts_s = (ttft_ms + tpot_ms * output_tokens) / 1000
        began = time.process_time()
        seen, arrived = asyncio.run(_load(port, tokens_per_s / output_tokens, output_tokens, seconds + lasts_s))
        generator_s = time.process_time() - began
        used = psutil.Process(server.pid).cpu_times()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/simulator/schedule") as answer:
            planned = {row["id"]: row for row in json.load(answer)["requests"]}
    finally:
        server.terminate()
        server.wait(10)
    ttft, tpot = _errors(seen, planned)
    start = min(stream.sent_s for stream in seen) + lasts_s
    steady = arrived[(arrived[:, 0] >= start) & (arrived[:, 0] < start + seconds)][:, 1].sum() / seconds
    total = sum(stream.tokens for stream in seen)
    return {
        "offered_tokens_per_s": tokens_per_s,
        "delivered_tokens_per_s": round(float(steady)),
        "delivered_share": round(float(steady) / tokens_per_s, 4),
        "concurrent_streams": round(tokens_per_s / output_tokens * lasts_s),
        "requests": len(seen),
        "complete": sum(stream.tokens == output_tokens for stream in seen),
        "matched_to_schedule": len(ttft),
        "ttft_error_p50": round(float(np.percentile(ttft, 50)), 4),
        "ttft_error_p95": round(float(np.percentile(ttft, 95)), 4),
        "tpot_error_p50": round(float(np.percentile(tpot, 50)), 4),
        "tpot_error_p95": round(float(np.percentile(tpot, 95)), 4),
        "server_cpu_us_per_token": round((used.user + used.system) / total * 1e6, 1),
        "generator_cpu_us_per_token": round(generator_s / total * 1e6, 1),
    }


def main() -> None:
    """Run at the stated load and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens-per-s", type=float, default=20_000)
    parser.add_argument("--output-tokens", type=int, default=250)
    parser.add_argument("--tpot-ms", type=float, default=25.0)
    parser.add_argument("--ttft-ms", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(measure(**vars(arguments)), indent=1) + "\n")


if __name__ == "__main__":
    main()
