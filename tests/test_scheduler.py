"""The continuous-batching scheduler: its order, its limits, and that it loses nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.performance.step import StepCost
from tools.scheduler import Limits, Request, Scheduler

COST = StepCost((1, 64), (10.0, 16.3), 0.0, 0.02, 0.0)


def run(scheduler: Scheduler, *, steps: int = 100_000) -> float:
    """Run until nothing is left; the time of the last iteration's end."""
    now = 0.0
    for _ in range(steps):
        iteration = scheduler.schedule(now)
        if iteration is None:
            return now
        now += iteration.duration_ms(COST)
        scheduler.complete(iteration, now)
    raise AssertionError("the scheduler does not come to an end")


def test_a_lone_request_is_prefilled_once_and_then_decoded_token_by_token() -> None:
    scheduler = Scheduler(Limits())
    request = Request(1, prompt_tokens=100, output_tokens=3, arrival_ms=0.0)
    assert scheduler.submit(request) is None
    run(scheduler)
    assert request.first_token_ms == 10.0 + 100 * 0.02
    assert request.finished_ms == request.first_token_ms + 2 * 10.0
    assert scheduler.blocks.used == 0


def test_a_long_prompt_is_cut_to_the_token_budget_that_decoding_leaves() -> None:
    scheduler = Scheduler(Limits(max_num_seqs=4, max_num_batched_tokens=64))
    scheduler.submit(Request(1, 10, 50, 0.0))
    first = scheduler.schedule(0.0)
    assert first is not None
    scheduler.complete(first, 1.0)
    scheduler.submit(Request(2, 100, 5, 1.0))
    chunks = []
    for now in range(2, 5):
        iteration = scheduler.schedule(now)
        assert iteration is not None
        chunks.append(iteration.prefill_tokens)
        scheduler.complete(iteration, now)
    assert chunks == [63, 37, 0]


def test_no_more_sequences_run_than_there_are_slots_and_the_queue_keeps_its_order() -> None:
    scheduler = Scheduler(Limits(max_num_seqs=2, max_num_batched_tokens=2048))
    requests = [Request(i, 10, 4, 0.0) for i in range(4)]
    for request in requests:
        scheduler.submit(request)
    scheduler.schedule(0.0)
    assert [request.state for request in requests] == ["running", "running", "waiting", "waiting"]
    assert scheduler.waiting[0] is requests[2]


def test_when_blocks_run_out_the_youngest_is_preempted_and_computed_again() -> None:
    scheduler = Scheduler(Limits(kv_blocks=4, block_tokens=16))
    old, young = Request(1, 16, 30, 0.0), Request(2, 16, 30, 0.0)
    scheduler.submit(old)
    scheduler.submit(young)
    run(scheduler)
    assert (old.preemptions, young.preemptions) == (0, 1)
    assert (old.generated_tokens, young.generated_tokens) == (30, 30)
    assert old.finished_ms is not None
    assert young.finished_ms is not None
    assert old.finished_ms < young.finished_ms


def test_limits_refuse_by_name() -> None:
    scheduler = Scheduler(Limits(max_model_len=100, max_num_queued_reqs=1))
    assert scheduler.submit(Request(1, 90, 11, 0.0)) == "too_long"
    assert scheduler.submit(Request(2, 90, 10, 0.0)) is None
    assert scheduler.submit(Request(3, 90, 10, 0.0)) == "max_num_queued_reqs"
    by_tokens = Scheduler(Limits(max_num_queued_tokens=100))
    assert by_tokens.submit(Request(4, 120, 1, 0.0)) is None
    assert by_tokens.submit(Request(5, 1, 1, 0.0)) == "max_num_queued_tokens"


def test_a_cached_prefix_is_not_computed_again_and_its_blocks_are_shared() -> None:
    scheduler = Scheduler(Limits(prefix_caching=True))
    prefix = ("a", "b", "c")
    first, second = Request(1, 50, 2, 0.0, prefix), Request(2, 50, 2, 0.0, prefix)
    scheduler.submit(first)
    iteration = scheduler.schedule(0.0)
    assert iteration is not None
    scheduler.complete(iteration, 1.0)
    scheduler.submit(second)
    iteration = scheduler.schedule(1.0)
    assert iteration is not None
    assert iteration.prefill == ((second, 2),)
    assert scheduler.blocks.used == 5
    assert second.cached_prompt_tokens == 48


def test_cached_blocks_are_given_up_when_room_is_needed() -> None:
    scheduler = Scheduler(Limits(kv_blocks=4, prefix_caching=True))
    scheduler.submit(Request(1, 33, 2, 0.0, ("a", "b")))
    run(scheduler)
    assert scheduler.blocks.free == 4
    scheduler.submit(Request(2, 60, 2, 0.0, ("x", "y", "z")))
    run(scheduler)
    assert scheduler.blocks.reusable(Request(3, 60, 2, 0.0, ("x", "y", "z"))) == ("x", "y", "z")
    assert scheduler.blocks.reusable(Request(4, 33, 2, 0.0, ("a", "b"))) in ((), ("a",))


lengths = st.tuples(st.integers(1, 120), st.integers(1, 40), st.integers(0, 3))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(lengths, min_size=1, max_size=25),
    st.integers(10, 40),
    st.integers(1, 8),
    st.booleans(),
    st.lists(st.integers(0, 24), max_size=4),
)
def test_requests_tokens_and_blocks_are_conserved(
    sizes: list[tuple[int, int, int]], blocks: int, slots: int, caching: bool, aborted: list[int]
) -> None:
    scheduler = Scheduler(
        Limits(max_num_seqs=slots, max_num_batched_tokens=32, kv_blocks=blocks, prefix_caching=caching)
    )
    requests = [
        Request(i, prompt, output, 0.0, tuple((kind, block) for block in range(prompt // 16)))
        for i, (prompt, output, kind) in enumerate(sizes)
    ]
    accepted = [request for request in requests if scheduler.submit(request) is None]
    emitted = dict.fromkeys(accepted, 0)
    now = 0.0
    while (iteration := scheduler.schedule(now)) is not None:
        assert iteration.prefill_tokens + len(iteration.decode) <= 32
        assert len(scheduler.running) <= slots
        if int(now) < len(aborted) and aborted[int(now)] < len(accepted):
            scheduler.abort(accepted[aborted[int(now)]])
        now += 1.0
        for request in scheduler.complete(iteration, now):
            emitted[request] += 1
        held = sum(request.private_blocks for request in scheduler.running)
        shared = {name for request in scheduler.running for name in request.shared_blocks}
        assert scheduler.blocks.used == held + len(shared) <= blocks
    for request in accepted:
        assert request.state in ("finished", "aborted")
        assert emitted[request] == request.generated_tokens
        assert request.generated_tokens == request.output_tokens or request.state == "aborted"
    assert scheduler.blocks.free == blocks


def test_a_prompt_is_let_in_only_when_all_of_it_fits_though_its_first_chunk_would() -> None:
    """vLLM's `scheduler_reserve_full_isl`: else prompts that cannot end evict each other for ever."""
    scheduler = Scheduler(Limits(kv_blocks=10, max_num_seqs=4, max_num_batched_tokens=64))
    first, second = Request(1, 96, 4, 0.0), Request(2, 96, 4, 0.0)
    scheduler.submit(first)
    scheduler.submit(second)
    run(scheduler)
    assert (first.preemptions, second.preemptions) == (0, 0)
    assert second.scheduled_ms == first.finished_ms
