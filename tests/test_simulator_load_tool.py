"""A public load tool (ApacheBench, which needs no model hub) drives the simulator."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

AB = shutil.which("ab")
REQUESTS, AT_ONCE = 400, 32


@pytest.mark.skipif(AB is None and not os.environ.get("CI"), reason="ApacheBench (apache2-utils) is not installed")
def test_every_request_of_a_public_load_tool_is_answered_and_counted(tmp_path: Path) -> None:
    assert AB, "CI installs apache2-utils"
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "m", "prompt": "hello there", "max_tokens": 4}))
    command = [str(Path(sys.executable).with_name("sextant")), "simulator", "--port", "0", "--model", "m"]
    with subprocess.Popen(
        [*command, "--ttft-ms", "2", "--tpot-ms", "1"], stdout=subprocess.PIPE, text=True
    ) as simulator:
        try:
            assert simulator.stdout is not None
            url = simulator.stdout.readline().rsplit(" ", 1)[-1].strip()
            load = ["-q", "-l", "-n", str(REQUESTS), "-c", str(AT_ONCE), "-p", str(body), "-T", "application/json"]
            done = subprocess.run(
                [AB, *load, f"{url}/v1/completions"], capture_output=True, text=True, check=True, timeout=60
            )
            metrics = httpx.get(f"{url}/metrics").text
        finally:
            simulator.kill()
    assert re.search(rf"Complete requests:\s+{REQUESTS}\b", done.stdout)
    assert re.search(r"Failed requests:\s+0\b", done.stdout)
    assert "Non-2xx" not in done.stdout
    counted = sum(float(count) for count in re.findall(r"^vllm:request_success_total\{[^}]*\} ([\d.]+)", metrics, re.M))
    assert counted == REQUESTS
