"""What the web chat draws of answers and of work under way: bounded, with links that lead to pages only."""

from typing import Any

from agent.events import Failed, Progress, Said
from ui.web.deployment import MOST_POINTS, Work, failure_props, remarks, tried_before
from ui.web.facts import drawn

ROW: dict[str, Any] = {
    "provider": "openai", "model_key": "whisper-1", "billing_mode": "per_unit", "direction": "input",
    "gpu_count": None, "region": "global", "unit_price_usd": 0.006, "unit_name": "audio_min", "confidence": "official",
    "source_date": "2026-11-12", "days_old": 9, "marks": [],
}  # fmt: skip
BOUNDS = {"ttft_p90_ms": 300.0}


def load(elapsed_s: float, p90_ms: float | None = 120.0) -> Progress:
    figures: dict[str, Any] = {
        "elapsed_s": elapsed_s, "sent": 10, "completed": 9, "failed": 1, "in_flight": 1, "bounds": BOUNDS,
        "ttft_p50_ms": p90_ms and p90_ms / 2, "ttft_p90_ms": p90_ms, "tpot_p50_ms": None, "tpot_p90_ms": None,
    }  # fmt: skip
    return Progress("load test", 0.5, "9 answered", figures=figures)


def test_words_alone_stay_words() -> None:
    assert drawn(Said("hello"), "t") is None


def test_a_price_names_its_source_and_links_to_pages_only() -> None:
    for url, shown in (("https://openai.com/pricing", "https://openai.com/pricing"), ("javascript:alert(1)", "")):
        name, props = drawn(Said("", "prices", {"asked": "whisper", "rows": [{**ROW, "source_url": url}]}), "t") or (
            "",
            {},
        )
        assert name == "TableCard"
        (row,) = props["rows"]
        assert [cell["text"] for cell in row[:4]] == ["openai", "whisper-1", "per unit, input", "$0.00600"]
        assert row[-1] == {"text": "official, 2026-11-12, 9 days old", "url": shown, "doubt": False}


def test_what_an_amount_comes_to_leads_the_table_of_its_prices() -> None:
    said = Said(
        "", "prices", {"asked": "whisper", "rows": [{**ROW, "source_url": ""}], "sums": ["30,000 × $0.006 = $180"]}
    )
    _, props = drawn(said, "t") or ("", {})
    assert props["lead"] == ["30,000 × $0.006 = $180"]
    assert len(props["notes"]) == 1


def test_an_old_price_is_doubted() -> None:
    row = {**ROW, "source_url": "https://x.example", "days_old": 276}
    _, props = drawn(Said("", "prices", {"asked": "whisper", "rows": [row]}), "t") or ("", {})
    assert props["rows"][0][-1]["doubt"]


def test_a_monitoring_that_does_not_answer_is_said() -> None:
    seen = {"deployment_id": "d-1", "window": "1h", "unavailable": "no Prometheus answers"}
    _, props = drawn(Said("", "status", {"deployments": [], "observed": [seen]}), "t") or ("", {})
    assert props["observed"][0]["unavailable"] == "no Prometheus answers"


def test_work_is_told_stage_by_stage_and_earlier_steps_are_done() -> None:
    work = Work()
    assert work.take(Progress("deploy", 0.1, "pending", "reserved"))
    assert not work.take(Progress("deploy", 0.2, "still pending", "reserved"))
    assert work.take(Progress("deploy", 0.5, "waiting", "waiting"))
    work.take(load(10.0))
    deploy, test = work.shown()["steps"]
    assert [stage["stage"] for stage in deploy["stages"]] == ["reserved", "waiting"]
    assert deploy["stages"][0]["note"] == "still pending"
    assert (deploy["done"], test["done"]) == (True, False)


def test_live_figures_stand_beside_their_targets_and_are_drawn_within_bounds() -> None:
    work = Work()
    work.take(load(1.0, None))
    assert work.live is not None
    assert work.live["plots"] == []
    for second in range(2, 3 * MOST_POINTS):
        work.take(load(float(second), 400.0))
    tiles = {tile["name"]: tile for tile in work.live["tiles"]}
    assert tiles["TTFT p90"] == {"name": "TTFT p90", "text": "400 ms", "beside": "target 300 ms", "good": False}
    assert tiles["TPOT p90"]["text"] == "–"
    assert tiles["failed"]["good"] is False
    (plot,) = work.live["plots"]
    assert "d-bound" in plot
    assert len(work.points["ttft"]) <= MOST_POINTS


def test_a_tried_prompt_stays_with_what_it_was_tried_on() -> None:
    before = {"running": {"id": "d-1"}, "tried": {"text": "It depends"}}
    assert tried_before(before, {"running": {"id": "d-1"}}) == {"tried": {"text": "It depends"}}
    assert tried_before(before, {"running": {"id": "d-2"}}) == {}
    assert tried_before(before, {"running": None}) == {}


def test_a_failure_calls_objectives_as_people_do() -> None:
    assert failure_props(Failed("ttft_p90_ms is above", "plan again")) == {
        "text": "TTFT p90 (ms) is above",
        "cure": "plan again",
    }


def test_beside_a_deployment_only_what_its_card_does_not_show_is_said() -> None:
    assert remarks({"replicas": 2, "running": 2, "before": []}) == []
    fewer, before = remarks({"replicas": 5, "running": 2, "before": ["d-old"]})
    assert fewer.startswith("2 of 5 replicas")
    assert "d-old" in before
