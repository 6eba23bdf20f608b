"""Any one candidate on request: whether it is admitted, with its numbers, or the rule that it breaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.errors import BadInput
from knowledge.names import resolve_model
from knowledge.snapshot import Snapshot
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.case import Case
from tools.planner.hardware import accelerator_named
from tools.planner.mix import RequestClass
from tools.planner.planning import Plan, plan
from tools.planner.profile import profile
from tools.planner.rejection import Miss
from tools.planner.shortlist import shortlist


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A candidate that was asked about: model, and where said accelerator, cards and precision."""

    model_id: str
    gpu_type: str | None
    tensor_parallel: int | None
    quantization: str | None

    @property
    def changes(self) -> Mapping[str, Any]:
        """What narrows an intent to this candidate."""
        return {
            "preferred_models": [self.model_id],
            "gpu_types": [self.gpu_type] if self.gpu_type else None,
            "tensor_parallel": self.tensor_parallel,
            "quantization": [self.quantization] if self.quantization else None,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of an inquiry: the plan narrowed to the candidate, and the rule about models that it breaks, if any."""

    inquiry: Inquiry
    narrowed: Plan
    model_rule: Miss | None

    def to_json(self) -> dict[str, Any]:
        """`candidate` of the plan."""
        best = self.narrowed.best("balanced")
        return {
            "model_id": self.inquiry.model_id,
            "gpu_type": self.inquiry.gpu_type,
            "tensor_parallel": self.inquiry.tensor_parallel,
            "quantization": self.inquiry.quantization,
            "admitted": self.model_rule is None and best is not None,
            "broken_rule": self.model_rule.to_json() if self.model_rule else None,
            "option": best.to_json() if best else None,
            "rejected": self.narrowed.rejected.to_json(8),
        }


def read_inquiry(text: str, snapshot: Snapshot) -> Inquiry:
    """`MODEL`, `MODEL@GPU` or `MODEL@GPU:CARDS:PRECISION`; raises NotFound or BadInput."""
    model, _, rest = text.partition("@")
    gpu, *more = rest.split(":") if rest else [""]
    cards = more[0] if more else ""
    if cards and not cards.isdigit():
        raise BadInput(f"{cards!r} is no number of cards", "write MODEL@GPU:CARDS:PRECISION", field="why")
    return Inquiry(
        resolve_model(model, snapshot),
        accelerator_named(gpu, snapshot, "why").gpu_type if gpu else None,
        int(cards) if cards else None,
        more[1] if len(more) > 1 and more[1] else None,
    )


def inquire(
    intent: Intent,
    text: str,
    snapshot: Snapshot,
    market: Market | None = None,
    experience: Experience = NO_EXPERIENCE,
    *,
    classes: Sequence[RequestClass] = (),
) -> Finding:
    """Follow one candidate through every rule."""
    asked = read_inquiry(text, snapshot)
    case = Case(intent, profile(intent, snapshot, classes=classes), snapshot, market or Market.bundled(snapshot))
    shortlist(intent, case.traffic, snapshot, case.ledger)
    broken = next((miss for miss in case.ledger.misses if miss.model_id == asked.model_id), None)
    narrowed = edit(intent, {path: value for path, value in asked.changes.items() if value is not None})
    return Finding(asked, plan(narrowed, snapshot, market, experience=experience, classes=classes), broken)
