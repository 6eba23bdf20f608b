"""Consoles as wide as a reader has room for."""

from shutil import get_terminal_size

from rich.console import Console


def console_of_width(pipe_width: int = 160) -> Console:
    """A terminal as wide as it is; a pipe as wide as `COLUMNS` says, else as the tables need."""
    console = Console(highlight=False)
    return (
        console if console.is_terminal else Console(width=get_terminal_size((pipe_width, 24)).columns, highlight=False)
    )
