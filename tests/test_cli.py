"""How the command line answers what it cannot use: one clear line first, and exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

SEXTANT = Path(sys.executable).with_name("sextant")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nosuch",), "nosuch"),
        (("plan", "--nosuch"), "--nosuch"),
        (("plan", "--limit", "0", "a chatbot"), "--limit"),
        (("plan",), "say what you need"),
        (("plan", ""), "empty"),
        (("plan", "a chatbot", "--set", "total_user=5"), "total_user"),
        (("plan", "a chatbot", "--set", "total_users=-5"), "total_users"),
        (("plan", "a chatbot", "--set", "expected_qps=NaN"), "expected_qps"),
        (("plan", "--spec", "/nonexistent.json"), "/nonexistent.json"),
        (("plan", "a chatbot", "--set", "gpu_types=Z9000"), "Z9000"),
        (("plan", "a chatbot", "--set", "preferred_models=nobody/nothing-7b"), "nobody/nothing-7b"),
        (("predict", "--model", "nope", "--gpu", "H100", "--isl", "1", "--osl", "1"), "nope"),
        (("eval", "run", "/nonexistent"), "nonexistent"),
        (("rollback", "d-unknown"), "d-unknown"),
    ],
)
def test_bad_input_is_one_line_that_names_it_and_exit_code_2(
    arguments: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    environment = {"SEXTANT_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([SEXTANT, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert not done.stderr.startswith(("Usage", "Error"))
