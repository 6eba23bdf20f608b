"""Answers from a data set: found by what the user said, else any; as long as the request allows."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput
from tools.simulator.answers import padded
from tools.simulator.dataset import Dataset, read_dataset
from tools.simulator.tokens import EstimatedTokenizer

TALKS = [
    {
        "id": "one",
        "conversations": [
            {"from": "human", "value": "What is the capital of France?"},
            {"from": "gpt", "value": "The capital of France is Paris."},
            {"from": "human", "value": "What is its population?"},
            {"from": "gpt", "value": "About 2.2 million people live in the city proper."},
        ],
    },
    {"id": "two", "conversations": [{"from": "gpt", "value": "nobody asked"}]},
]
ANSWERS = {"The capital of France is Paris.", "About 2.2 million people live in the city proper."}


def drawn(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - choosing answers, not secrets


@pytest.fixture
def conversations(tmp_path: Path) -> Path:
    path = tmp_path / "talks.json"
    path.write_text(json.dumps(TALKS))
    return path


def sqlite(path: Path, rows: list[tuple[str, object]], table: str = "llmd") -> Path:
    """As llm-d-inference-sim's `ds-tool` writes it."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, prompt_hash BLOB NOT NULL,"
            " gen_tokens JSON NOT NULL, n_gen_tokens INTEGER NOT NULL)"
        )
        for prompt, tokens in rows:
            digest = hashlib.sha256(prompt.encode()).digest()
            row = (digest, json.dumps(tokens))
            connection.execute(f"INSERT INTO {table} VALUES (NULL, ?, ?, 2)", row)  # noqa: S608 - a name of our own
    connection.close()
    return path


def read(path: Path, table: str = "llmd") -> Dataset:
    found = read_dataset(str(path), table)
    assert found is not None
    return found


def test_what_was_asked_is_answered_and_anything_else_by_any_answer(conversations: Path) -> None:
    found = read(conversations)
    assert found.answer("What is its population?", drawn(0)) == "About 2.2 million people live in the city proper."
    assert {found.answer("something else", drawn(seed)) for seed in range(20)} == ANSWERS
    assert read_dataset(None) is None


def test_the_sqlite_file_of_llm_d_is_read_in_both_of_its_forms(tmp_path: Path) -> None:
    rows: list[tuple[str, object]] = [
        ("hi", ["Hello", " there"]),
        ("bye", {"strings": ["So", " long"], "numbers": [1]}),
    ]
    found = read(sqlite(tmp_path / "set.sqlite3", rows, table="talks"), "talks")
    assert found.answer("hi", drawn(0)) == "Hello there"
    assert found.answer("bye", drawn(0)) == "So long"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "holds no answer"),
        ("{", "neither conversations nor a table"),
        ('[{"talk": 1}]', "neither conversations nor a table"),
        ('[{"conversations": [1, 2]}]', "neither conversations nor a table"),
        ('{"conversations": 1}', "neither conversations nor a table"),
    ],
)
def test_what_is_no_data_set_is_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "talks.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=said):
        read_dataset(str(path))


def test_a_file_that_is_not_there_and_a_table_that_is_not_in_it_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_dataset(str(tmp_path / "none.json"))
    with pytest.raises(BadInput, match="no such table"):
        read_dataset(str(sqlite(tmp_path / "set.sqlite3", [("hi", ["a"])])), 'other"; --')


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 2**20))
def test_an_answer_is_as_long_as_it_may_and_must_be(known: int, limit: int, seed: int) -> None:
    pieces = [" word"] * known
    natural = padded(pieces, EstimatedTokenizer(), drawn(seed), at_least=0, at_most=limit)
    assert natural.pieces == pieces[:limit]
    assert natural.finish_reason == ("length" if known > limit else "stop")
    forced = padded(pieces, EstimatedTokenizer(), drawn(seed), at_least=limit, at_most=limit)
    assert len(forced.pieces) == limit
    assert forced.pieces[: min(known, limit)] == pieces[:limit]
    assert forced.finish_reason == "length"


def test_the_openai_client_gets_the_answers_of_the_set(
    conversations: Path, start_simulator: Callable[..., AbstractContextManager[str]]
) -> None:
    flags = ("--model", "m", "--ttft-ms", "1", "--tpot-ms", "1", "--dataset-path", str(conversations))
    with start_simulator(*flags) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        told = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "What is the capital of France?"}]
        )
        assert told.choices[0].message.content == "The capital of France is Paris."
        assert told.choices[0].finish_reason == "stop"
        cut = client.completions.create(model="m", prompt="What is its population?", max_tokens=3)
        assert "About 2.2 million people".startswith(cut.choices[0].text)
        assert cut.choices[0].finish_reason == "length"
