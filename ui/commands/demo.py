"""`sextant demo`: a scripted session in the terminal, from words to verdict."""

import typer


def demo() -> None:
    """Play the scripted session in a state directory of its own: words, card, edit, deploy, load test, verdict."""
    import asyncio

    from ui.demo import run

    if not asyncio.run(run()):
        raise typer.Exit(1)
