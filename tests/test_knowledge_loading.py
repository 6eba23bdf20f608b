"""Tables of facts: what is written is read back, and what does not fit is named."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput
from knowledge.loading import decoded_rows, read_records, write_records


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    kind: Literal["big", "small"]
    size: float
    count: int | None
    fine: bool
    gated: bool | None
    tags: tuple[str, ...]
    note: str | None


words = st.text(st.characters(codec="utf-8", exclude_characters=";\r\n\x00", exclude_categories=["Cs"]), min_size=1)
things = st.builds(
    Thing,
    name=words,
    kind=st.sampled_from(["big", "small"]),
    size=st.floats(-1e9, 1e9).map(lambda value: float(format(value, ".15g"))),
    count=st.none() | st.integers(),
    fine=st.booleans(),
    gated=st.none() | st.booleans(),
    tags=st.lists(words, max_size=3).map(tuple),
    note=st.none() | words,
)


@pytest.mark.parametrize("name", ["things.csv", "things.csv.gz"])
def test_reads_back_what_it_wrote(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("tables") / name

    @given(st.lists(things, max_size=5))
    def round_trip(rows: list[Thing]) -> None:
        write_records(path, Thing, rows)
        assert read_records(path, Thing) == tuple(rows)

    round_trip()


def test_writes_the_same_bytes_for_the_same_rows(tmp_path: Path) -> None:
    row = Thing("a", "big", 1.5, None, True, None, ("x", "y"), None)
    for name in ("one.csv.gz", "two.csv.gz"):
        write_records(tmp_path / name, Thing, [row])
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv.gz", "two.csv.gz"]


HEADER = "name,kind,size,count,fine,gated,tags,note\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,kind\n", "columns differ from those of Thing: count, fine"),
        ("kind,name,size,count,fine,gated,tags,note\n", "their order"),
        (HEADER + "a,big,1\n", "row 2 has not 8 cells"),
        (HEADER + "a,huge,1,,true,,,\n", "column kind: 'huge' is none of big, small"),
        (HEADER + "a,big,much,,true,,,\n", "column size: could not convert"),
        (HEADER + "a,big,1,,yes,,,\n", "column fine: neither true nor false: 'yes'"),
    ],
)
def test_names_what_does_not_fit(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "things.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=complaint):
        read_records(path, Thing)


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "things.csv").write_text(HEADER)
    assert read_records(tmp_path / "things.csv", Thing) == ()


def test_decodes_rows_that_are_already_split() -> None:
    cells = dict(zip(HEADER.strip().split(","), ["a", "big", "2", "3", "false", "true", "x;y", ""], strict=True))
    assert decoded_rows("rows", [cells | {"other": "ignored"}], Thing) == (
        Thing("a", "big", 2.0, 3, False, True, ("x", "y"), None),
    )
