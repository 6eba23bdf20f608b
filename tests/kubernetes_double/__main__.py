"""Starts the double: `python -m kubernetes_double KUBECONFIG [--simulators]`, with tests/ on the path.

THIS IS A DOUBLE, not Kubernetes. It serves a real TLS socket on this machine and writes a kubeconfig for it.
"""

import argparse
import asyncio
import contextlib
import itertools
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trustme
import uvicorn
import yaml

from .cluster import Cluster
from .controller import Controllers
from .server import application

TOKEN = "double-token"  # noqa: S105 - lets only this machine's tests in
_RELEVANT = ("--model", "--gpu", "--tensor-parallel", "--quantization", "--max-model-len", "--max-num-seqs",
             "--max-num-batched-tokens", "--gpu-memory-utilization", "--isl", "--osl", "--time-factor")  # fmt: skip


class Simulators:
    """A real `sextant simulator` process per workload whose container runs one; others only get a name."""

    def __init__(self, *, real: bool) -> None:
        self.real = real
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.numbers = itertools.count(1)

    def start(self, place: str, container: Mapping[str, Any]) -> str:
        port = _free_port()
        if self.real and (container.get("command") or [""])[-1] == "simulator":
            flags = [a for a in container.get("args", []) if a.partition("=")[0] in _RELEVANT]
            program = str(Path(sys.executable).with_name("sextant"))
            self.running[place] = subprocess.Popen([program, "simulator", *flags, f"--port={port}"])
        return f"http://127.0.0.1:{port}"

    def answers(self, place: str, endpoint: str) -> bool:
        """Whether the pod of a workload is ready: a simulator once its port is open, what is only named at once."""
        if place not in self.running:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0

    def stop(self, place: str) -> None:
        process = self.running.pop(place, None)
        if process is not None:
            process.terminate()
            process.wait(timeout=20)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("--simulators", action="store_true")
    parser.add_argument("--no-controllers", action="store_true")
    chosen = parser.parse_args()
    cluster, simulators = Cluster(), Simulators(real=chosen.simulators)
    controllers = Controllers(cluster, simulators)
    controllers.furnish()
    authority = trustme.CA()
    folder = Path(tempfile.mkdtemp(prefix="kubernetes-double-"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delay on: 40 ms a request
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            application(cluster, token=TOKEN), log_level="critical", timeout_graceful_shutdown=1,
            ssl_keyfile=str(folder / "key.pem"), ssl_certfile=str(folder / "certificate.pem"),
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    tasks = [] if chosen.no_controllers else [asyncio.create_task(controllers.run())]
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    _write_kubeconfig(chosen.kubeconfig, listener.getsockname()[1], authority.cert_pem.bytes())
    try:
        await serving
    finally:
        for task in tasks:
            task.cancel()
        for place in list(simulators.running):
            simulators.stop(place)
        shutil.rmtree(folder, ignore_errors=True)


def _write_kubeconfig(path: Path, port: int, authority: bytes) -> None:
    ca_file = path.with_suffix(".ca.pem")
    ca_file.write_bytes(authority)
    draft = path.with_suffix(".draft")
    draft.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "double",
                "clusters": [{"name": "double", "cluster": {"server": f"https://127.0.0.1:{port}",
                                                            "certificate-authority": str(ca_file)}}],
                "users": [{"name": "tester", "user": {"token": TOKEN}}],
                "contexts": [{"name": "double", "context": {"cluster": "double", "user": "tester"}}],
            }
        )
    )  # fmt: skip
    draft.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
