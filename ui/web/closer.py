"""What the card of a closer look begins with; its pictures are asked for one by one (`ui.web.looks`)."""

from typing import Any

from agent.events import Options
from ui.rendering.plan import headline

Json = dict[str, Any]

MOST_TITLES = 12


def closer_props(options: Options, revision: int, thread: str) -> Json:
    """The options to look at, the chosen one first; none where nothing can be looked at closer."""
    known = [option for option in options.options if option["predicted"] is not None]
    known.sort(key=lambda option: option["id"] != options.chosen)
    return {
        "revision": revision,
        "titles": [{"id": option["id"], "text": headline(option)} for option in known[:MOST_TITLES]],
        "report": f"/ui/plans/{thread}",
    }
