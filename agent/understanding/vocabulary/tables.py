"""The vocabulary, read from text files: an unindented line is a meaning, the indented lines below it its phrases."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent


@lru_cache(maxsize=32)
def read_table(name: str) -> Mapping[str, tuple[str, ...]]:
    """Phrases by meaning, of the file `name`.txt."""
    table: dict[str, list[str]] = {}
    key = ""
    for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            table[key] += [phrase.strip() for phrase in line.split(";") if phrase.strip()]
        elif line and not line.startswith("# "):
            key = line
            table[key] = []
    return {meaning: tuple(phrases) for meaning, phrases in table.items()}
