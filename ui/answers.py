"""What the tools answer to programs, the same over HTTP and MCP: JSON values with the versions they stand on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from agent.understanding import understand
from knowledge.errors import BadInput
from knowledge.names import resolve_accelerator, resolve_model
from tools.catalog import query as querying
from tools.catalog.answers import ranking_answer
from tools.catalog.usage import parse_usage
from tools.editing import edit
from tools.intent import Intent, Provenance
from tools.performance.inquiry import Inquiry, answer
from tools.planner import plan
from tools.planner.comparison import difference
from tools.planner.inquiry import inquire
from tools.units import parse_unit
from ui.output import SCHEMA_VERSION
from ui.questions import EXAMPLE, Compared, Configured, Need, Planned, Ranked, Searched

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.catalog.catalog import Catalog
    from tools.market import Market
    from tools.performance.experience import Experience
    from tools.planner import Plan

MOST_FOUND = 10_000


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
        """The plan for it, with what `own` deployments taught."""
        return plan(self.intent, facts.snapshot, facts.market, said=dict(self.said), limit=limit, experience=own)


def wanted(need: Need, facts: Facts) -> Wanted:
    """The need that words or an intent stand for, with its changes. Raises BadInput and NotFound naming the field."""
    if (need.text is None) == (need.intent is None):
        raise BadInput("give one of text and intent", f'for example {{"text": "{EXAMPLE}"}}', field="text")
    said: dict[str, Provenance] = {}
    if need.text is not None:
        if not need.text.strip():
            raise BadInput("text: the message is empty", "say what you need", field="text")
        understood = understand(need.text, facts.snapshot)
        found, said = understood.intent, dict(understood.provenance)
    else:
        fields = {path: value for path, value in (need.intent or {}).items() if path != "unresolved"}
        found = edit(Intent(), fields)  # what was not understood plays no part in a plan
    if not need.set:
        return Wanted(found, said)
    entries = {path: Provenance(source="edited", text=f"{path}={value}") for path, value in need.set.items()}
    return Wanted(edit(found, need.set), {**said, **entries})


def planned(asked: Planned, facts: Facts) -> dict[str, Any]:
    """The plan of a need; nothing that meets it is an answer. Raises BadInput and NotFound naming the field."""
    need, own = wanted(asked, facts), facts.own()
    result = need.planned(facts, limit=asked.limit, own=own).to_json()
    if asked.why is not None:
        result["candidate"] = inquire(need.intent, asked.why, facts.snapshot, facts.market, own).to_json()
    return with_versions(facts.snapshot.version, result)


def compared(asked: Compared, facts: Facts) -> dict[str, Any]:
    """Two plans and every field that differs. Raises BadInput and NotFound naming the field."""
    need, own = wanted(asked, facts), facts.own()
    other = Wanted(edit(need.intent, asked.vs), need.said)
    before, after = (each.planned(facts, limit=asked.limit, own=own) for each in (need, other))
    result = {"before": before.to_json(), "after": after.to_json(), "difference": difference(before, after)}
    return with_versions(facts.snapshot.version, result)


def predicted(asked: Configured, facts: Facts) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration. Raises BadInput and NotFound that name the field."""
    for field, text, find in (("model", asked.model, resolve_model), ("gpu", asked.gpu, resolve_accelerator)):
        with naming(field):
            find(text, facts.snapshot)
    inquiry = Inquiry(
        model=asked.model,
        gpu=asked.gpu,
        tensor_parallel=asked.tp,
        pipeline_parallel=asked.pp,
        data_parallel=asked.dp,
        expert_parallel=asked.ep,
        quantization=asked.quantization,
        kv_dtype=asked.kv_dtype,
        engine=asked.engine,
        replicas=asked.replicas,
        isl=asked.isl,
        osl=asked.osl,
        concurrency=asked.concurrency,
        request_rate_rps=asked.rps,
    )
    return with_versions(facts.snapshot.version, answer(inquiry, facts.snapshot, facts.own()))


def searched(catalog: "Catalog", asked: Searched) -> dict[str, Any]:
    """A page of the offers that words find. Raises BadInput."""
    with naming("workload"):
        only = querying.canonical_workload(asked.workload) if asked.workload else None
    found = catalog.search(asked.text, MOST_FOUND, workload_type=only)
    shown = found[asked.offset : asked.offset + asked.limit]
    answer = {"offers": [catalog.record(offer) for offer in shown], **paging(len(found), asked.limit, asked.offset)}
    return with_versions(catalog.version, answer)


def ranked(catalog: "Catalog", asked: Ranked) -> dict[str, Any]:
    """A page of a ranking; what was left out and why. Raises BadInput and NotFound naming the field."""
    with naming("workload"):
        name = querying.canonical_workload(asked.workload)
    with naming("usage"):
        usage = parse_usage(asked.usage, name)
    with naming("unit"):
        unit = parse_unit(asked.unit, name) if asked.unit else None
    query = querying.Query(
        workload_type=name,
        usage=usage,
        unit=unit,
        schedule=asked.schedule or None,
        model=asked.model,
        providers=frozenset(asked.providers),
        regions=frozenset(asked.regions),
        include=frozenset(asked.include),
        limit=MOST_FOUND,
    )
    ranking = catalog.rank(query)
    end = asked.offset + asked.limit
    shown = ranking_answer(catalog, replace(ranking, offers=ranking.offers[asked.offset : end]))
    shown["offers"] = [{**offer, "rank": offer["rank"] + asked.offset} for offer in shown["offers"]]
    return with_versions(catalog.version, shown | paging(len(ranking.offers), asked.limit, asked.offset))


@contextmanager
def naming(field: str) -> Iterator[None]:
    """What cannot be used in the block is wrong in that field, where no other is named."""
    try:
        yield
    except BadInput as error:
        error.field = error.field or field
        raise


def paging(total: int, limit: int, offset: int) -> dict[str, Any]:
    """Where a page stands in a list of `total` rows; `next_offset` is null on the last page."""
    end = offset + limit
    return {"total": total, "offset": offset, "next_offset": end if end < total else None}


def with_versions(snapshot: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with the versions of its form and of the facts behind it."""
    return {"schema_version": SCHEMA_VERSION, "snapshot": snapshot, **result}
