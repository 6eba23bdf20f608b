"""`sextant backup` and `sextant restore`: everything that is kept, as one file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ui.archive import Backup


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; only you can read it.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write conversations, records, prices and added facts to one file. Servers may go on meanwhile."""
    import asyncio

    from ui.archive import back_up
    from ui.settings import read_settings

    _show(asyncio.run(back_up(read_settings(), file)), f"written to {file}", json=json)


def restore(
    file: Annotated[Path, typer.Argument(help="File that `sextant backup` wrote.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fill an empty state directory (and database, if one is set) from a backup; nothing is overwritten."""
    import asyncio

    from ui.archive import restore as restored
    from ui.settings import read_settings

    settings = read_settings()
    _show(asyncio.run(restored(settings, file)), f"restored to {settings.home}", json=json)


def _show(made: "Backup", done: str, *, json: bool) -> None:
    if json:
        from dataclasses import asdict

        from knowledge.snapshot import load
        from ui.output import print_json

        print_json({"backup": asdict(made)}, snapshot=load().version)
        return
    held = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in made.counts.items() if count)
    sys.stdout.write(f"{done}: {held or 'nothing yet'}; made {made.made_at[:19].replace('T', ' ')} UTC\n")
