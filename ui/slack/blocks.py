"""Block Kit, built so that Slack takes it: every text is cut to its limit, every message to what fits one.

Limits: https://docs.slack.dev/reference/block-kit. That a message's blocks may have 13,200 characters together is not
written there; Slack answers `msg_blocks_too_long` (slackapi/bolt-js issue 2509).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ui.slack.wording import cut, escaped

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_CHARS = 12_500
SECTION_CHARS = 3000
HEADER_CHARS = 150
CONTEXT_CHARS = 2000
BUTTON_CHARS = 75
CONFIRM_CHARS = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
TEXT_CHARS = 3900
"""Slack advises at most 4,000 characters for the text beside the blocks."""


def plain(text: str, limit: int) -> Block:
    """A text without formatting."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def header(text: str) -> Block:
    """A heading."""
    return {"type": "header", "text": plain(text, HEADER_CHARS)}


def section(marked: str) -> Block:
    """A paragraph in mrkdwn whose parts are escaped already (`bold`, `quoted` and `escaped` do)."""
    return {"type": "section", "text": _mrkdwn(marked, SECTION_CHARS)}


def paragraphs(text: str) -> list[Block]:
    """Any length of unformatted text as sections, broken between lines where it is too long for one."""
    parts, part = [], ""
    for line in text.splitlines():
        shown = escaped(line, SECTION_CHARS)
        if part and len(part) + len(shown) + 1 > SECTION_CHARS:
            parts.append(part)
            part = ""
        part = f"{part}\n{shown}" if part else shown
    return [section(each) for each in (*parts, part) if each.strip()]


def context(marked: str) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [_mrkdwn(marked, CONTEXT_CHARS)]}


def actions(name: str, buttons: Iterable[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": name, "elements": list(buttons)}


def button(
    text: str, action: str, value: Mapping[str, Any], *, style: str | None = None, confirm: Block | None = None
) -> Block:
    """A button; `value` comes back with the click and says which card it stood on."""
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": plain(text, BUTTON_CHARS),
        "value": json.dumps(value, ensure_ascii=False),
    }
    return made | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def confirm(title: str, text: str, yes: str, *, style: str = "primary") -> Block:
    """What Slack asks before it sends a click."""
    said = {"title": title, "text": text, "confirm": yes, "deny": "Not yet"}
    return {name: plain(said[name], limit) for name, limit in CONFIRM_CHARS.items()} | {"style": style}


def bold(text: str) -> str:
    """Escaped and bold; stars within would end it."""
    return f"*{escaped(text, 500).replace('*', '∗')}*"


def fitted(blocks: Iterable[Block]) -> list[Block]:
    """As many blocks as one message takes; what is left out is told."""
    blocks, kept, used = list(blocks), list[Block](), 0
    for block in blocks:
        used += len(json.dumps(block, ensure_ascii=False))
        if used > MOST_CHARS or (len(kept) == MOST_BLOCKS - 1 and len(blocks) > MOST_BLOCKS):
            return [*kept, context("The rest does not fit a Slack message.")]
        kept.append(block)
    return kept


def _mrkdwn(marked: str, limit: int) -> Block:
    text = marked if len(marked) <= limit else marked[: limit - 1].rpartition(" ")[0] + "…"
    return {"type": "mrkdwn", "text": text, "verbatim": True}
