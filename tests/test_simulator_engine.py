"""The engine on a clock that only moves when nothing is left to do: exact times, and what metrics make of them."""

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.performance.step import StepCost
from tools.scheduler import Limits, Request
from tools.simulator import answers, metrics, schema
from tools.simulator.engine import Engine, Pace, Sequence
from tools.simulator.metrics import Metrics
from tools.simulator.tokens import EstimatedTokenizer, block_hashes

COST = StepCost((1, 64), (10.0, 16.3), 0.0, 0.02, 0.0)


class TimelessLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        class Selector(selectors.SelectSelector):
            def select(inner, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:  # noqa: N805 - outer self is needed
                self.now_s += timeout or 0.0
                return super().select(0)

        self.now_s = 1000.0
        super().__init__(Selector())

    def time(self) -> float:
        return self.now_s


def timeless(scene: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=TimelessLoop) as runner:
        runner.run(scene())  # type: ignore[arg-type]


def rng(seed: int = 0) -> random.Random:
    return random.Random(seed)  # noqa: S311 - simulation, not secrets


class Waiter:
    def __init__(self, sequences: int) -> None:
        self.left = sequences
        self.done = asyncio.Event()
        self.failures: list[str] = []

    def finished(self, sequence: Sequence) -> None:  # noqa: ARG002 - the engine tells which; all are awaited
        self.left -= 1
        if not self.left:
            self.done.set()

    def cut_short(self, sequence: Sequence) -> None:
        self.failures.append(f"cut after {sequence.request.generated_tokens}")
        self.finished(sequence)

    def failed(self, message: str) -> None:
        self.failures.append(message)
        self.done.set()


def engine(pace: Pace, limits: Limits | None = None) -> Engine:
    return Engine(limits or Limits(), pace, Metrics("m", max_model_len=4096), rng())


def sequence(owner: Waiter, prompt: int, output: int, times: list[float] | None = None) -> Sequence:
    loop = asyncio.get_running_loop()
    emit = None if times is None else lambda _: times.append(loop.time())
    return Sequence("s", Request(0, prompt, output, 0.0), owner, "stop", emit)


def test_tokens_come_when_the_step_cost_says_and_lateness_never_adds_up() -> None:
    async def scene() -> None:
        made, owner, times = engine(Pace(COST)), Waiter(1), list[float]()
        made.submit(sequence(owner, 100, 500, times))
        await owner.done.wait()
        planned = made.schedule[0]
        assert planned.ttft_s == pytest.approx(0.012)
        assert planned.tpot_s == pytest.approx(0.010)
        assert times[0] == pytest.approx(1000.012, abs=0.001)
        assert times[-1] == pytest.approx(1000.012 + 499 * 0.010, abs=0.001)

    timeless(scene)


def test_a_time_factor_shortens_everything_alike() -> None:
    async def scene() -> None:
        made, owner = engine(Pace(COST, time_factor=10)), Waiter(1)
        made.submit(sequence(owner, 100, 50))
        await owner.done.wait()
        assert made.schedule[0].ttft_s == pytest.approx(0.0012)
        assert made.schedule[0].tpot_s == pytest.approx(0.0010)

    timeless(scene)


def test_sequences_share_iterations_so_that_load_slows_all() -> None:
    async def scene() -> None:
        made, owner = engine(Pace(COST)), Waiter(64)
        for _ in range(64):
            made.submit(sequence(owner, 10, 100))
        await owner.done.wait()
        assert {round(planned.tpot_s * 1000, 1) for planned in made.schedule} == {16.3}

    timeless(scene)


def test_jitter_is_seeded() -> None:
    planned: list[float] = []

    async def scene() -> None:
        made, owner = engine(Pace(COST, jitter=0.1)), Waiter(1)
        made.submit(sequence(owner, 10, 50))
        await owner.done.wait()
        planned.append(made.schedule[0].e2e_s)

    timeless(scene)
    timeless(scene)
    assert planned[0] == planned[1] != pytest.approx(0.5002)


def test_a_stall_delays_and_a_death_fails_what_is_running() -> None:
    async def scene() -> None:
        made, owner = engine(Pace(COST)), Waiter(1)
        made.stall(2.0)
        made.submit(sequence(owner, 10, 2))
        await owner.done.wait()
        assert made.schedule[0].ttft_s == pytest.approx(2.0102)
        doomed = Waiter(1)
        made.submit(sequence(doomed, 10, 1000))
        await asyncio.sleep(0.1)
        made.die("the engine died")
        assert doomed.failures == ["the engine died"]
        assert made.load == 0
        assert made.scheduler.blocks.used == 0

    timeless(scene)


def test_an_aborted_sequence_frees_its_blocks_and_counts_as_aborted() -> None:
    async def scene() -> None:
        made, owner = engine(Pace(COST)), Waiter(1)
        gone = sequence(Waiter(1), 100, 1000)
        made.submit(gone)
        made.submit(sequence(owner, 10, 20))
        await asyncio.sleep(0.05)
        made.abort(gone)
        await owner.done.wait()
        assert made.scheduler.blocks.used == 0
        assert made.metrics.success["abort"].value == 1
        assert made.metrics.success["stop"].value == 1

    timeless(scene)


def test_every_metric_of_the_engine_is_exported_with_its_buckets() -> None:
    made = Metrics("m", max_model_len=1000)
    made.information("cache_config_info", "Cache.", {"block_size": "16"})
    made.lora_information(1, (), (), 0.0)
    lines = made.text().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    expected = (
        "num_requests_running num_requests_waiting num_requests_waiting_by_reason kv_cache_usage_perc "
        "engine_sleep_state num_requests_kv_fetch_by_stage lora_requests_info cache_config_info "
        "prompt_tokens_total prompt_tokens_by_source_total prompt_tokens_cached_total "
        "prompt_tokens_cached_by_source_total generation_tokens_total request_success_total "
        "admission_rejections_total num_preemptions_total prefix_cache_queries_total prefix_cache_hits_total "
        "external_prefix_cache_queries_total external_prefix_cache_hits_total mm_cache_queries_total "
        "mm_cache_hits_total corrupted_requests_total watermark_requests_total spec_decode_num_drafts_total "
        "spec_decode_num_draft_tokens_total spec_decode_num_accepted_tokens_total "
        "spec_decode_num_accepted_tokens_per_pos_total time_to_first_token_seconds inter_token_latency_seconds "
        "request_time_per_output_token_seconds e2e_request_latency_seconds request_queue_time_seconds "
        "request_inference_time_seconds request_prefill_time_seconds request_decode_time_seconds "
        "request_prompt_tokens request_generation_tokens request_max_num_generation_tokens request_params_n "
        "request_params_max_tokens request_num_preemptions request_prefill_kv_computed_tokens iteration_tokens_total"
    )
    assert names == {f"vllm:{name}" for name in expected.split()}
    bounds = [line.split('le="')[1].split('"')[0] for line in lines if "time_to_first_token_seconds_bucket" in line]
    assert bounds[:3] == ["0.001", "0.005", "0.01"]
    assert bounds[-2:] == ["2560.0", "+Inf"]
    assert metrics.one_two_five(1000) == (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@given(st.text())
def test_tokens_join_to_their_text_and_ids_lead_back(text: str) -> None:
    tokenizer = EstimatedTokenizer()
    assert "".join(tokenizer.pieces(text)) == text
    assert tokenizer.text(tokenizer.ids(text)) == text
    assert all(0 <= token < 1 << 53 for token in tokenizer.ids(text))


@given(st.lists(st.integers(-5, 1 << 60), max_size=5))
def test_ids_that_are_no_tokens_are_refused_and_others_are_text(ids: list[int]) -> None:
    tokenizer = EstimatedTokenizer()
    try:
        text = tokenizer.text(ids)
    except ValueError as error:
        assert "is not a token id" in str(error)  # noqa: PT017 - either outcome is right, and nothing else
    else:
        assert isinstance(text, str)


def test_equal_prefixes_have_equal_block_hashes_and_a_change_alters_all_later_ones() -> None:
    pieces = [f"t{number}" for number in range(64)]
    changed = [*pieces[:20], "other", *pieces[21:]]
    first, second = block_hashes(pieces, 16), block_hashes(changed, 16)
    assert len(first) == 4
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, False, False]


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["code", "chat", "summary", "question", "generic"]))
def test_answers_keep_to_their_limits(at_least: int, at_most: int, kind: answers.Kind) -> None:
    made = answers.answer(kind, EstimatedTokenizer(), rng(1), at_least=min(at_least, at_most), at_most=at_most)
    assert min(at_least, at_most) <= len(made.pieces) <= at_most


def test_a_schema_that_cannot_be_met_is_said_to_be_so() -> None:
    for hopeless in (
        {"type": "string", "pattern": "^a+$"},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"$ref": "#/nowhere"},
        {"type": "wish"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcdefgh"}, "required": list("abcdefgh")},
        {"type": "number", "minimum": float("nan")},
        {"type": "integer", "multipleOf": 0, "minimum": -1e300},
        {"type": "object", "required": [[]]},
        {"properties": None, "required": 3},
        {"required": 3, "allOf": [{"required": ["a"]}]},
        {"properties": 3, "allOf": [{"properties": {}}]},
    ):
        with pytest.raises(schema.UnsupportedSchema):
            schema.instance(hopeless, rng())


def test_a_format_that_is_no_name_is_ignored() -> None:
    assert isinstance(schema.instance({"type": "string", "format": []}, rng()), str)


@given(
    low=st.integers(-1000, 1000), width=st.integers(0, 50), step=st.sampled_from([None, 3, 7]), seed=st.integers(0, 99)
)
def test_numbers_keep_their_bounds(low: int, width: int, step: int | None, seed: int) -> None:
    wanted = {"type": "integer", "minimum": low, "maximum": low + width} | ({"multipleOf": step} if step else {})
    try:
        value = schema.instance(wanted, rng(seed))
    except schema.UnsupportedSchema:
        assert not any(number % (step or 1) == 0 for number in range(low, low + width + 1))
        return
    assert low <= value <= low + width
    assert value % (step or 1) == 0
