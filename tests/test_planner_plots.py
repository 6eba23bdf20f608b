"""What is drawn of a plan: curves that pass through the planned point, bills that add up, shapes that stay in place."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from knowledge.snapshot import Snapshot
from templates.reports import chart
from tools.drawing import Drawing, Scale, from_zero, round_step
from tools.intent import Intent
from tools.market import Market
from tools.planner import Plan, plan
from tools.planner.cost_course import RENTED, cost_course
from tools.planner.day_course import day_course
from tools.planner.load_curve import load_curve
from tools.planner.network import Network
from tools.planner.option import Option
from tools.planner.plots import (
    cost_against_latency,
    cost_by_way,
    day_words,
    latency_by_load,
    replicas_by_hour,
    spot,
    waiting_words,
    waits,
)
from tools.planner.waiting import waiting

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
CHAT = Intent(task_type="chatbot", total_users=20_000, preferred_models=(MODEL,), deployment_model="cloud_rental")


@pytest.fixture(scope="module")
def chat(snapshot: Snapshot, market: Market) -> Plan:
    return plan(CHAT, snapshot, market, limit=5)


@pytest.fixture(scope="module")
def chosen(chat: Plan) -> Option:
    best = chat.best("balanced")
    assert best is not None
    return best


@pytest.fixture(scope="module")
def api(snapshot: Snapshot, market: Market) -> tuple[Plan, Option]:
    made = plan(CHAT.model_copy(update={"deployment_model": "api"}), snapshot, market, limit=2)
    best = made.best("balanced")
    assert best is not None
    return made, best


def test_latency_by_load_passes_through_what_was_predicted_and_rises(chat: Plan) -> None:
    for option in chat.options:
        curve = load_curve(option, chat.traffic)
        assert curve is not None
        assert option.predicted is not None
        place = min(range(len(curve.rate_rps)), key=lambda n: abs(curve.rate_rps[n] - chat.traffic.peak_qps))
        assert curve.ttft_ms[90][place] == pytest.approx(option.predicted.ttft_ms.p90, abs=0.006)
        assert curve.tpot_ms[99][place] == pytest.approx(option.predicted.tpot_ms.p99, abs=0.006)
        assert list(curve.rate_rps) == sorted(set(curve.rate_rps))
        for values in (*curve.ttft_ms.values(), *curve.tpot_ms.values(), *curve.e2e_ms.values()):
            assert list(values) == sorted(values)
        assert all(a <= b for a, b in zip(curve.ttft_ms[50], curve.ttft_ms[99], strict=True))


def test_engine_settings_and_the_way_to_the_user_are_in_the_curve(snapshot: Snapshot, market: Market) -> None:
    far = CHAT.model_copy(update={"priority": "cost"})
    made = plan(far, snapshot, market, limit=2)
    for option in made.tuned:
        curve = load_curve(option, made.traffic)
        assert curve is not None
        assert option.predicted is not None
        place = min(range(len(curve.rate_rps)), key=lambda n: abs(curve.rate_rps[n] - made.traffic.peak_qps))
        assert curve.ttft_ms[90][place] == pytest.approx(option.predicted.ttft_ms.p90, rel=1e-3)
    best = made.best("balanced")
    assert best is not None
    way = Network(100.0, "Paris", "Virginia", "far away")
    away, near = (load_curve(replace(best, network=each), made.traffic) for each in (way, None))
    assert away is not None
    assert near is not None
    assert near.targets.ttft_ms - away.targets.ttft_ms == 100
    assert near.ttft_ms == away.ttft_ms


def test_every_target_holds_up_to_the_largest_load_and_one_breaks_beyond(chat: Plan, chosen: Option) -> None:
    curve, targets = load_curve(chosen, chat.traffic), chat.traffic.targets
    assert curve is not None
    held = [
        curve.ttft_ms[90][n] <= targets.ttft_ms * 1.01
        and curve.tpot_ms[90][n] <= targets.tpot_ms * 1.01
        and curve.e2e_ms[90][n] <= targets.e2e_ms * 1.01
        for n in range(len(curve.rate_rps))
    ]
    inside = [rate <= curve.largest_rps for rate in curve.rate_rps]
    assert all(good for good, within in zip(held, inside, strict=True) if within)
    beyond = [good for good, rate in zip(held, curve.rate_rps, strict=True) if rate > curve.largest_rps * 1.02]
    assert not beyond or not beyond[-1] or curve.full_rps <= curve.largest_rps * 1.4


def test_ways_to_run_a_model_are_billed_as_planned_and_buying_pays_when_the_lines_cross(
    chat: Plan, chosen: Option, snapshot: Snapshot, market: Market
) -> None:
    course = cost_course(chat, chosen, snapshot, market)
    ways = {way.name: way for way in course.ways}
    assert {"API", RENTED, "bought"} <= set(ways)
    assert [way.paid_usd(1) for way in course.ways] == sorted(way.paid_usd(1) for way in course.ways)
    assert ways[RENTED].allowed
    assert not ways["API"].allowed
    cheapest = chat.best("lowest_cost")
    assert cheapest is not None
    assert ways[RENTED].monthly_usd <= (cheapest.cost.monthly_usd or 0) * 1.001
    bought, month = ways["bought"], ways["bought"].break_even_month
    assert bought.upfront_usd > 0
    if month is not None:
        assert bought.paid_usd(month) <= ways[RENTED].paid_usd(month)
        assert bought.paid_usd(month - 1) >= ways[RENTED].paid_usd(month - 1)


def test_a_day_has_the_mean_load_and_replicas_that_follow_it_carry_each_hour(chat: Plan, chosen: Option) -> None:
    course = day_course(chosen, chat.traffic)
    assert course is not None
    assert sum(course.mean_rps) / 24 == pytest.approx(chat.traffic.qps, rel=1e-6)
    assert max(course.peak_rps) == pytest.approx(chat.traffic.peak_qps, rel=1e-6)
    if course.following is not None:
        assert max(course.following) <= course.planned
        assert all(
            count * course.replica_rps >= peak or count == course.planned
            for count, peak in zip(course.following, course.peak_rps, strict=True)
        )
        assert (course.following_monthly_usd or 0) < (course.monthly_usd or 0)


def test_simulated_waits_count_every_request_once_and_the_same_every_time(chat: Plan, chosen: Option) -> None:
    once, again, more = (waiting(chosen, chat.traffic, runs=runs) for runs in (1, 1, 2))
    assert once is not None
    assert more is not None
    assert once == again
    assert sum(once.counts) == once.requests
    assert once.p50_ms <= once.p90_ms <= once.p99_ms
    assert 0 <= once.within_share <= 1
    assert more.requests == pytest.approx(2 * once.requests, rel=0.05)


def test_of_an_api_only_its_cost_is_drawn(api: tuple[Plan, Option], snapshot: Snapshot, market: Market) -> None:
    made, option = api
    assert load_curve(option, made.traffic) is None
    assert day_course(option, made.traffic) is None
    assert waiting(option, made.traffic) is None
    assert cost_by_way(cost_course(made, option, snapshot, market)) is not None


def test_every_plot_is_well_formed_stays_in_its_frame_and_says_what_it_shows(
    chat: Plan, chosen: Option, snapshot: Snapshot, market: Market
) -> None:
    curve, day, found = (
        load_curve(chosen, chat.traffic),
        day_course(chosen, chat.traffic),
        waiting(chosen, chat.traffic),
    )
    assert curve is not None
    assert day is not None
    assert found is not None
    listed = chat.to_json()
    spots = [each for entry in listed["options"] if (each := spot(entry)) is not None]
    scatter = cost_against_latency(spots, listed["lists"]["pareto"], chosen.id)
    cost = cost_by_way(cost_course(chat, chosen, snapshot, market))
    assert scatter is not None
    assert cost is not None
    for drawing in (latency_by_load(curve), cost, replicas_by_hour(day), waits(found), scatter):
        text = chart(drawing)
        ElementTree.fromstring(text)  # noqa: S314 - our own text
        assert drawing.words in text.replace("&amp;", "&")
        _inside(drawing)
    assert {mark.key for mark in scatter.marks} == {each.option_id for each in spots}
    assert [mark.kind for mark in scatter.marks].count("picked") == 1
    assert scatter.marks[-1].kind == "picked"
    assert f"{found.within_share:.1%}" in waiting_words(found)
    assert "follow the day" in day_words(day)


def test_an_option_that_its_load_overwhelms_is_drawn_too(chat: Plan, chosen: Option) -> None:
    heavy = replace(chat.traffic, peak_qps=chat.traffic.peak_qps * 50, qps=chat.traffic.qps * 50)
    curve = load_curve(chosen, heavy)
    assert curve is not None
    _inside(latency_by_load(curve))


def _inside(drawing: Drawing) -> None:
    frame = drawing.frame
    points = [tuple(map(float, pair.split(","))) for line in drawing.lines for pair in line.points.split()]
    points += [(mark.x, mark.y) for mark in drawing.marks] + [(bar.x, bar.y + bar.height) for bar in drawing.bars]
    for x, y in points:
        assert frame.left - 1 <= x <= frame.right + 1
        assert frame.top - 1 <= y <= frame.bottom + 1
    assert len(drawing.y_ticks) >= 2
    assert all(frame.top - 1 <= tick.at <= frame.bottom + 1 for tick in drawing.y_ticks)


def test_scales_put_round_values_where_they_belong() -> None:
    assert round_step(0.3) == pytest.approx(0.5)
    assert round_step(21) == 25
    linear = from_zero([430.0], 200, 0)
    assert linear.round_values()[0] == 0
    assert linear.round_values()[-1] >= 430
    assert linear(0) == 200
    decades = Scale(10.0, 1000.0, 0, 100, logarithmic=True)
    assert decades(100) == 50
    assert {10, 100, 1000} & set(decades.round_values())
    assert from_zero([], 10, 0)(0) == 10
