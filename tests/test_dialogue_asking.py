"""Which question is asked: one a turn, the one that moves the plan most, never one that was answered or asked."""

from typing import Any

import pytest

from agent.asking import LEAST_WORTH, Screened, answered, next_question, screened, worth_of
from agent.events import Asked, Event, Failed, Said
from agent.missing import completing, missing, priceable
from agent.planner import Facts
from agent.sessions import Sessions
from agent.topics import Topic, open_topics
from agent.understanding import understand
from knowledge.snapshot import load
from tools.editing import edit
from tools.intent import Budget, Intent, Question, Usage
from tools.market import Market
from tools.planner import Plan, plan

FACTS = Facts(load(), Market.bundled(load()))


def planned(intent: Intent) -> Plan:
    return plan(intent, FACTS.snapshot, FACTS.market, limit=3)


def asked_in_turn(intent: Intent, found: Plan) -> list[Question]:
    questions: list[Question] = []
    while len(questions) < 10:
        question = next_question(intent, found, tuple(each.field for each in questions), (), FACTS)
        if question is None:
            break
        questions.append(question)
    return questions


async def say(sessions: Sessions, *texts: str) -> list[list[Event]]:
    return [[event async for event in sessions.say("t", "ann", text)] for text in texts]


def questions(events: list[Event]) -> list[str]:
    return [event.field for event in events if isinstance(event, Asked)]


def test_the_load_is_asked_first_when_nothing_but_the_task_is_known() -> None:
    intent = Intent(task_type="chatbot")
    question = next_question(intent, planned(intent), (), (), FACTS)
    assert question is not None
    assert question.field == "total_users"
    assert "Until you say" in question.question
    assert question.suggestions


def test_questions_end_and_none_comes_twice() -> None:
    intent = Intent(task_type="chatbot")
    fields = [question.field for question in asked_in_turn(intent, planned(intent))]
    assert 1 <= len(fields) <= 4
    assert len(fields) == len(set(fields))


def test_what_was_said_is_no_topic() -> None:
    intent = understand(
        "chatbot for 500 users, under $3000 a month, rented GPUs, high quality, first token in 200 ms", load()
    ).intent
    assert open_topics(intent, planned(intent), ()) == []
    assert asked_in_turn(intent, planned(intent)) == []


def test_the_question_asked_is_the_one_worth_most() -> None:
    intent = Intent(task_type="chatbot", total_users=1000)
    found = planned(intent)
    question = next_question(intent, found, (), (), FACTS)
    assert question is not None
    narrowed = edit(
        intent,
        {"preferred_models": sorted({found.option(found.lists[name][0]).model_id  # type: ignore[union-attr]
                                     for name in ("balanced", "lowest_cost", "best_quality")})},
    )  # fmt: skip
    now = screened(narrowed, FACTS)
    assert now is not None
    worths = {topic.field: worth_of(topic, now, narrowed, FACTS).gain for topic in open_topics(intent, found, ())}
    assert worths[question.field] == max(worths.values()) >= LEAST_WORTH


def test_an_answer_that_changes_nothing_is_worth_nothing() -> None:
    intent = Intent(task_type="chatbot", total_users=1000, deployment_model="api")
    now = screened(intent, FACTS)
    assert now is not None
    same = Topic("total_users", "?", ({"total_users": 1000},), "as it is", (), doubt=1.0)
    assert worth_of(same, now, intent, FACTS).gain == 0.0


def test_an_answer_that_leaves_no_plan_is_worth_a_question() -> None:
    intent = Intent(task_type="chatbot", total_users=1000)
    topic = Topic("budget", "?", ({"budget.max_monthly_cost_usd": 0.01},), "no limit", (), doubt=1.0)
    assert worth_of(topic, Screened("any", 500.0), intent, FACTS).gain == 1.0


def test_a_bill_of_a_few_dollars_is_not_worth_a_question() -> None:
    intent = understand("summaries through an API, 1000 requests a day", load()).intent
    assert asked_in_turn(intent, planned(intent)) == []


async def test_what_was_unclear_is_asked_first_one_by_one_and_settled_by_short_answers(sessions: Sessions) -> None:
    first, second, third = await say(
        sessions, "chatbot for 500 people, latency under 200 ms, $5000", "first token", "a month"
    )
    assert questions(first) == ["unresolved: 200 ms"]
    assert questions(second) == ["unresolved: $5000"]
    assert all(not field.startswith("unresolved") for field in questions(third))
    intent = (await sessions.view("t", "ann")).intent
    assert intent["target_ttft_p90_ms"] == 200
    assert intent["budget"]["max_monthly_cost_usd"] == 5000
    assert intent["unresolved"] == []


async def test_words_that_change_nothing_get_an_answer_and_no_new_plan(sessions: Sessions) -> None:
    await say(sessions, "chatbot for 500 people")
    before = await sessions.view("t", "ann")
    (events,) = await say(sessions, "thanks")
    assert any(isinstance(event, Said) for event in events)
    assert await sessions.view("t", "ann") == before


async def test_another_currency_plans_without_the_budget_and_asks_for_a_rate(sessions: Sessions) -> None:
    first, second = await say(sessions, "Ein Chatbot für 500 Nutzer, höchstens 2.000 € im Monat", "1 EUR = 1.10 USD")
    assert not any(isinstance(event, Failed) for event in first)
    assert questions(first) == ["budget.max_monthly_cost_usd"]
    view = await sessions.view("t", "ann")
    assert view.intent["budget"]["max_monthly_cost_usd"] == 2200
    assert view.chosen_option is not None
    assert view.chosen_option["cost"]["monthly_usd"] <= 2200
    assert questions(second) != ["budget.max_monthly_cost_usd"]


@pytest.mark.parametrize(
    ("period", "words", "monthly"),
    [("month", "1.08", 2160.0), ("year", "at 1.2 dollars per euro", 200.0), ("month", "$1.1", 2200.0)],
)
def test_a_rate_becomes_a_monthly_budget_in_dollars(period: str, words: str, monthly: float) -> None:
    intent = Intent(budget=Budget.model_validate({"amount": 2000, "currency": "EUR", "period": period}))
    assert completing(words, intent, FACTS.market) == {"budget.max_monthly_cost_usd": monthly}


@pytest.mark.parametrize("words", ["2300", "actually 300 users", "0", "no idea", "1.08 apples or 2 pears"])
def test_what_is_no_rate_is_left_to_the_grammar(words: str) -> None:
    intent = Intent(budget=Budget(amount=2000, currency="EUR", period="month"))
    assert completing(words, intent, FACTS.market) is None


def test_a_volume_in_a_unit_that_nobody_sells_by_is_ranked_and_asked_about() -> None:
    intent = Intent(workload_type="moderation", usage=Usage(quantity=100_000, unit="comments", period="day"))
    lacking = missing(intent, FACTS.market)
    assert lacking is not None
    assert "tokens" in lacking.question.question
    assert planned(priceable(intent, FACTS.market)).feasible
    values = completing("about 50 tokens each", intent, FACTS.market)
    assert values == {"usage.quantity": 5_000_000, "usage.unit": "tokens"}
    assert missing(edit(intent, values), FACTS.market) is None
    assert planned(edit(intent, values)).feasible


@pytest.mark.parametrize(
    "values",
    [
        {"budget.max_monthly_cost_usd": 300.0},
        {"deployment_model": "api"},
        {"deployment_model": "cloud_rental"},
        {"quality_threshold": "very_high"},
    ],
)
@pytest.mark.parametrize("task", ["chatbot", "code_completion", "summarization"])
def test_leaving_candidates_out_finds_what_a_search_finds(task: Any, values: dict[str, Any]) -> None:
    intent = Intent(task_type=task, total_users=700, preferred_models=("Qwen/Qwen3-4B", "Qwen/Qwen3.6-27B"))
    assert answered(intent, values, FACTS) == screened(edit(intent, values), FACTS)
