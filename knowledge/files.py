"""Files written whole or not at all: whoever reads sees the old content or the new, and a crash leaves no half.

And names for the files that others hand over.
"""

import os
from pathlib import Path

from knowledge.errors import BadInput

NAME_BYTES = 200
"""File systems take 255; the rest is for what is put around a name."""


def write_whole(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Put `content` (text as UTF-8) at `path`; with `private` nobody but this account can read it. Raises OSError.

    The folder must exist. What is no plain file, such as a pipe or a terminal, is written to and not replaced.
    """
    raw = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        path.write_bytes(raw)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def save_as(path: Path, content: str | bytes, *, field: str) -> None:
    """Write what somebody wants at a place that they named, in the option `field`. Raises BadInput."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose another place", field=field) from error


def check_place(path: Path, *, field: str) -> None:
    """Find out before long work whether its result can be written where somebody wants it. Raises BadInput."""
    if path.is_dir() or not (path.parent.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)):
        raise BadInput(f"{path} cannot be written", "choose another place", field=field)


def safe_name(told: str, otherwise: str) -> str:
    """The name that somebody gave a file as one that any folder takes: its last part, of a long one the end.

    `otherwise` where nothing is left.
    """
    printable = "".join(char for char in Path(told).name if char.isprintable())
    return printable.encode()[-NAME_BYTES:].decode(errors="ignore").strip(". ") or otherwise
