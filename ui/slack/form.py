"""The edit form: a modal with the fields of the card, read back and checked before it closes."""

import json
from collections.abc import Mapping
from typing import Any

from agent.events import Card
from knowledge.errors import BadInput
from tools.editing import edit, read_assignment
from tools.intent import Intent
from ui.slack.blocks import Block, bold, plain, section
from ui.slack.wording import storable
from ui.web.props import card_props

EDIT, TRY = "edit", "try"
ELEMENT, PROMPT = "value", "prompt"
ADD_FIELD, ADD_VALUE = "add field", "add value"
UNSET = "null"
MOST_BLOCKS = 100
LABEL_CHARS = 2000
OPTION_CHARS = 75
VALUE_CHARS = 3000
ERROR_CHARS = 500

Json = Mapping[str, Any]


def form(card: Card, place: Json) -> dict[str, Any]:
    """The modal for a card; `place` says where the card stands and comes back with the form."""
    shown = card_props(card)
    blocks: list[Block] = []
    for group in shown["groups"]:
        blocks.append(section(bold(group["name"])))
        blocks += [_input(field) for field in group["fields"] if len(field["text"]) <= VALUE_CHARS]
    blocks = blocks[: MOST_BLOCKS - 3]
    blocks += [section(bold("Another field")), *_another(shown["absent"])]
    return {
        "type": "modal",
        "callback_id": EDIT,
        "title": plain("Specification", 24),
        "submit": plain("Apply changes", 24),
        "close": plain("Leave it", 24),
        "private_metadata": json.dumps({**place, "revision": card.revision}),
        "blocks": blocks,
    }


def prompt_form(place: Json) -> dict[str, Any]:
    """The modal that asks for a prompt to try on what runs."""
    text = {"type": "plain_text_input", "action_id": ELEMENT, "multiline": True, "max_length": VALUE_CHARS}
    hint = plain("At most 256 tokens are answered, here in the thread.", LABEL_CHARS)
    return {
        "type": "modal",
        "callback_id": TRY,
        "title": plain("Try a prompt", 24),
        "submit": plain("Ask", 24),
        "close": plain("Leave it", 24),
        "private_metadata": json.dumps(place),
        "blocks": [{"type": "input", "block_id": PROMPT, "label": plain("Prompt", 100), "element": text, "hint": hint}],
    }


def prompt_of(state: Json) -> str:
    """The prompt that was typed."""
    return _typed(state, PROMPT)


def changes(card: Card, state: Json) -> dict[str, str]:
    """What the person changed: path → text as typed; an emptied field is cleared, one left alone is not there."""
    fields = {field["key"]: field for group in card_props(card)["groups"] for field in group["fields"]}
    typed = {path: _typed(state, path) for path in fields if path in state}
    found = {path: text for path, text in typed.items() if text != fields[path]["text"].strip()}
    added = _typed(state, ADD_FIELD)
    return found | ({added: _typed(state, ADD_VALUE)} if added else {})


def checked(intent: Intent, typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values to put into the intent, and what is wrong with them: block of the form → one line."""
    values, errors = dict[str, Any](), dict[str, str]()
    for path, text in typed.items():
        try:
            values.update([read_assignment(f"{path}={text or UNSET}")])
        except BadInput as error:
            errors[path] = _line(error)
    left = dict(values)
    while left:
        try:
            edit(intent, left)
            break
        except BadInput as error:
            at = error.field if error.field in left else next(iter(left))
            errors[str(at)] = _line(error)
            del left[str(at)]
    return values, errors


def errors_by_block(errors: Mapping[str, str], state: Json) -> dict[str, str]:
    """The same errors under the blocks that the form has: what was added stands under its value."""
    return {path if path in state else ADD_VALUE: text for path, text in errors.items()}


def _input(field: Json) -> Block:
    unit = f" ({field['unit']})" if field["unit"] else ""
    made: Block = {
        "type": "input",
        "block_id": field["key"],
        "optional": True,
        "label": plain(f"{field['label']}{unit}", LABEL_CHARS),
        "element": _select(field) if field["choices"] else _text(field["text"]),
    }
    return made | {"hint": plain(" · ".join(filter(None, (field["source"], field["detail"]))), LABEL_CHARS)}


def _text(value: str) -> Block:
    filled = {"initial_value": value} if value else {}
    return {"type": "plain_text_input", "action_id": ELEMENT, "max_length": VALUE_CHARS, **filled}


def _select(field: Json) -> Block:
    choices = [_choice("not set", UNSET), *(_choice(each, each) for each in field["choices"])]
    standing = [each for each in choices if each["value"] == field["text"]]
    made = {"type": "static_select", "action_id": ELEMENT, "options": choices[:100]}
    return made | ({"initial_option": standing[0]} if standing else {})


def _choice(text: str, value: str) -> Block:
    return {"text": plain(text, OPTION_CHARS), "value": value}


def _another(absent: list[Json]) -> list[Block]:
    groups = [
        {
            "label": plain(group["name"], OPTION_CHARS),
            "options": [_choice(_named(line), line["key"]) for line in group["fields"]],
        }
        for group in absent
        if group["fields"]
    ]
    select = {"type": "static_select", "action_id": ELEMENT, "option_groups": groups}
    text = {"type": "plain_text_input", "action_id": ELEMENT, "max_length": VALUE_CHARS}
    return [
        {"type": "input", "block_id": ADD_FIELD, "optional": True, "label": plain("Field", 100), "element": select},
        {"type": "input", "block_id": ADD_VALUE, "optional": True, "label": plain("Value", 100), "element": text},
    ] if groups else []  # fmt: skip


def _named(line: Json) -> str:
    return f"{line['label']} ({line['unit']})" if line["unit"] else str(line["label"])


def _typed(state: Json, block: str) -> str:
    given = state.get(block, {}).get(ELEMENT, {})
    chosen = given.get("selected_option")
    text = chosen["value"] if chosen else given.get("value") or ""
    return "" if chosen and text == UNSET else storable(str(text)).strip()


def _line(error: BadInput) -> str:
    return " ".join(filter(None, (error.message, error.cure)))[:ERROR_CHARS]
