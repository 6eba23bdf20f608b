"""The tables of docs/conversation.md are true: every row is understood as it says."""

import re
from pathlib import Path

import pytest

from agent.understanding import understand
from evals.corpus.sentences import fields_of
from knowledge.snapshot import load

DOCUMENT = (Path(__file__).parent.parent / "docs" / "conversation.md").read_text(encoding="utf-8")


def rows(marker: str) -> list[tuple[str, str]]:
    table = DOCUMENT.split(f"<!-- {marker} -->")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    return [(words, said) for words, said in cells]


def shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(
            f"{item['count']} {item['gpu_type']}" if isinstance(item, dict) else str(item) for item in value
        )
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(("words", "said"), rows("understood"))
def test_the_table_of_what_is_understood_is_true(words: str, said: str) -> None:
    understood = {path: shown(value) for path, value in fields_of(understand(words, load()).intent).items()}
    assert understood == dict(re.findall(r"`([\w.]+)` = ([^;]+)(?:; |$)", said))


@pytest.mark.parametrize(("words", "asked"), rows("asked"))
def test_the_table_of_what_is_asked_is_true(words: str, asked: str) -> None:
    understood = understand(words, load())
    assert [each.text for each in understood.intent.unresolved] == [asked]
    assert len(understood.questions) == 1
    assert "?" in understood.questions[0].question
