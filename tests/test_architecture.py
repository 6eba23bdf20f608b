"""The structure that everything relies on."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent", "tools", "knowledge", "templates", "ui", "evals")
HEAVY = ("langgraph", "langchain_core", "chainlit", "kubernetes", "openai", "anthropic", "ollama", "numpy", "fastapi",
         "sqlite_utils", "pydantic", "httpx", "pyarrow")  # fmt: skip


@pytest.mark.parametrize("name", PACKAGES)
def test_a_top_level_name_resolves_inside_the_repository(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


def test_no_module_of_ui_shadows_a_folder_or_a_dependency() -> None:
    installed = {name.split(".")[0] for name in sys.stdlib_module_names} | set(HEAVY) | set(PACKAGES) | {"tests"}
    modules = {path.stem for path in (ROOT / "ui").iterdir() if path.suffix == ".py" or path.is_dir()} - {"__init__"}
    assert not modules & installed


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-c",
            "from ui.cli import main; import sys; sys.argv = ['sextant', '--help']; main()",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines() if "|" in line}
    assert not imported & set(HEAVY)
    assert "Usage" in run.stdout


def test_only_settings_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if {"environ", "getenv"}
        & {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    ]
    assert readers == ["ui/settings.py"]


def test_nothing_imports_from_tests() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            assert "tests" not in {
                (node.module or "").split(".")[0]
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ImportFrom)
            }


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {path.stem for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert not names & {"utils", "helpers", "common", "misc"}
