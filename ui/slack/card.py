"""The specification card: fields with unit and provenance, what is chosen, and the buttons that act on it."""

from collections.abc import Mapping
from typing import Any

from agent.events import Card
from ui.slack.blocks import Block, actions, bold, button, confirm, context, fitted, header, section
from ui.slack.wording import cut, escaped
from ui.web.props import card_props

DETAIL_CHARS = 90
VALUE_CHARS = 300
MOST_PLACES = 6


def card_blocks(card: Card, *, may_deploy: bool) -> list[Block]:
    """The card as a message. Without `may_deploy` there is nothing to approve, and the card says so."""
    shown = card_props(card)
    blocks = [header("Specification")]
    for group in shown["groups"]:
        lines = "\n".join(_line(field) for field in group["fields"])
        blocks.append(section(f"{bold(group['name'])}\n{lines}"))
    if shown["unresolved"]:
        lines = "\n".join(escaped(each, VALUE_CHARS) for each in shown["unresolved"])
        blocks.append(section(f"{bold('Not understood')}\n{lines}"))
    if shown["chosen"]:
        blocks.append(section(_chosen(shown["chosen"])))
    if shown["deployment"]:
        blocks.append(section(_running(shown["deployment"])))
    blocks.append(actions("card", _buttons(shown, card.spec.get("targets", []), may_deploy=may_deploy)))
    blocks.append(context(_foot(shown, may_deploy=may_deploy)))
    return fitted(blocks)


def approve_button(chosen: Mapping[str, Any], place: Mapping[str, Any], revision: int) -> Block:
    """Deploys after a dialog that names what, where and for how much."""
    paid = "Accelerators are paid for there." if place["rents"] else "Nothing is rented there."
    asked = confirm(
        f"Deploy on {place['name']}?",
        f"{cut(chosen['title'], 100)}, planned at {chosen['monthly']} a month, on {cut(place['title'], 60)}. {paid} "
        "It is load-tested at once.",
        "Deploy",
    )
    value = {"revision": revision, "values": {"target": place["name"]}}
    return button(f"Deploy on {place['name']}", f"approve:{place['name']}", value, style="primary", confirm=asked)


def roll_back_button(deployment_id: str, revision: int) -> Block:
    """Undoes the deployment after a dialog that names it."""
    asked = confirm(
        "Roll back?", f"{deployment_id} is stopped; nothing of it runs afterwards.", "Roll back", style="danger"
    )
    return button("Roll back", "rollback", {"revision": revision}, style="danger", confirm=asked)


def deployed_buttons(deployment_id: str, revision: int | None) -> list[Block]:
    """What can be done with what runs; without `revision` it is only asked."""
    asking = button("Try a prompt", "try", {})
    return [asking] if revision is None else [asking, roll_back_button(deployment_id, revision)]


def _line(field: Mapping[str, Any]) -> str:
    unit = f" {escaped(field['unit'], 40)}" if field["unit"] else ""
    detail = f" · {escaped(field['detail'], DETAIL_CHARS)}" if field["detail"] else ""
    value = escaped(field["text"], VALUE_CHARS).replace("*", "∗")
    return f"{escaped(field['label'], 60)}: *{value}*{unit}  _{field['source']}_{detail}"


def _chosen(chosen: Mapping[str, Any]) -> str:
    return f"{bold('Chosen')}: {bold(chosen['title'])}, {chosen['monthly']} a month\n{escaped(chosen['why'], 1500)}"


def _running(deployment: Mapping[str, Any]) -> str:
    endpoints = ", ".join(str(each) for each in deployment["endpoints"])
    where = f" on {escaped(str(deployment['title']), 100)}" if "title" in deployment else ""
    links = " · ".join(
        f"<{escaped(each['url'], 500)}|{escaped(each['title'], 60)}>" for each in deployment.get("monitoring", ())
    )
    verdict = f"verdict: {deployment['verdict'].replace('_', ' ')} · " if deployment.get("verdict") else ""
    name = escaped(str(deployment["id"]), 100)
    return f"{bold('Running')}: {name}{where} at {escaped(endpoints, 1000)}\n{verdict}{links}"


def _buttons(shown: Mapping[str, Any], places: list[dict[str, Any]], *, may_deploy: bool) -> list[Block]:
    chosen, deployment, revision = shown["chosen"], shown["deployment"], shown["revision"]
    acts = []
    if may_deploy and chosen and chosen["deployable"]:
        acts += [approve_button(chosen, place, revision) for place in places[:MOST_PLACES]]
    acts.append(button("Edit", "edit", {"revision": revision}))
    acts += [button(name.capitalize(), name, {"revision": revision}) for name in ("undo", "redo") if shown[name]]
    if deployment:
        acts += deployed_buttons(str(deployment["id"]), revision if may_deploy else None)
    acts.append(button("Leave it", "cancel", {"revision": revision}))
    return acts


def _foot(shown: Mapping[str, Any], *, may_deploy: bool) -> str:
    facts = f" · facts {escaped(str(shown['snapshot']), 40)}" if shown["snapshot"] else ""
    allowed = "" if may_deploy else " · you may plan here, but not deploy"
    return f"Revision {shown['revision']}{facts}{allowed} · words in this thread change it too"
