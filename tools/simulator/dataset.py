"""Answers from a data set: `--dataset-path` takes what llm-d-inference-sim and its tool take.

A JSON file holds conversations as ShareGPT is published: a list of objects whose `conversations` are turns, each with
`from` (`human` or `gpt`) and `value`. An SQLite file is what its `ds-tool` makes of one (`prompt_hash`, `gen_tokens`).
What the user said last is looked up; what is not found is answered by any answer. Prompts in SQLite are only known by
their SHA-256: of their text they are found, of the tokens of a model's tokenizer they are not.
"""

import hashlib
import itertools
import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput

_MAGIC = b"SQLite format 3\x00"
_LARGEST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Dataset:
    """Answers by the SHA-256 of their prompt, and all of them."""

    by_prompt: dict[bytes, list[str]]
    answers: tuple[str, ...]

    def answer(self, asked: str, rng: random.Random) -> str:
        """An answer to `asked`, or any."""
        return rng.choice(self.by_prompt.get(_digest(asked)) or self.answers)


def read_dataset(name: str | None, table: str = "llmd") -> Dataset | None:
    """The data set in a file; None without one. Raises BadInput naming what is wrong with it."""
    if name is None:
        return None
    path = Path(name)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _refused(name, "is larger than 1 GiB")
        with path.open("rb") as file:
            is_sqlite = file.read(len(_MAGIC)) == _MAGIC
        pairs = _of_sqlite(path, table) if is_sqlite else _of_conversations(json.loads(path.read_bytes()))
        by_prompt: dict[bytes, list[str]] = {}
        for digest, answer in pairs:
            by_prompt.setdefault(digest, []).append(answer)
    except OSError as error:
        raise _refused(name, f"cannot be read: {error.strerror}") from None
    except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(name, f"is neither conversations nor a table {table!r} of answers: {error}") from None
    if not by_prompt:
        raise _refused(name, "holds no answer")
    return Dataset(by_prompt, tuple(answer for answers in by_prompt.values() for answer in answers))


def _of_conversations(conversations: Iterable[Any]) -> Iterator[tuple[bytes, str]]:
    for each in conversations:
        turns = each["conversations"]
        for said, answered in itertools.pairwise(turns):
            if said["from"] == "human" and answered["from"] == "gpt" and answered["value"]:
                yield _digest(said["value"]), str(answered["value"])


def _of_sqlite(path: Path, table: str) -> Iterator[tuple[bytes, str]]:
    named = '"' + table.replace('"', '""') + '"'
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        for digest, tokens in connection.execute(f"SELECT prompt_hash, gen_tokens FROM {named}"):  # noqa: S608 - quoted
            known = json.loads(tokens)
            answer = "".join(known["strings"] if isinstance(known, dict) else known)
            if answer:
                yield bytes(digest), answer


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refused(name: str, what: str) -> BadInput:
    return BadInput(f"data set {name} {what}", "see docs/simulator.md for what it can be", field="dataset_path")
