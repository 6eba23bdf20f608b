"""`sextant explain THREAD`: why the plan of a conversation is what it is."""

from typing import Annotated

import typer


def explain(
    thread: Annotated[str, typer.Argument(help="Name of the conversation, as `sextant chat --thread` takes it.")],
    trace: Annotated[bool, typer.Option("--trace", help="Words, tool calls and facts behind the plan.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    owner: Annotated[str, typer.Option(help="Whose conversation; without it, yours.")] = "",
) -> None:
    """Explain the chosen option of a conversation, or trace it back to words, tool calls and facts."""
    import asyncio
    import sys

    from ui.conversations import explained_session
    from ui.output import print_json

    words, facts, snapshot = asyncio.run(explained_session(thread, owner, traced=trace))
    if json:
        print_json(facts, snapshot=snapshot)
    else:
        sys.stdout.write(words + "\n")
