"""What the tools answer to programs, the same over HTTP and MCP: JSON values with the versions they stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, get_args

from agent.understanding import understand
from knowledge.errors import BadInput, NotFound
from knowledge.names import resolve_accelerator, resolve_model
from tools.catalog import query as querying
from tools.catalog.answers import ranking_answer
from tools.catalog.usage import parse_usage
from tools.editing import edit
from tools.intent import Intent, Provenance, TaskType
from tools.performance.inquiry import Inquiry, answer
from tools.planner import plan
from tools.units import parse_unit
from ui.output import SCHEMA_VERSION

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.catalog.catalog import Catalog
    from tools.market import Market
    from tools.performance.experience import Experience
    from tools.planner import Plan

MAX_TEXT_CHARS = 50_000
MOST_RANKED = 10_000
EXAMPLE = "a support chatbot for 1,000 users, fast, under $5k a month"


class Facts(Protocol):
    """What answers are made from."""

    @property
    def snapshot(self) -> "Snapshot": ...

    @property
    def market(self) -> "Market": ...

    def own(self) -> "Experience":
        """What own deployments and measurements teach."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An intent and where each of its fields is from."""

    intent: Intent
    said: Mapping[str, Provenance]

    def planned(self, facts: Facts, *, limit: int, own: "Experience") -> "Plan":
        return plan(self.intent, facts.snapshot, facts.market, said=dict(self.said), limit=limit, experience=own)


def wanted(facts: Facts, *, text: str | None, intent: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> Wanted:
    """The need that words or an intent stand for, with `changes` by dotted path.

    Raises BadInput and NotFound that name the field.
    """
    if (text is None) == (intent is None):
        raise BadInput("give one of text and intent", f'for example {{"text": "{EXAMPLE}"}}', field="text")
    said: dict[str, Provenance] = {}
    if text is not None:
        if not text.strip():
            raise BadInput("text: the message is empty", "say what you need", field="text")
        if len(text) > MAX_TEXT_CHARS:
            raise BadInput(
                f"text: longer than {MAX_TEXT_CHARS:,} characters", "send the part that counts", field="text"
            )
        understood = understand(text, facts.snapshot)
        found, said = understood.intent, dict(understood.provenance)
    else:
        fields = {path: value for path, value in (intent or {}).items() if path != "unresolved"}
        found = edit(Intent(), fields)  # what was not understood plays no part in a plan
    if not changes:
        return Wanted(found, said)
    entries = {path: Provenance(source="edited", text=f"{path}={value}") for path, value in changes.items()}
    return Wanted(edit(found, dict(changes)), {**said, **entries})


def predicted(asked: Inquiry, facts: Facts) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration. Raises BadInput and NotFound that name the field."""
    for field, text, find in (("model", asked.model, resolve_model), ("gpu", asked.gpu, resolve_accelerator)):
        try:
            find(text, facts.snapshot)
        except NotFound as error:
            error.field = field
            raise
    return with_versions(facts.snapshot.version, answer(asked, facts.snapshot, facts.own()))


def ranked(
    catalog: "Catalog",
    *,
    workload: str,
    model: str = "",
    usage: Sequence[str] = (),
    unit: str = "",
    schedule: str = "",
    providers: Sequence[str] = (),
    regions: Sequence[str] = (),
    include: Sequence[str] = (),
    limit: int,
    offset: int = 0,
) -> tuple[dict[str, Any], int]:
    """A page of a ranking, and how many offers were ranked."""
    name = querying.canonical_workload(workload)
    asked = querying.Query(
        workload_type=name,
        usage=parse_usage(list(usage), name),
        unit=parse_unit(unit, name) if unit else None,
        schedule=schedule or None,
        model=model,
        providers=frozenset(providers),
        regions=frozenset(regions),
        include=frozenset(include),
        limit=MOST_RANKED,
    )
    ranking = catalog.rank(asked)
    shown = ranking_answer(catalog, replace(ranking, offers=ranking.offers[offset : offset + limit]))
    shown["offers"] = [{**offer, "rank": offer["rank"] + offset} for offer in shown["offers"]]
    return shown, len(ranking.offers)


def known_task(task: str) -> TaskType:
    """A task by its name. Raises BadInput."""
    if task not in get_args(TaskType):
        raise BadInput(f"unknown task: {task[:40]!r}", f"one of {', '.join(get_args(TaskType))}", field="task")
    return task  # type: ignore[return-value]  # checked just above


def with_versions(snapshot: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with the versions of its form and of the facts behind it."""
    return {"schema_version": SCHEMA_VERSION, "snapshot": snapshot, **result}
