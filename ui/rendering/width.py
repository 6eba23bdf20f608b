"""Consoles as wide as a reader has room for, which nothing that is printed can steer."""

from collections.abc import Iterable
from shutil import get_terminal_size
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_CONTROLS = (range(0x09), range(0x0B, 0x20), range(0x7F, 0xA0), range(0x202A, 0x202F), range(0x2066, 0x206A))
_DROPPED = dict.fromkeys(code for codes in _CONTROLS for code in codes)
"""All control characters but tab and newline: C0, DEL, C1, and those that turn the direction of what is read."""


class Page(Console):
    """A console on which words of models, files and sites are words: without the codes that move or colour."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of `renderable`; only rich's own steer the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=segment.text.translate(_DROPPED))


def console_of_width(pipe_width: int = 160, **options: Any) -> Console:
    """A terminal as wide as it is; a pipe as wide as `COLUMNS` says, else as the tables need."""
    console = Page(highlight=False, **options)
    if not console.is_terminal:
        console.width = get_terminal_size((pipe_width, 24)).columns
    return console
