"""`sextant session export` and `replay`: a conversation as a file, and the same conversation again."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="session", help="Export a conversation and replay it.", no_args_is_help=True)


@app.command()
def export(
    thread: Annotated[str, typer.Argument(help="Name of the conversation, as `sextant chat --thread` takes it.")],
    out: Annotated[Path | None, typer.Option(help="File to write; without it the export goes to stdout.")] = None,
    owner: Annotated[str, typer.Option(help="Whose conversation; without it, yours.")] = "",
) -> None:
    """Write everything said and done in a conversation, with the facts and prices of its plan."""
    import asyncio
    import sys

    from knowledge.files import save_as
    from ui.conversations import exported_session

    text = asyncio.run(exported_session(thread, owner))
    if out is None:
        sys.stdout.write(text)
    else:
        save_as(out, text, field="out")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="An export.")],
    out: Annotated[Path | None, typer.Option(help="File to write the events to; without it, stdout.")] = None,
) -> None:
    """Play an export again, one JSON line per event; the last line says what today's facts and prices change.

    Nothing is deployed. The same export on the same facts and prices gives the same bytes.
    """
    import asyncio
    import sys

    from knowledge.files import save_as
    from ui.conversations import replayed_session

    text = asyncio.run(replayed_session(file))
    if out is None:
        sys.stdout.write(text)
    else:
        save_as(out, text, field="out")
