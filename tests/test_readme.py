"""The sessions that README and docs show are run, and what they print is compared.

A shown session is a fenced `console` block: `$ command`, then its output. A line `…` stands for any lines.
`pytest tests/test_readme.py --update-golden` writes the outputs anew (blocks without `…`).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_LINES = "…"


def sessions() -> list[tuple[Path, int, str]]:
    found = [
        (page, number, match.group(1))
        for page in PAGES
        for number, match in enumerate(BLOCK.finditer(page.read_text()))
    ]
    return [(page, number, body) for page, number, body in found if "$ make " not in body]


def commands(body: str) -> list[tuple[str, str]]:
    """Pairs of command (as written, continued lines and all) and shown output."""
    pairs = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next(number for number, line in enumerate(lines) if not line.endswith("\\")) + 1
        pairs.append(("\n".join(lines[:end]), "\n".join(lines[end:]).strip("\n")))
    return pairs


def run(command: str, home: Path, folder: Path) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "SEXTANT_HOME": str(home / "state"),
        "COLUMNS": "118",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, cwd=folder, check=False, timeout=120
    )
    return "\n".join(line.rstrip() for line in (done.stdout + done.stderr).splitlines()).strip("\n")


def matches(shown: str, printed: str) -> bool:
    pieces = [re.escape(line) for line in shown.splitlines()]
    pattern = "\n".join(r"(?:.*\n?)*?" if piece == re.escape(ANY_LINES) else piece for piece in pieces)
    return re.fullmatch(pattern.replace(r"(?:.*\n?)*?" + "\n", r"(?:.*\n)*?"), printed) is not None


@pytest.mark.parametrize(("page", "number"), [(page, number) for page, number, _ in sessions()])
def test_a_shown_session_prints_what_is_shown(page: Path, number: int, tmp_path: Path, update_golden: bool) -> None:
    text = page.read_text()
    body = list(BLOCK.finditer(text))[number].group(1)
    renewed = []
    for command, shown in commands(body):
        printed = run(command, tmp_path, ROOT)
        if update_golden and ANY_LINES not in shown.splitlines():
            renewed.append(f"$ {command}\n{printed}\n")
        else:
            renewed.append(f"$ {command}\n{shown}\n")
            assert matches(shown, printed), f"$ {command}\n{printed}"
    if update_golden:
        page.write_text(text.replace(body, "\n".join(renewed), 1))


def test_the_python_example_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # the example is ours


def test_the_readme_begins_with_the_two_commands() -> None:
    first = BLOCK.search((ROOT / "README.md").read_text())
    assert first is not None
    assert re.findall(r"^\$ (make \w+)", first.group(1), re.MULTILINE) == ["make run", "make test"]


def test_every_command_stands_in_the_readme_or_the_docs() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    listed = subprocess.run(
        [Path(sys.executable).with_name("sextant"), "--help"], capture_output=True, text=True, check=True
    )
    names = re.findall(r"^  ([a-z]+)  ", listed.stdout.partition("Commands:")[2], re.MULTILINE)
    assert names
    assert [name for name in names if f"sextant {name}" not in text] == []
