"""What models and files say, printed: words, and nothing that steers the terminal."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from agent.events import Asked, Failed, Replied, Said
from ui.rendering.events import render
from ui.rendering.width import console_of_width

HOSTILE = "a\x1b[2Jb\x1b]0;title\x07c\x9b31md\x08\x00e\x7f\u202ef\r\ng\th"


def shown(*things: object) -> str:
    page = io.StringIO()
    console = console_of_width(file=page, force_terminal=True, color_system="truecolor")
    for thing in things:
        if isinstance(thing, (Said, Asked, Failed, Replied)):
            render(thing, console)
        else:
            console.print(thing)
    return page.getvalue()


def test_control_characters_of_what_is_said_do_not_reach_the_terminal() -> None:
    said = (Replied(HOSTILE, finished=True), Said(HOSTILE), Asked("x", HOSTILE, (HOSTILE,)), Failed(HOSTILE, HOSTILE))
    told = shown(*said)
    for control in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\x08", "\x00", "\x7f", "\u202e", "\r"):
        assert control not in told
    assert told.count("a[2Jb]0;titlec31mdef") == 6


def test_cells_of_tables_are_words_too_and_colours_of_ours_stay() -> None:
    table = Table(title=HOSTILE.partition("\r")[0])
    table.add_row(Text("x\x1b[2Jy", style="red"))
    told = shown(table)
    assert "x[2Jy" in told
    assert "\x1b[2J" not in told
    assert "\x1b[31m" in told


def test_a_pipe_is_as_wide_as_its_tables_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console_of_width(90, file=io.StringIO(), force_terminal=False).width == 90
    monkeypatch.setenv("COLUMNS", "70")
    assert console_of_width(90, file=io.StringIO(), force_terminal=False).width == 70
