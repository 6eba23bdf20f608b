"""The manifests of the option on the card, as they would be applied, and what is wrong with them. None is applied."""

from dataclasses import dataclass

from agent.context import Context
from agent.places import places
from agent.state import State
from knowledge.errors import BadInput, Conflict
from tools.deploy.option import specification_from_plan
from tools.kubernetes.findings import Finding
from tools.kubernetes.release import release
from tools.kubernetes.rendering import Manifest, render
from tools.kubernetes.settings import Settings
from tools.kubernetes.target import KubernetesTarget
from tools.kubernetes.validation import check

FORMS = ("kserve", "vanilla", "llmisvc")


@dataclass(frozen=True, slots=True)
class Preview:
    """Files in the order in which they are applied; `name` is the release's, `form` how it is deployed."""

    name: str
    form: str
    plan_hash: str
    files: tuple[Manifest, ...]
    findings: tuple[Finding, ...]

    def text(self) -> str:
        """Everything that can be applied, as one YAML stream; advice that is no object is left out."""
        applied = [each for each in self.files if any("apiVersion" in entry for entry in each.objects)]
        return "".join(f"# {each.file}\n---\n{each.text}" for each in applied)


def preview(state: State, context: Context, form: str = "") -> Preview:
    """The manifests of the chosen option in a form of `FORMS`; by default the one that is deployed here, else kserve.

    Settings are those of the cluster that Sextant was started with, where there is one. They name secrets and hold
    none. Raises BadInput for an unknown form or an option that no manifests are for, Conflict without an option.
    """
    if form not in ("", *FORMS):
        raise BadInput(f"unknown form: {form[:40]!r}", f"one of {', '.join(FORMS)}", field="form")
    if not state.get("chosen"):
        raise Conflict("there is no option to deploy", "relax what the card names first")
    spec = specification_from_plan(state["plan"], state["chosen"])
    targets = (place.target for place in places(context))
    cluster = next((target for target in targets if isinstance(target, KubernetesTarget)), None)
    settings = cluster.settings if cluster else Settings()
    notes: tuple[str, ...] = ()
    if cluster is not None and form in ("", settings.target):
        made, notes = cluster.planned(spec, context.time_factor)
    else:
        made = release(spec, settings.model_copy(update={"target": form}) if form else settings, context.snapshot)
    files = render(made)
    said = (Finding("note", made.name, "", note, "") for note in notes)
    return Preview(made.name, made.settings.target, made.plan_hash, files, (*check(made, files), *said))
