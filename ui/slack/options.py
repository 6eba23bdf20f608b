"""The options of a plan: cost, verdict per target and evidence, with buttons; why an option is what it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.events import Comparison, Options
from ui.slack.blocks import (
    CONTEXT_CHARS,
    Block,
    actions,
    bold,
    button,
    context,
    fitted,
    header,
    paragraphs,
    section,
)
from ui.slack.tables import table
from ui.slack.wording import escaped
from ui.web.props import comparison_props, options_props

Json = Mapping[str, Any]

SHOWN = 8
CHANGES_SHOWN = 5
MARKS = {True: " ✓", False: " ✗", None: ""}


def options_blocks(options: Options, revision: int, note: Sequence[str] = ()) -> list[Block]:
    """The options as a message; `note`: what was said about the change that led to them."""
    shown = options_props(options, revision)
    places = {option["id"]: place for place, option in enumerate(options.options, start=1)}
    said = paragraphs("\n".join(note))
    if not places:
        return fitted([header("Nothing meets these needs"), *said, *_left_out(shown, every=True)])
    beside = button("Side by side", "beside", {"revision": revision})
    blocks = [header("Options"), *said, section(_picks(shown, places)), actions("options", [beside])]
    for each in _most_telling(shown, places):
        blocks += _option(shown["options"][each], places[each], shown)
    if len(places) > SHOWN:
        blocks.append(context(f"{len(places)} options in all. Say “choose 12” for one that is not shown."))
    return fitted(blocks + _left_out(shown, every=False))


def why_blocks(options: Options, revision: int, wanted: str) -> list[Block]:
    """What stands behind an option: reason, cost by line, interval, nearest measurements, source of the price."""
    option = options_props(options, revision)["options"][wanted]
    lines = [option["why"], *option["lines"], f"risk {option['risk']} of 1"]
    if option["interval"]:
        lines.append(f"{option['interval']}; times are {option['evidence']}")
    if option["neighbours"]:
        lines.append(f"nearest measurements: {'; '.join(option['neighbours'][:3])}")
    lines += [each for each in (option["price"], option["price_url"]) if each]
    return fitted([section(bold(_title(option))), *paragraphs("\n".join(f"• {line}" for line in lines))])


def beside_blocks(options: Options, revision: int) -> list[Block]:
    """Every option as a row of one table."""
    shown = options_props(options, revision)["options"].values()
    times = [time["name"] for time in next(iter(shown))["times"]]
    rows = [("option", "runs", "where", "a month", "per 1K tokens", *times, "used", "quality", "evidence")]
    for place, each in enumerate(shown, start=1):
        title = f"{place}. {each['model']}{' (chosen)' if each['chosen'] else ''}"
        told = [f"{time['text']}{MARKS[time['met']]}" for time in each["times"]]
        rows.append((title, each["runs"], each["where"], each["monthly"], each["per_1k"], *told,
                     each["used"], each["quality"], each["evidence"]))  # fmt: skip
    return fitted([section(bold("Options side by side")), *table(rows, range(3, 6 + len(times)))])


def comparison_blocks(comparison: Comparison) -> list[Block]:
    """Two plans or options side by side."""
    shown = comparison_props(comparison)
    rows = [("field", "before", "after", "difference")]
    rows += [(row["field"], row["before"], row["after"], row["change"]) for row in shown["rows"]]
    same = [context("They do not differ in anything that was planned.")]
    return fitted([section(bold(shown["title"])), *(table(rows, (1, 2, 3)) if shown["rows"] else same)])


def _most_telling(shown: Json, places: Mapping[str, int]) -> list[str]:
    """The chosen option, the first of every list, and the best of the rest, in the order of the plan."""
    first = [shown["chosen"], *(each["ids"][0] for each in shown["lists"] if each["ids"])]
    wanted = dict.fromkeys(each for each in (*first, *places) if each in places)
    return sorted(list(wanted)[:SHOWN], key=places.__getitem__)


def _picks(shown: Json, places: Mapping[str, int]) -> str:
    lines = []
    for each in (pick for pick in shown["lists"] if pick["ids"]):
        option = shown["options"][each["ids"][0]]
        lines.append(f"{bold(each['title'])}: {places[option['id']]}. {escaped(_title(option), 200)}")
    return "\n".join(lines)


def _title(option: Json) -> str:
    return f"{option['model']}, {option['monthly']} a month"


def _option(option: Json, place: int, shown: Json) -> list[Block]:
    times = " · ".join(f"{time['name']} {time['text']}{MARKS[time['met']]}" for time in option["times"])
    chosen = " (chosen)" if option["chosen"] else ""
    rest = f"{option['used']} used · quality {option['quality']} · {option['evidence']}"
    runs = f"{escaped(option['runs'], 200)} · {escaped(option['where'], 200)}"
    text = f"{bold(f'{place}. {_title(option)}')}{chosen}\n{runs}\n"
    value = {"revision": shown["revision"], "option": option["id"]}
    buttons = [button("Why", "why", value)]
    if not option["chosen"]:
        buttons.insert(0, button("Choose", "choose", value))
        if shown["chosen"]:
            buttons.append(button("Compare with chosen", "compare", value))
    return [section(f"{text}{escaped(times, 300)}\n{escaped(rest, 300)}"), actions(f"option {option['id']}", buttons)]


def _left_out(shown: Json, *, every: bool) -> list[Block]:
    """What each rule left out; `every`: with its nearest miss, and buttons for changes that would admit something."""
    rules = shown["rejected"]["rules"]
    if not rules:
        return []
    if not every:
        counts = " · ".join(f"{each['rule']} {each['count']}" for each in rules)
        return [context(f"Left out: {escaped(counts, CONTEXT_CHARS - 20)}")]
    lines = "\n".join(f"• {each['rule']}: {each['count']}. {each['nearest']}".rstrip() for each in rules)
    changes = [each["change"] for each in (*shown["rejected"]["relaxations"], *rules) if each["change"]]
    unlike = list({each["text"]: each for each in changes}.values())[:CHANGES_SHOWN]
    value = {"revision": shown["revision"]}
    buttons = [button(f"Set {each['text']}", f"change:{place}", value | {"values": each["values"]})
               for place, each in enumerate(unlike)]  # fmt: skip
    return [*paragraphs(lines), *([actions("changes", buttons)] if buttons else [])]
