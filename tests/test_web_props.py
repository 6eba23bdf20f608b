"""What the cards of the web chat are given: every figure formatted on the server, nothing left out."""

import json
from typing import Any

import pytest

from agent.events import Card, Comparison, Options
from agent.sessions import Sessions
from knowledge.errors import BadInput
from tools.editing import FIELDS
from ui.web.props import card_props, comparison_props, options_props, written
from ui.web.wording import refusal, worded

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs, 2 H100s at most"


async def shown(sessions: Sessions, words: str) -> tuple[Card, Options]:
    events = [event async for event in sessions.say("t", "ann", words)]
    (card,) = (event for event in events if isinstance(event, Card))
    (options,) = (event for event in events if isinstance(event, Options))
    return card, options


async def test_the_card_has_every_field_once_either_shown_or_to_be_added(sessions: Sessions) -> None:
    card, _ = await shown(sessions, WORDS)
    values = card_props(card)
    there = [field["key"] for group in values["groups"] for field in group["fields"]]
    absent = [field["key"] for group in values["absent"] for field in group["fields"]]
    assert len(set(there + absent)) == len(there + absent)
    assert set(there + absent) <= set(FIELDS)
    said = {field["key"]: field for group in values["groups"] for field in group["fields"]}
    assert said["total_users"]["text"] == "1000"
    assert said["total_users"]["source"] == "said"
    assert "latency" in said["priority"]["choices"]
    assert json.loads(json.dumps(values, allow_nan=False)) == values


async def test_every_option_of_a_list_can_be_shown_and_chosen(sessions: Sessions) -> None:
    card, options = await shown(sessions, WORDS)
    values = options_props(options, card.revision, ["said"])
    names = [entry["name"] for entry in values["lists"]]
    assert names[:4] == ["balanced", "lowest_cost", "lowest_latency", "best_quality"]
    assert names[4:] in ([], ["tuned"])
    for entry in values["lists"]:
        assert entry["ids"]
        assert set(entry["ids"]) <= set(values["options"])
    assert [option["id"] for option in values["options"].values() if option["chosen"]] == [options.chosen]
    best = values["options"][options.chosen]
    assert best["monthly"].startswith("$")
    assert [time["name"] for time in best["times"]] == ["TTFT", "TPOT", "E2E"]
    assert f'data-key="{options.chosen}"' in values["chart"]
    assert 'class="d-front"' in values["chart"]
    assert values["note"] == ["said"]
    json.dumps(values, allow_nan=False)


async def test_a_need_that_nothing_meets_offers_changes_that_are_edits(sessions: Sessions) -> None:
    card, options = await shown(sessions, "chatbot, 500 requests per second, under $20 a month")
    values = options_props(options, card.revision)
    assert values["options"] == {}
    offered = [each["change"] for each in values["rejected"]["relaxations"] + values["rejected"]["rules"]]
    assert any(offered)
    for change in filter(None, offered):
        assert set(change["values"]) <= set(FIELDS)


def test_a_comparison_names_fields_with_their_units() -> None:
    row = {"difference": -1.0, "percent": -50.0}
    rows = [
        {"field": "balanced.cost.monthly_usd", "before": 2000.0, "after": 1000.0, **row},
        {"field": "balanced.predicted.ttft_ms.p90", "before": 200.0, "after": 100.0, **row},
        {"field": "intent.total_users", "before": 1000, "after": 2000, "difference": 1000, "percent": 100.0},
        {"field": "traffic.qps", "before": 1.333, "after": 2.667, "difference": 1.333, "percent": 100.0},
    ]
    values = comparison_props(Comparison(rows, "now and then"))
    assert [(each["field"], each["before"], each["change"]) for each in values["rows"]] == [
        ("Balanced: cost a month", "$2,000", "-50 %"),
        ("Balanced: TTFT p90 (ms)", "200", "-50 %"),
        ("People with access", "1,000", "+100 %"),
        ("Average load (requests/s)", "1.33", "+100 %"),
    ]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("ttft_p90_ms 660.3, above 300", "TTFT p90 660.3 ms, above 300"),
        ("e2e_perceived_p90_ms", "E2E perceived p90 (ms)"),
        ("tpot was predicted as 5 ms", "TPOT was predicted as 5 ms"),
    ],
)
def test_objectives_are_called_as_people_call_them(told: str, shown: str) -> None:
    assert worded(told) == shown


def test_a_refusal_stands_beside_its_field_and_does_not_name_it_again() -> None:
    known = BadInput("total_users: must be above 0", "set total_users to a valid value", field="total_users")
    assert refusal(known) == {"errors": {"total_users": "Must be above 0"}}
    assert refusal(BadInput("no such form", "one of: kserve", field="form")) == {
        "errors": {"form": "no such form one of: kserve"}
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (1000, "1000"),
        (1.3333333, "1.333"),
        (115200.0, "115200"),
        (["aws", "gcp"], "aws, gcp"),
        ([{"gpu_type": "NVIDIA-L4-24GB", "count": 2}], '[{"gpu_type": "NVIDIA-L4-24GB", "count": 2}]'),
        ("chatbot", "chatbot"),
    ],
)
def test_a_value_is_written_as_it_would_be_typed(value: Any, text: str) -> None:
    assert written(value) == text
