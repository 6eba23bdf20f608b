"""What a ranking is asked: the workload, what is used in a month, and what an offer must satisfy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowledge.errors import BadInput
from knowledge.store.offer import GPU
from tools.catalog.billing import STANDARD
from tools.catalog.candidates import MARK_NAMES
from tools.units import Assumption, Quantity, Unit, convertible, parse_unit, reference_unit

# Dimension that offers of a workload are compared in, unless the usage or the caller names another.
DEFAULT_UNIT = {
    "llm": "1m_tokens",
    "embeddings": "1m_tokens",
    "rerank": "1k_searches",
    "speech_to_text": "audio_hour",
    "text_to_speech": "1m_chars",
    "image_generation": "1k_images",
    "vision": "1k_images",
    "video_generation": "video_second",
    "moderation": "1m_tokens",
    GPU: "gpu_hour",
}
WORKLOADS = tuple(DEFAULT_UNIT)
# Aliases that people and price lists use.
WORKLOAD_ALIASES = {
    "embedding": "embeddings",
    "reranking": "rerank",
    "stt": "speech_to_text",
    "transcription": "speech_to_text",
    "asr": "speech_to_text",
    "tts": "text_to_speech",
    "image": "image_generation",
    "image_gen": "image_generation",
    "video": "video_generation",
    "gpus": GPU,
    "rental": GPU,
}
DEFAULT_SCHEDULE = {GPU: "on_demand"}
# Shares of input and output in the price of a language model when no usage is stated: 3 to 1, as Artificial Analysis
# blends them. A stated usage replaces it.
BLEND = {"input": 0.75, "output": 0.25}
# A picture that is sent in is not a picture that is made.
MADE = {"image_generation", "video_generation"}
# Cost of not knowing better: how much a price counts for more when it is less sure.
PENALTY = {"official": 1.0, "aggregated": 1.05, "estimated": 1.15}


@dataclass(frozen=True, slots=True)
class Query:
    """A ranking. `usage` maps a component (`input`, `output`, `cache_read`; `na` where there is but one) to a monthly
    quantity. `include` admits marked offers (`free`, `reseller`, `deprecated`, `retired`, `add-on`, `outlier`).

    `needed_per_s` with `throughput_per_s` (by accelerator, per card, or as the seller reports it) gives how many
    machines or streams are needed; rented hours are then multiplied, prices per use never.
    """

    workload_type: str = "llm"
    usage: Mapping[str, Quantity] = field(default_factory=dict)
    unit: Unit | None = None
    schedule: str | None = None
    model: str = ""
    providers: frozenset[str] = frozenset()
    excluded_providers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    prompt_tokens: float | None = None
    min_context_tokens: int | None = None
    max_monthly_usd: float | None = None
    max_unit_usd: float | None = None
    needed_per_s: float | None = None
    throughput_per_s: Mapping[str, float] = field(default_factory=dict)
    confidence_weighted: bool = True
    raw: bool = False
    assumptions: tuple[Assumption, ...] = ()
    limit: int = 20

    def __post_init__(self) -> None:
        if self.workload_type not in DEFAULT_UNIT:
            raise BadInput(f"unknown workload: {self.workload_type[:40]!r}", f"one of {', '.join(WORKLOADS)}")
        if unknown := self.include - MARK_NAMES:
            raise BadInput(f"unknown mark: {min(unknown)[:40]!r}", f"one of {', '.join(sorted(MARK_NAMES))}")
        if self.max_monthly_usd is not None and not self.usage:
            raise BadInput(
                "a monthly budget needs a monthly usage to compare with", 'add one, as in --usage "input=300M tokens"'
            )
        if any(quantity.amount <= 0 for quantity in self.usage.values()):
            raise BadInput("a usage must be above zero")

    @property
    def reference(self) -> Unit:
        """Unit that everything is compared in: stated, else that of the usage, else the usual one."""
        if self.unit:
            return parse_unit("gpu_hour") if self.workload_type == GPU else reference_unit(self.unit)
        for quantity in self.usage.values():
            default = parse_unit(DEFAULT_UNIT[self.workload_type])
            if not convertible(quantity.unit, default, self.assumptions):
                return reference_unit(quantity.unit)
        return parse_unit(DEFAULT_UNIT[self.workload_type])

    @property
    def wanted_schedule(self) -> str:
        return self.schedule or DEFAULT_SCHEDULE.get(self.workload_type, STANDARD)


def canonical_workload(name: str) -> str:
    """Return the workload's own name for any of its spellings; unknown ones pass through to be refused."""
    folded = name.strip().lower().replace("-", "_").replace(" ", "_")
    return WORKLOAD_ALIASES.get(folded, folded)
