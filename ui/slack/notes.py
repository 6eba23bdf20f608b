"""Messages that stand for themselves: words, questions, failures, work under way, the verdict of a load test."""

from collections.abc import Mapping
from typing import Any

from agent.events import Asked, Failed, Progress, Replied, Report
from ui.slack.blocks import CONTEXT_CHARS, Block, actions, bold, button, context, fitted, header, paragraphs, section
from ui.slack.card import deployed_buttons
from ui.slack.tables import table
from ui.slack.wording import escaped
from ui.web.deployment import reply_props
from ui.web.props import question_props, report_props

BAR = 10
MOST_STARS = 5
MARKS = {"met": "✓ met", "not_met": "✗ not met"}


def replied_blocks(prompt: str, reply: Replied) -> list[Block]:
    """A prompt with the answer of what was deployed, and how fast it came."""
    shown = reply_props(prompt, reply)
    figures = [f"{each['name']} {each['text']}" for each in shown["figures"]]
    asked = [context(f"{bold('Prompt')} {escaped(prompt, CONTEXT_CHARS - 20)}")]
    told = escaped(" · ".join(filter(None, (*figures, shown["note"]))), CONTEXT_CHARS)
    return fitted([*asked, *paragraphs(reply.text), *([context(told)] if told else [])])


def failed_blocks(failed: Failed) -> list[Block]:
    """What did not work, and the way out."""
    return fitted(paragraphs(f"⚠ {failed.message}\n{failed.what_to_do}"))


def asked_blocks(asked: Asked) -> list[Block]:
    """A question, with a button for each quick answer."""
    shown = question_props(asked)
    buttons = [button(each, f"answer:{place}", {"text": each}) for place, each in enumerate(shown["suggestions"])]
    return fitted([*paragraphs(shown["question"]), *([actions("answers", buttons[:25])] if buttons else [])])


def progress_text(event: Progress) -> str:
    """One line with a bar."""
    full = round(max(0.0, min(1.0, event.fraction)) * BAR)
    bar = "▰" * full + "▱" * (BAR - full)
    note = f": {escaped(event.note, 500)}" if event.note else ""
    return f"{bar} {escaped(event.step, 100)}{note}"


def report_blocks(report: Report, revision: int | None, deployment: Mapping[str, Any] | None) -> list[Block]:
    """The verdict: bound, measured with its interval and predicted per objective, and how it was measured."""
    shown = report_props(report)
    blocks = [header(f"Verdict: {shown['verdict'].replace('_', ' ')}"), section(escaped(shown["reason"], 2000))]
    rows = [("objective", "bound", "measured", "interval", "predicted", "verdict")]
    rows += [
        (each["name"], each["bound"], each["measured"], each["interval"], each["predicted"],
         MARKS.get(each["verdict"], each["verdict"]))
        for each in shown["slos"]
    ]  # fmt: skip
    blocks += table(rows, range(1, 5)) if shown["slos"] else []
    blocks.append(section(" · ".join(f"{each['name']} *{escaped(each['text'], 100)}*" for each in shown["facts"])))
    if shown["notes"]:
        blocks += paragraphs("\n".join(f"• {each}" for each in shown["notes"]))
    blocks += [context(escaped(each, 1000)) for each in shown["sources"]]
    buttons = [
        button(f"{stars} ★", f"rate:{stars}", {"values": {"stars": stars}}) for stars in range(1, MOST_STARS + 1)
    ]
    if deployment:
        buttons += deployed_buttons(str(deployment["id"]), revision)
    blocks.append(actions("verdict", buttons))
    name = escaped(str(shown["deployment"]), 100)
    blocks.append(
        context(f"{bold('Deployment')} {name} · how good was the recommendation? It is kept with the outcome.")
    )
    return fitted(blocks)
