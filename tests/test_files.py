"""Files are written whole or not at all, under names that stay in their folder."""

import os
import stat
from pathlib import Path

import pytest

from knowledge.errors import BadInput
from knowledge.files import safe_name, save_as, write_whole


def test_a_file_is_replaced_in_one_step_and_no_draft_stays(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old", encoding="utf-8")
    with file.open(encoding="utf-8") as reader:
        write_whole(file, "größer")
        assert reader.read() == "old"
    assert file.read_bytes() == "größer".encode()
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "half of a pair: \ud800")
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_whole(tmp_path / "people", "ann::\n", private=True)
    assert stat.S_IMODE((tmp_path / "people").stat().st_mode) == 0o600


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "plan")
        assert os.read(reader, 10) == b"plan"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_place_that_cannot_be_written_is_named_with_its_option(tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "plan.html"
    with pytest.raises(BadInput) as refusal:
        save_as(place, "<p>", field="report")
    assert str(place) in refusal.value.message
    assert (refusal.value.cure, refusal.value.field) == ("choose another place", "report")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("bill.csv", "bill.csv"),
        ("../../etc/passwd", "passwd"),
        ("/etc/", "etc"),
        ("..", "file"),
        ("", "file"),
        ("a\0b\n.csv", "ab.csv"),
        ("half a pair \ud800.csv", "half a pair .csv"),
        (f"{'請求書' * 50}.csv", f"{'請求書' * 50}.csv"[-69:]),
    ],
)
def test_the_name_of_an_upload_stays_in_its_folder_and_fits_any(told: str, name: str, tmp_path: Path) -> None:
    assert safe_name(told, "file") == name
    (tmp_path / name).write_text("", encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == [name]
