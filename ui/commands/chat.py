"""`sextant chat`: the conversation in a terminal."""

from typing import Annotated

import typer


def chat(
    thread: Annotated[str, typer.Option(help="Name of the conversation; the same name goes on with it.")] = "",
    time_factor: Annotated[
        float, typer.Option(help="How many times faster than real the local simulator runs.", min=1, max=1000)
    ] = 5.0,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
) -> None:
    """Talk: say what you need, change what is shown, approve, see it verified."""
    import asyncio

    from ui.chat import run

    asyncio.run(run(thread, time_factor=time_factor, approved_only=approved_only))
