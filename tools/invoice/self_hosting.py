"""What the planner says the same tokens cost on rented machines of one's own."""

from decimal import Decimal

from knowledge.errors import BadInput
from knowledge.snapshot import Snapshot
from tools.intent import Intent, TaskType
from tools.invoice.savings import SelfHost, SelfHostOffer, SelfHostQuery
from tools.market import Market
from tools.planner.planning import plan

SECONDS_PER_MONTH = 30.42 * 86_400
# A bill does not say how long a request is; shares of input and output are kept, the prompt is taken as this long.
PROMPT_TOKENS = 1_000
LEAST_REQUESTS_PER_SECOND = 0.001


def planned_self_host(snapshot: Snapshot, market: Market, task: TaskType) -> SelfHost:
    """Ask the planner for the cheapest rented deployment that serves a month's tokens of one open model."""

    def offer(query: SelfHostQuery) -> SelfHostOffer | None:
        if query.input_tokens_per_month <= 0:
            return None
        requests = query.input_tokens_per_month / PROMPT_TOKENS
        answer = max(1, round(query.output_tokens_per_month / requests))
        intent = Intent(
            workload_type="llm",
            task_type=task,
            preferred_models=(query.model_id,),
            expected_qps=max(LEAST_REQUESTS_PER_SECOND, requests / SECONDS_PER_MONTH),
            prompt_length_avg=PROMPT_TOKENS,
            generation_length_avg=answer,
            deployment_model="cloud_rental",
        )
        try:
            best = plan(intent, snapshot, market, limit=1).best("lowest_cost")
        except BadInput:
            return None  # a model or a length that cannot be planned has no offer
        if best is None:
            return None
        return SelfHostOffer(
            monthly_usd=Decimal(repr(best.cost.monthly_usd)),
            title=f"{best.gpu_count} x {best.gpu_type} at {best.provider}",
            how=f"prompts of {PROMPT_TOKENS} and answers of {answer} tokens assumed; check with sextant plan",
        )

    return offer
