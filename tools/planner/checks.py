"""Names and values that cannot be planned with, found before planning starts: one clear line each."""

from difflib import get_close_matches

from knowledge.errors import BadInput, NotFound
from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.market import Market
from tools.planner.field import precision_named
from tools.planner.grid import PRECISIONS
from tools.planner.hardware import accelerator_named
from tools.planner.network import user_city
from tools.planner.regions import known_areas
from tools.planner.shortlist import check_names

CLOUD_NAMES = {
    "google": "gcp",
    "google cloud": "gcp",
    "amazon": "aws",
    "amazon web services": "aws",
    "microsoft": "azure",
    "oracle": "oci",
    "lambda labs": "lambda",
}


def check(intent: Intent, snapshot: Snapshot, market: Market) -> None:
    """Raise NotFound or BadInput naming the field of the first value that nothing is known of."""
    check_names(intent, snapshot)
    for name in intent.gpu_types or ():
        accelerator_named(name, snapshot, "gpu_types")
    for entry in intent.available_gpus or ():
        accelerator_named(entry.gpu_type, snapshot, "available_gpus")
    for name in intent.quantization or ():
        if precision_named(name) not in PRECISIONS:
            raise NotFound("precision", name, PRECISIONS, field="quantization")
    for name in intent.residency or ():
        if name.upper() not in known_areas():
            near = tuple(get_close_matches(name.upper(), sorted(known_areas()), n=3, cutoff=0.4))
            raise NotFound("place", name, near, field="residency")
    _check_places(intent, market)
    if intent.user_region is not None:
        user_city(intent.user_region)
    budget = intent.budget
    if budget is not None and budget.currency not in (None, "USD") and budget.max_monthly_cost_usd is None:
        raise BadInput(
            f"budget: prices are in USD, the budget in {budget.currency}",
            "give budget.max_monthly_cost_usd",
            field="budget.currency",
        )


def _check_places(intent: Intent, market: Market) -> None:
    if intent.clouds or intent.regions:
        clouds = {row.cloud for row in market.instances} | {row.provider for row in market.api_prices}
        regions = {row.region for row in market.instances} | {row.region for row in market.api_prices}
        for name in intent.clouds or ():
            if name not in clouds:
                near = get_close_matches(CLOUD_NAMES.get(name.lower(), name.lower()), sorted(clouds), n=3)
                raise NotFound("cloud", name, tuple(near), field="clouds")
        for name in intent.regions or ():
            if name not in regions:
                close = tuple(get_close_matches(name.lower(), sorted(regions), n=3))
                raise NotFound("region", name, close, field="regions")
