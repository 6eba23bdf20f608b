"""What one planning works on: the intent, its traffic, the facts and prices, and the ledger of rejections."""

from dataclasses import dataclass, field

from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.market import Market
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.rejection import Ledger
from tools.planner.traffic import DAYS_PER_MONTH, TrafficProfile


@dataclass(frozen=True)
class Case:
    """Inputs of a plan (`experience`: what own deployments taught), and the ledger that fills while it is made."""

    intent: Intent
    traffic: TrafficProfile
    snapshot: Snapshot
    market: Market
    ledger: Ledger = field(default_factory=Ledger)
    experience: Experience = NO_EXPERIENCE

    @property
    def tokens_per_month(self) -> float:
        """Prompt and answer tokens of a month."""
        return self.traffic.tokens_per_day * DAYS_PER_MONTH
