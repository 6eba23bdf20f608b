"""Where a conversation can deploy to: the default target, and others that the server was started with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.context import Context
from knowledge.errors import BadInput, Unavailable
from knowledge.records import Deployment

if TYPE_CHECKING:
    from tools.deploy import Target

LOCAL_TITLE = "a simulator on this machine"


@dataclass(frozen=True, slots=True)
class Place:
    """A target and what a confirmation says of it: where it is, and whether real accelerators are paid for there."""

    target: "Target"
    title: str
    rents: bool

    def to_json(self) -> dict[str, Any]:
        """What faces show."""
        return {"name": self.target.name, "title": self.title, "rents": self.rents}


def places(context: Context) -> tuple[Place, ...]:
    """Everywhere that can be deployed to, the default first."""
    title = LOCAL_TITLE if context.target.name == "local" else context.target.name
    return (Place(context.target, title, rents=False), *context.elsewhere)


def place_named(name: str, context: Context) -> Place:
    """The place of that name; the default for an empty one. Raises BadInput."""
    known = places(context)
    found = next((place for place in known if name in ("", place.target.name)), None)
    if found is None:
        names = ", ".join(place.target.name for place in known)
        raise BadInput(f"unknown target: {name[:40]!r}", f"known here: {names}", field="target")
    return found


def target_of(deployment: Deployment, context: Context) -> "Target":
    """The target that a deployment was made on. Raises Unavailable when this server was started without it."""
    for place in places(context):
        if place.target.name == deployment.target:
            return place.target
    raise Unavailable(
        f"{deployment.deployment_id} runs on {deployment.target}, which is not among the targets here",
        f"start Sextant with it (--kubeconfig), or say: sextant rollback {deployment.deployment_id}",
    )
