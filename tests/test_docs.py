"""The documentation says what is there: commands, options, settings, modules, links, figures."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from knowledge.snapshot import Snapshot
from ui.cli import app

SHOWN = re.compile(r"sextant ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?([^`\n|#]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Every command with the options that it takes."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        taken = (name for option in command.params for name in (*option.opts, *option.secondary_opts))
        yield path, frozenset(taken)


COMMANDS = dict(commands(get_command(app)))
FIRST_WORDS = {path[0] for path in COMMANDS}


@pytest.fixture(scope="module")
def pages(repository: Path) -> dict[Path, str]:
    """README and docs; a command that goes on in the next line is put into one."""
    files = (repository / "README.md", *sorted((repository / "docs").rglob("*.md")))
    return {file: re.sub(r"\\\n\s*", " ", file.read_text(encoding="utf-8")) for file in files}


def test_every_option_that_is_shown_exists(pages: dict[Path, str]) -> None:
    seen = 0
    for file, text in pages.items():
        for first, second, rest in SHOWN.findall(text):
            taken = COMMANDS.get((first, second), COMMANDS.get((first,)))
            if taken is None:
                assert first not in FIRST_WORDS or not second, f"{file.name}: there is no `sextant {first} {second}`"
                continue
            seen += 1
            unknown = set(OPTION.findall(rest)) - taken
            assert not unknown, f"{file.name}: `sextant {first}` has no {', '.join(unknown)}"
    assert seen > 100


def test_every_command_is_told_of(pages: dict[Path, str]) -> None:
    text = "\n".join(pages.values())
    silent = [path for path in COMMANDS if not re.search(rf"sextant {' '.join(path)}\b|`{path[-1]}`", text)]
    assert not silent


def test_every_setting_is_told_of(pages: dict[Path, str], repository: Path) -> None:
    text = "\n".join(pages.values())
    named = set(
        re.findall(r'"(SEXTANT_[A-Z_]+[A-Z])"', (repository / "ui" / "settings.py").read_text(encoding="utf-8"))
    )
    assert len(named) > 10
    assert not {name for name in named if name not in text}


def test_every_module_that_is_run_exists(pages: dict[Path, str]) -> None:
    named = {name for text in pages.values() for name in re.findall(r"python -m ([\w.]+\w)", text)}
    assert named
    assert not {name for name in named if find_spec(name) is None}


def test_every_link_leads_somewhere(pages: dict[Path, str]) -> None:
    for file, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            place, _, heading = target.partition("#")
            if "://" in target:
                continue
            goal = (file.parent / place).resolve() if place else file
            assert goal.exists(), f"{file.name}: {target}"
            if heading and goal in pages:
                anchors = [re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-")
                           for line in re.findall(r"^#+ (.*)$", pages[goal], re.MULTILINE)]  # fmt: skip
                assert heading in anchors, f"{file.name}: {target}"


def test_the_readme_counts_the_prices_that_ship(pages: dict[Path, str], repository: Path, snapshot: Snapshot) -> None:
    told = f"{len(snapshot.api_prices):,} API prices and {len(snapshot.instances):,} rented machines"
    assert told in pages[repository / "README.md"]


PARTS = ("agent", "evals", "knowledge", "templates", "tools", "ui")


def test_every_library_that_is_imported_is_declared_and_explained(repository: Path) -> None:
    """What comes along with another library can go with its next version."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {named(line) for line in project["dependencies"]}
    optional = {named(line) for lines in project["optional-dependencies"].values() for line in lines}
    explained = (repository / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert not [each for each in declared if each not in explained]
    sold_as = {**packages_distributions(), "psycopg_pool": ["psycopg"]}  # as its extra
    own = {*PARTS, *(path.stem for path in (repository / "tests").iterdir())}
    undeclared = {
        f"{file.relative_to(repository)} imports {module}"
        for file in (file for part in (*PARTS, "tests") for file in (repository / part).rglob("*.py"))
        for module in imported(file) - own - sys.stdlib_module_names
        if not {named(each) for each in sold_as.get(module, [module])} & (declared | optional)
    }
    assert not undeclared


def named(requirement: str) -> str:
    """The name of a distribution as indexes compare it: `psycopg[pool]>=3.2` is psycopg."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def imported(file: Path) -> set[str]:
    """The top modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
