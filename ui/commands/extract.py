"""`sextant extract`: what a sentence says, field by field, with the words that said it."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tools.intent import Understanding

SHOWN_CHARACTERS = 60


def extract(
    text: Annotated[str, typer.Argument(help="What you need, in your words; - reads it from stdin.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Understand a message without planning: the typed intent, where each field was said, and what is unclear."""
    from agent.understanding import understand
    from knowledge.errors import BadInput
    from knowledge.snapshot import load

    message = sys.stdin.read() if text == "-" else text
    if not message.strip():
        raise BadInput(
            "the message is empty", 'say what you need: sextant extract "chatbot for 500 users"', field="text"
        )
    snapshot = load()
    understood = understand(message, snapshot)
    if as_json:
        from ui.output import print_json

        print_json(answer(understood), snapshot=snapshot.version)
    else:
        _show(understood)


def answer(understood: "Understanding") -> dict[str, Any]:
    """Contract 5.1: every field of the intent, null unless said."""
    body = understood.model_dump(mode="json")
    for entry in body["provenance"].values():
        if entry["detail"] is None:
            del entry["detail"]
    return {"intent": body["intent"], "provenance": body["provenance"], "questions": body["questions"]}


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values())
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _show(understood: "Understanding") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    intent = understood.intent.model_dump(mode="json")
    table = Table("field", "value", "because you said", title="Understood")
    for path, origin in sorted(understood.provenance.items(), key=lambda item: item[1].start or 0):
        value: Any = intent
        for part in path.split("."):
            value = value[part]
        words = " ".join((origin.text or "").split())
        table.add_row(path, escape(_shown(value)), escape(words[:SHOWN_CHARACTERS]))
    console.print(table if understood.provenance else "Nothing about a deployment was understood.")
    for unresolved, question in zip(understood.intent.unresolved, understood.questions, strict=True):
        console.print(f"? “{escape(unresolved.text[:SHOWN_CHARACTERS])}”: {escape(unresolved.why)}", highlight=False)
        if question.suggestions:
            console.print(f"  {escape(question.question)} ({', '.join(question.suggestions)})", highlight=False)
