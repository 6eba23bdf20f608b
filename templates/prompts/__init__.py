"""What language models are told. The person's words never stand inside a prompt; they are a message of their own."""

from pathlib import Path


def prompt(name: str) -> str:
    """The text of `templates/prompts/NAME.txt`."""
    return (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").strip()
