"""The picks of a plan with engine settings on that it does not count on: options of their own where they help."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from templates.numbers import dollars
from tools.memory import memory_budget
from tools.performance.arrivals import batch_at
from tools.performance.configuration import Configuration
from tools.performance.screening import corrected, screen
from tools.planner.capacity import batch_limit, capacity
from tools.planner.case import Case
from tools.planner.drawing import rental_bill, risks, verdict
from tools.planner.engine_settings import EngineSettings, possible, screened_with
from tools.planner.explanation import why_hosted
from tools.planner.field import Field
from tools.planner.grid import Floats, Grid, Integers
from tools.planner.hosted import Hosted, own_bill
from tools.planner.latency import Latency, latency, spread
from tools.planner.network import served
from tools.planner.offers import Offer
from tools.planner.option import Option, Predicted, Tuned, option_id
from tools.planner.predictions import Placed, predictions
from tools.planner.replicas import needed, sizing, with_spares

LEAST_SAVING = 0.005
"""Share of the bill that settings must save to be offered for it."""
FASTER = 0.9
"""Share of the TTFT or E2E that is left when settings are offered for speed alone."""
SLOWER = 1.02
"""How much longer the whole answer may then take."""


@dataclass(frozen=True)
class Base:
    """A self-hosted pick and where it stands: its block, the entry in it, and its row of the field."""

    option: Option
    block: Hosted
    entry: int
    offer: Offer | None

    @property
    def supply(self) -> str:
        """The kind of supply, as availability is stated for it."""
        return self.block.shelf.supply if self.block.shelf else "owned"

    @property
    def machine_cards(self) -> int:
        """Cards of the rented machine; of own cards, those of one replica."""
        each = self.option.configuration
        return self.offer.cards if self.offer else each.gpu_count if each else 1


def tuned(bases: Sequence[Base], found: Field, case: Case) -> list[Option]:
    """The picks with the settings that help each most, in the order of the picks."""
    ways = {base.option.network_ms for base in bases}
    if len(ways) > 1:  # what the network leaves of the targets differs: each distance on its own
        parts = [tuned([base for base in bases if base.option.network_ms == way], found, case) for way in sorted(ways)]
        order = [base.option.id for base in bases]
        each = [option for part in parts for option in part]
        return sorted(each, key=lambda option: order.index(option.tuned.instead_of) if option.tuned else 0)
    tried = [
        (base, settings)
        for base in bases
        if base.option.configuration is not None
        for settings in possible(base.option.configuration, case.traffic)
    ]
    if not tried:
        return []
    left = served(case.traffic.targets, bases[0].option.network_ms)
    trial = _Trial.of(tried, found, replace(case, traffic=replace(case.traffic, targets=left)), case)
    chosen = [(base, at) for base in bases for at in trial.helpful(base)]
    predicted = trial.predicted([at for _, at in chosen])
    return [trial.option(base, at, found) for (base, at), found in zip(chosen, predicted, strict=True)]


@dataclass(frozen=True)
class _Trial:
    """Every pick with every combination of settings, screened together; entry i belongs to `tried[i]`.

    `needed` and `replicas` are counts, `share` the part of the pick's machines that is left, `times` the latency at
    the targets' percentile.
    """

    tried: Sequence[tuple[Base, EngineSettings]]
    field: Field
    case: Case  # its targets are what the network leaves
    asked: Case  # as it was asked
    needed: Integers
    replicas: Integers
    share: Floats
    times: Latency

    @classmethod
    def of(cls, tried: Sequence[tuple[Base, EngineSettings]], found: Field, case: Case, asked: Case) -> "_Trial":
        """Screen every entry and count its replicas and machines."""
        field, traffic = _screened(tried, found, case), case.traffic
        count = needed(traffic.peak_qps, field.capacity.max_rps)
        replicas = np.array([
            int(with_spares(count[at : at + 1], traffic.targets.reliability_percent, base.supply)[0])
            for at, (base, _) in enumerate(tried)
        ])  # fmt: skip
        rate = traffic.peak_qps / np.maximum(replicas, 1)
        batch = batch_at(field.screen.cost, field.screen.osl, rate, batch_limit(field.grid, field.screen, traffic))
        times = latency(field.screen.cost, field.screen.osl, batch, field.wide, traffic.targets.e2e_basis)
        cards = field.grid.cards.tolist()
        share = np.array([
            _machines(number, each, base.machine_cards) / (base.option.instance_count or base.option.replicas or 1)
            for (base, _), number, each in zip(tried, replicas.tolist(), cards, strict=True)
        ])  # fmt: skip
        return cls(tried, field, case, asked, count, replicas, share, times)

    def helpful(self, base: Base) -> Iterator[int]:
        """Entries: the best that leaves the answers alone, and the best of all where it saves more still."""
        plain = base.option.predicted
        if plain is None:
            return
        end = plain.perceived_ms if plain.e2e_basis == "perceived" else plain.e2e_ms
        best: int | None = None
        left, first, whole = 1.0, plain.ttft_ms.at_target, end.at_target
        for same_answers in (True, False):
            before = best
            for at, (owner, settings) in enumerate(self.tried):
                if owner is not base or settings.same_answers < same_answers or not self.field.capacity.feasible[at]:
                    continue
                ttft, e2e, share = self.times.ttft_ms[at], self.times.e2e_ms[at], self.share[at]
                sooner = min(ttft / first, e2e / whole) <= FASTER and e2e <= whole * SLOWER
                if share < left * (1 - LEAST_SAVING) or (same_answers and share <= left and sooner):
                    best, left, first, whole = at, share, ttft, e2e
            if best is not None and best != before:
                yield best

    def predicted(self, entries: Sequence[int]) -> list[Predicted]:
        """What the replicas of some entries will do at the planned peak."""
        rows = np.array(entries, dtype=np.intp)
        some, rate = self.field.take(rows), self.case.traffic.peak_qps / self.replicas[rows]
        most = batch_limit(some.grid, some.screen, self.case.traffic)
        batch = batch_at(some.screen.cost, some.screen.osl, rate, most)
        return predictions(some, Placed(np.arange(len(rows)), batch, rate, some.capacity.max_rps), self.case)

    def option(self, base: Base, at: int, found: Predicted) -> Option:
        """The pick as an entry has it, with its prediction."""
        plain, traffic, settings = base.option, self.case.traffic, self.tried[at][1]
        each, replicas = self.field.grid.configuration(at), int(self.replicas[at])
        max_rps = self.field.capacity.max_rps[at : at + 1]
        predicted = _modelled(found, plain, settings)
        machines = _machines(replicas, each.gpu_count, base.machine_cards)
        gpus = machines * (base.offer.cards if base.offer else each.gpu_count)
        if base.offer is None:
            cost = own_bill(each.accelerator, gpus, base.block.kind, self.case)
        else:
            cost = rental_bill(base.offer, machines, self.case)
        before, after = plain.cost.monthly_usd, cost.monthly_usd
        saving = None if before is None or after is None else round(before - after, 2)
        where = f"{gpus} × {plain.gpu_type}" + (f" at {base.offer.cloud}" if base.offer else "")
        why = why_hosted(
            plain.kind,
            cost,
            predicted,
            plain.quality,
            self.asked,
            machines=f"{where} with {settings.words}",
            network_ms=plain.network_ms,
        )
        return replace(
            plain,
            id=option_id(plain.id, settings.words, replicas),
            replicas=replicas,
            spare_replicas=replicas - int(self.needed[at]),
            gpu_count=gpus,
            instance_count=machines if base.offer else None,
            predicted=predicted,
            cost=cost,
            sizing=sizing(traffic.qps, traffic.peak_qps, float(max_rps[0]), replicas, base.supply),
            risk=risks(plain.risk, traffic, max_rps, replicas, predicted),
            slo_met=verdict(predicted, traffic.targets, replicas),
            why=why,
            configuration=_configured(each, settings),
            tuned=Tuned(settings, plain.id, saving, _effect(plain, predicted, replicas, saving, settings)),
        )


def _configured(plain: Configuration, settings: EngineSettings) -> Configuration:
    return replace(plain, kv_dtype="fp8") if settings.fp8_cache else plain


def _screened(tried: Sequence[tuple[Base, EngineSettings]], found: Field, case: Case) -> Field:
    """The field of all entries: costs, cache and capacity with their settings."""
    traffic = case.traffic
    rows = np.array([base.block.rows[base.entry] for base, _ in tried], dtype=np.intp)
    plain = found.grid.take(rows).configurations()
    each = [_configured(one, settings) for one, (_, settings) in zip(plain, tried, strict=True)]
    alone = screen(each, isl=traffic.isl.mean, osl=traffic.osl.mean, residual=case.experience.residual)
    screened = screened_with(corrected(alone, each, case.experience), [settings for _, settings in tried])
    grid = _kept(found.grid.take(rows), each, tried, traffic.context_tokens)
    wide = spread(screened, traffic, traffic.targets.percentile)
    return Field(grid, screened, capacity(grid, screened, traffic, wide), wide, len(each))


def _kept(
    grid: Grid, configurations: Sequence[Configuration], tried: Sequence[tuple[Base, EngineSettings]], tokens: int
) -> Grid:
    """The grid with the cache of each configuration, less the draft layers that stand beside it."""
    budgets = [memory_budget(each, max_model_len=tokens) for each in configurations]
    drafting = np.array([
        budget.weight_bytes * each.model.mtp_layers / each.model.layers
        if settings.speculation and settings.speculation.method == "mtp"
        else 0.0
        for budget, each, (_, settings) in zip(budgets, configurations, tried, strict=True)
    ])  # fmt: skip
    return replace(
        grid,
        room_bytes=np.maximum(grid.room_bytes - drafting, 1.0),
        growing_bytes=np.array([each.cache.growing_bytes_per_token for each in budgets]),
        window_bytes=np.array([each.cache.window_bytes_per_token for each in budgets]),
        state_bytes=np.array([each.cache.state_bytes for each in budgets]),
    )


def _machines(replicas: int, cards: int, size: int) -> int:
    return ceil(replicas / (size // cards)) if size >= cards else replicas * (cards // size)


def _modelled(found: Predicted, plain: Option, settings: EngineSettings) -> Predicted:
    """The prediction as what it is: modelled on assumptions, with intervals that reach to no effect at all."""
    before = plain.predicted
    if before is None:
        return found
    ends = {
        name: (min(low, before.interval_80[name][0]), max(high, before.interval_80[name][1]))
        for name, (low, high) in found.interval_80.items()
    }
    evidence = {
        **found.evidence,
        "kind": "modelled",
        "without_settings": found.evidence["kind"],
        "assumptions": list(settings.assumptions),
    }
    return replace(found, interval_80=ends, evidence=evidence)


def _effect(plain: Option, after: Predicted, replicas: int, saving: float | None, settings: EngineSettings) -> str:
    """What the settings change, against the option without them."""
    before = plain.predicted
    if before is None or plain.replicas is None:
        return settings.words
    gain = after.max_rps_per_replica / before.max_rps_per_replica
    kept = f"{replicas} replicas instead of {plain.replicas}" if replicas != plain.replicas else "as many replicas"
    money = f", {dollars(saving)} a month less" if saving and saving > 0 else ""
    times = [
        f"{name} p90 {new:,.{digits}f} ms instead of {old:,.{digits}f}"
        for name, new, old, digits in (
            ("TTFT", after.ttft_ms.p90, before.ttft_ms.p90, 0),
            ("TPOT", after.tpot_ms.p90, before.tpot_ms.p90, 1),
        )
        if new < old * FASTER
    ]
    faster = "".join(f", {each}" for each in times)
    return f"{settings.words}: {gain:.2f} × the load per replica, {kept}{money}{faster} (modelled, not measured)"
