"""The picks of a plan, simulated at the planned peak: what batching, bursts and varied lengths make of the screening.

Screening solves for averages and adds percentiles by formula; here every request of a few thousand is followed through
the scheduler (`tools.simulation`), with the step times of the same predictions. Both are shown side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from tools.memory import memory_budget
from tools.memory.cache import BLOCK_TOKENS
from tools.performance import StepCost, screen, step_cost
from tools.performance.configuration import Configuration
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.engine_settings import EngineSettings
from tools.planner.network import served
from tools.planner.option import Option
from tools.planner.planning import Plan
from tools.planner.replicas import MOST
from tools.planner.traffic import Targets, TrafficProfile
from tools.scheduler import Limits
from tools.simulation import Arrivals, Part, Percentiles, SimulationResult, Slo, Traffic, simulate
from tools.simulation.result import Floats, percentiles
from tools.speculation import speculated_steps

PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")
REQUESTS = 3000
"""Requests that are counted, after those that fill the replicas: 30 beyond the 99th percentile."""
LARGEST_FLEET = 12
"""Replicas simulated together; of a larger fleet a slice with its share of the traffic is simulated."""
SEED = 0

_FILLING = 3.0  # answers' durations until a replica is as full as it will be
_MOST_REQUESTS = 12_000
_FACTOR = 8  # times the planned replicas beyond which no number is looked for
_ALONE = 1e-3  # of the peak: a replica that all but idles


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class of the mix: its requests, its times in ms, and the share of them that is as fast as was asked.

    A streamed answer meets the targets of all. One that is not streamed is on time when the whole of it comes within
    the TTFT target and its tokens times the TPOT target, or within the E2E target where that counts whole answers.
    """

    name: str
    requests: int
    streaming: bool
    ttft_ms: Percentiles
    tpot_ms: Percentiles
    e2e_ms: Percentiles
    goodput_share: float


@dataclass(frozen=True, slots=True)
class Refined:
    """One option under the simulated peak. Times are ms; `perceived_ms` counts TTFT and the first 20 tokens.

    `held` says per target whether its percentile holds; `replicas_that_hold` is the fewest that keep all of them: the
    planned number when they hold, None when no number up to eight times as many does. `replica_slice` replicas were
    simulated with their share of the traffic.
    """

    option_id: str
    replicas: int
    replica_slice: int
    ttft_ms: Percentiles
    tpot_ms: Percentiles
    e2e_ms: Percentiles
    perceived_ms: Percentiles
    goodput_share: float
    held: dict[str, bool]
    replicas_that_hold: int | None
    utilization: float
    running_mean: float
    kv_usage_peak: float
    preemptions: int
    requests: int
    interarrival_cv: float
    classes: tuple[ClassFigures, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every target holds."""
        return all(self.held.values())

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        share = f"{self.goodput_share:.1%} of the requests meet every target"
        if self.holds:
            return f"simulated: the targets hold, {share}"
        names = [name.upper() for name, kept in self.held.items() if not kept]
        missed = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missed at the peak"
        cure = (
            f"{self.replicas_that_hold} replicas instead of {self.replicas} hold"
            if self.replicas_that_hold is not None
            else f"even {_FACTOR} times the replicas do not hold: relax the target or take another option"
        )
        return f"simulated: {missed}, {share}; {cure}"

    def to_json(self) -> dict[str, Any]:
        """`refined` of an option."""
        shown = asdict(self) | {"slo_met": self.held, "holds": self.holds, "seed": SEED, "text": self.text}
        del shown["option_id"], shown["held"]
        for each in (shown, *shown["classes"]):
            for name in ("ttft_ms", "tpot_ms", "e2e_ms", "perceived_ms"):
                if name in each:
                    each[name] = {key: round(value, 2) for key, value in each[name].items()}
            each["goodput_share"] = round(each["goodput_share"], 4)
        if not self.classes:
            del shown["classes"]
        for name in ("utilization", "running_mean", "kv_usage_peak", "interarrival_cv"):
            shown[name] = round(shown[name], 4)
        return shown


def finalists(plan: Plan) -> tuple[Option, ...]:
    """The first self-hosted option of each list, each once; last the one that engine settings help most."""
    found: dict[str, Option] = {}
    for options in (*((plan.option(each) for each in plan.lists.get(name, ())) for name in PICKS), plan.tuned):
        first = next((each for each in options if each is not None and each.configuration is not None), None)
        if first is not None:
            found[first.id] = first
    return tuple(found.values())


def refine(
    plan: Plan, options: Sequence[Option] | None = None, *, seen: Callable[[Option], None] = lambda _: None
) -> dict[str, Refined]:
    """Simulated figures of `options` (default: the finalists) by id, the same every time; `seen` after each."""
    refined = {}
    for option in finalists(plan) if options is None else options:
        each = refine_option(option, plan.traffic, plan.experience)
        if each is not None:
            refined[option.id] = each
        seen(option)
    return refined


def refine_option(option: Option, traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE) -> Refined | None:
    """An option at the planned peak with its replicas as planned; None for APIs."""
    trial = trial_of(option, traffic, experience)
    return None if trial is None or not option.replicas else _refined(option.id, option.replicas, trial)


def trial_of(
    option: Option, traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE, *, seed: int = SEED
) -> "Trial | None":
    """What is simulated of an option; None for APIs."""
    configuration, predicted = option.configuration, option.predicted
    if configuration is None or predicted is None or not option.replicas:
        return None
    settings = option.tuned.settings if option.tuned else EngineSettings()
    traffic = replace(traffic, targets=served(traffic.targets, option.network_ms))
    return Trial(
        cost=drafting(corrected_cost(configuration, traffic, experience), configuration, traffic, settings),
        limits=limits_of(configuration, traffic),
        traffic=traffic,
        answer_s=max(predicted.e2e_ms.mean, 1.0) / 1000,
        seed=seed,
        reuses_prefixes=settings.prefix_reuse > 0,
    )


def _refined(option_id: str, replicas: int, trial: "Trial") -> Refined:
    slo = slo_of(trial.traffic)
    found = trial.run(replicas)
    enough = replicas if found.meets(slo) else fewest(trial, slo, replicas)
    return Refined(
        option_id=option_id,
        replicas=replicas,
        replica_slice=min(replicas, LARGEST_FLEET),
        ttft_ms=found.ttft_ms,
        tpot_ms=found.tpot_ms,
        e2e_ms=found.e2e_ms,
        perceived_ms=percentiles(found.samples["perceived_ms"]),
        goodput_share=found.attainment(slo),
        held={
            "ttft": found.meets(replace(slo, tpot_ms=None, e2e_ms=None)),
            "tpot": found.meets(replace(slo, ttft_ms=None, e2e_ms=None)),
            "e2e": found.meets(replace(slo, ttft_ms=None, tpot_ms=None)),
        },
        replicas_that_hold=enough,
        utilization=found.utilization,
        running_mean=found.running_mean,
        kv_usage_peak=found.kv_usage_peak,
        preemptions=found.preemptions,
        requests=found.requests,
        interarrival_cv=peak_cv(trial.traffic),
        classes=_by_class(found, trial.traffic, slo),
    )


def _by_class(found: SimulationResult, traffic: TrafficProfile, slo: Slo) -> tuple[ClassFigures, ...]:
    times = {name: found.samples[name] for name in ("ttft_ms", "tpot_ms", "e2e_ms", "perceived_ms", "output_tokens")}
    figures = []
    for number, each in enumerate(traffic.classes):
        mine = found.samples["part"] == number
        own = {name: values[mine] for name, values in times.items()}
        figures.append(
            ClassFigures(
                name=each.name,
                requests=int(mine.sum()),
                streaming=each.streaming,
                ttft_ms=percentiles(own["ttft_ms"]),
                tpot_ms=percentiles(own["tpot_ms"]),
                e2e_ms=percentiles(own["e2e_ms"]),
                goodput_share=_on_time(own, traffic.targets, slo, streaming=each.streaming),
            )
        )
    return tuple(figures)


def _on_time(times: Mapping[str, Floats], targets: Targets, slo: Slo, *, streaming: bool) -> float:
    if not len(times["e2e_ms"]):
        return 0.0
    allowed = targets.ttft_ms + targets.tpot_ms * times["output_tokens"]
    if slo.e2e_basis == "full":
        allowed = np.full_like(allowed, targets.e2e_ms)
    met = times["e2e_ms"] <= allowed
    if streaming:
        whole = times["perceived_ms" if slo.e2e_basis == "perceived" else "e2e_ms"]
        met = (times["ttft_ms"] <= targets.ttft_ms) & (times["tpot_ms"] <= targets.tpot_ms) & (whole <= targets.e2e_ms)
    return float(met.mean())


@dataclass(frozen=True, slots=True)
class Trial:
    """What stays the same while the number of replicas is varied. `answer_s`: how long a request is in a replica."""

    cost: StepCost
    limits: Limits
    traffic: TrafficProfile
    answer_s: float
    seed: int
    reuses_prefixes: bool = False

    def run(self, replicas: int, share: float = 1.0) -> SimulationResult:
        """`share` of the peak on `replicas` replicas (a slice of them when there are many)."""
        fleet = min(replicas, LARGEST_FLEET)
        rate = self.traffic.peak_qps * share * fleet / replicas
        filling = ceil(rate * self.answer_s * _FILLING)
        requests = min(REQUESTS + filling, _MOST_REQUESTS)
        return simulate(
            self.cost,
            self.limits,
            arriving(self.traffic, rate, reuses_prefixes=self.reuses_prefixes),
            fleet,
            self.seed,
            requests=requests,
            warmup_share=min(filling / requests, 0.5),
        )


def fewest(trial: Trial, slo: Slo, planned: int) -> int | None:
    """Fewest replicas beyond `planned` that keep every target, by bisection; None when eight times are too few."""
    most = min(planned * _FACTOR, MOST)
    if not trial.run(1, _ALONE).meets(slo) or not trial.run(most).meets(slo):
        return None
    low, high = planned, most
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        if trial.run(middle).meets(slo):
            high = middle
        else:
            low = middle
    return high


def arriving(traffic: TrafficProfile, rate_rps: float, *, reuses_prefixes: bool = False) -> Traffic:
    """The profile's traffic at a rate: a batch evenly, else at gamma-distributed intervals.

    With `reuses_prefixes` the shared part of each prompt (of its class in a mix) is found in the cache.
    """
    arrivals: Arrivals = "steady" if traffic.burstiness == "batch" else "bursty"
    parts = tuple(
        Part(each.share, each.isl, each.osl, each.prefix_reuse_share if reuses_prefixes else 0.0)
        for each in traffic.classes
    )
    shared = traffic.prefix_reuse_share if reuses_prefixes else 0.0
    return Traffic(rate_rps, traffic.isl, traffic.osl, arrivals, cv=peak_cv(traffic), mix=parts, reused_share=shared)


def peak_cv(traffic: TrafficProfile) -> float:
    """Variation of the intervals within the peak: that of the whole trace over the peak's height, at least Poisson's 1.

    The planned peak already holds the slow part of the variation. Checked on the public trace with the burstiest
    arrivals (code completion, 13.2 in all, minute peak 4.2 times the mean): 3.1 makes its busiest second five times
    its busiest minute's mean; measured were six, and 13.2 would make it twenty.
    """
    return max(1.0, traffic.interarrival_cv / traffic.peak_to_average)


def slo_of(traffic: TrafficProfile) -> Slo:
    """The latency targets as the simulation takes them."""
    targets = traffic.targets
    return Slo(targets.ttft_ms, targets.tpot_ms, targets.e2e_ms, targets.percentile, targets.e2e_basis)


def limits_of(configuration: Configuration, traffic: TrafficProfile) -> Limits:
    """Scheduler limits of one replica: slots and chunk as the engine chooses them, blocks of the memory budget."""
    budget = memory_budget(configuration, max_model_len=traffic.context_tokens)
    slots = budget.limits.max_sequences * configuration.data_parallel
    return Limits(
        max_num_seqs=slots,
        max_num_batched_tokens=max(budget.limits.chunk_tokens * configuration.data_parallel, slots),
        kv_blocks=max(budget.kv_cache_tokens // BLOCK_TOKENS, 1),
        block_tokens=BLOCK_TOKENS,
        max_model_len=configuration.model.context_window_tokens,
    )


def corrected_cost(configuration: Configuration, traffic: TrafficProfile, experience: Experience) -> StepCost:
    """Step times of one replica at the mean lengths, with what own deployments taught: those of screening.

    Steps and prompts take the factor of TPOT. The fixed time of a request takes what is then left to the factor of
    TTFT at light load; a TTFT that was found shorter than its own steps leaves no fixed time and shortens the prompt.
    """
    isl, osl = traffic.isl.mean, traffic.osl.mean
    cost = step_cost(configuration, isl=isl, osl=osl, residual=experience.residual)
    first, step = experience.factors(configuration)
    prompt = cost.prefill_ms_per_token * isl
    wanted = (cost.request_ms + cost.decode_ms(1) + prompt) * first
    left = wanted - (cost.decode_ms(1) + prompt) * step
    shorter = max(prompt * step + min(left, 0.0), 0.0)
    return replace(
        cost,
        decode_ms_at_knots=tuple(each * step for each in cost.decode_ms_at_knots),
        kv_ms_per_token=cost.kv_ms_per_token * step,
        prefill_ms_per_token=shorter / isl,
        request_ms=max(left, 0.0),
    )


def drafting(
    cost: StepCost, configuration: Configuration, traffic: TrafficProfile, settings: EngineSettings
) -> StepCost:
    """The step times with speculative decoding, where the settings have it."""
    if settings.speculation is None:
        return cost
    alone = screen([configuration], isl=traffic.isl.mean, osl=traffic.osl.mean)
    return speculated_steps(cost, alone.cost, settings.speculation)
