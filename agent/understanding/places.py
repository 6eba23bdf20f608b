"""Provider regions named in a message."""

import re

from agent.understanding.draft import Draft
from agent.understanding.scene import Scene

REGION = re.compile(
    r"(?<![a-z0-9-])(?:"
    r"(?:us|eu|ap|ca|sa|me|af|il|mx|us-gov)-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d"
    r"|(?:us|europe|asia|australia|northamerica|southamerica|me|africa)-"
    r"(?:north|south|east|west|central|northeast|northwest|southeast|southwest)\d{1,2}"
    r"|(?:east|west|central|north|south)(?:us|central)?us\d?"
    r"|(?:northcentral|southcentral|westcentral)us"
    r"|(?:north|west)europe|uk(?:south|west)|francecentral|germanywestcentral|germanynorth|switzerland(?:north|west)"
    r"|swedencentral|norway(?:east|west)|polandcentral|italynorth|spaincentral|japan(?:east|west)|korea(?:central|south)"
    r"|australia(?:east|southeast|central)|canada(?:central|east)|brazilsouth|southeastasia|eastasia|centralindia"
    r"|southindia|westindia|uaenorth|southafricanorth|israelcentral|qatarcentral"
    r")(?![a-z0-9])"
)
_AVOIDED = re.compile(
    r"\b(?:not|except|avoid|avoiding|without|never|but|nicht|kein|pas|sauf|salvo|excepto)\s+(?:for\s+)?"
    r"(?:(?:in|on|from|at|the|region|dans|en)\s+)*$"
)


def read_regions(scene: Scene, draft: Draft) -> None:
    """Fill regions with the providers' own names."""
    for match in REGION.finditer(scene.folded):
        if _AVOIDED.search(scene.folded, max(match.start() - 24, 0), match.start()):
            draft.doubt(*match.span(), "a region to avoid; say which may be used instead", "regions")
        else:
            draft.add("regions", match.group(), match.start(), match.end())
