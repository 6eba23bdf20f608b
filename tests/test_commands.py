"""What a message asks for: typed commands, several from one message."""

from dataclasses import replace
from typing import Any

import pytest

from agent.commands import (
    Approve,
    Cancel,
    CatalogQuestion,
    Choose,
    Clear,
    Command,
    Compare,
    Describe,
    Dialogue,
    DontKnow,
    Explain,
    Help,
    InvoiceAnalysis,
    LoadScenario,
    Redo,
    RollBack,
    SaveScenario,
    Set,
    StartOver,
    Status,
    Undo,
    Validate,
    WhatIf,
)
from agent.understanding import understand
from agent.understanding.commands import commands
from knowledge.snapshot import load

SNAPSHOT = load()
SMALL: dict[str, Any] = {"id": "aaaaaaaa", "model_id": "meta-llama/Llama-3.1-8B-Instruct", "cost": {"monthly_usd": 900}}
LARGE: dict[str, Any] = {
    "id": "bbbbbbbb",
    "model_id": "meta-llama/Llama-3.3-70B-Instruct",
    "cost": {"monthly_usd": 3000},
}
NEED = "chatbot for 1000 users, 10 rps, first token within 300 ms, $5000 a month"
STANDING = Dialogue(
    intent=understand(NEED, SNAPSHOT).intent,
    traffic={"traffic": {"qps": 10}, "slo": {"ttft_ms": 300, "e2e_ms": 5000}},
    options=(SMALL, LARGE),
    lists={"lowest_cost": ("aaaaaaaa",), "best_quality": ("bbbbbbbb",)},
    chosen="aaaaaaaa",
)
NOTHING = Dialogue(intent=understand("hello", SNAPSHOT).intent, traffic={})


def asked(text: str, dialogue: Dialogue = STANDING) -> tuple[Command, ...]:
    return commands(text, SNAPSHOT, dialogue)


def described(command: Command) -> dict[str, Any]:
    assert isinstance(command, Describe)
    said = command.understanding.intent.model_dump(exclude_none=True)
    del said["unresolved"]
    return said


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("yes, deploy it", Approve()),
        ("ok", Approve()),
        ("Looks good!", Approve()),
        ("ja, bereitstellen", Approve()),
        ("undo that", Undo()),
        ("redo", Redo()),
        ("deshacer", Undo()),
        ("cancel", Cancel()),
        ("annuler", Cancel()),
        ("cancel the deployment", RollBack()),
        ("please roll it back", RollBack()),
        ("validate it again", Validate()),
        ("start over", StartOver()),
        ("help", Help()),
        ("what's running?", Status()),
        ("I don't know", DontKnow()),
        ("not sure, you decide", DontKnow()),
        ("keine Ahnung", DontKnow()),
        ("analyse my invoice", InvoiceAnalysis()),
        ("why?", Explain()),
        ("show me the trace", Explain("trace")),
        ("why not the 70B?", Explain("meta-llama/Llama-3.3-70B-Instruct")),
        ("pourquoi pas le 70B ?", Explain("meta-llama/Llama-3.3-70B-Instruct")),
        ("why not on A100s?", Explain("NVIDIA-A100-80GB-SXM")),
        ("why not the 405B?", Explain("405b")),
        ("how sure are you?", Explain("certainty")),
        ("wie sicher ist das?", Explain("certainty")),
        ("what happens if a GPU fails?", Explain("failure")),
        ("que se passe-t-il si une machine tombe en panne ?", Explain("failure")),
        ("where does the latency target come from?", Explain("target_ttft_p90_ms")),
        ("take the second one", Choose("bbbbbbbb")),
        ("choose the cheapest", Choose("aaaaaaaa")),
        ("compare the cheapest with the fastest", Compare(("lowest_cost", "lowest_latency"))),
        ("compare 1 and 2", Compare(("1", "2"))),
        ("is there something cheaper?", Compare(("lowest_cost",))),
        ("save this as plan B", SaveScenario("plan b")),
        ("load plan B", LoadScenario("plan b")),
        ("go back to the first one", LoadScenario("")),
        ("drop the budget", Clear(("budget",), "drop the budget")),
        ("no budget limit", Clear(("budget",), "no budget limit")),
        ("make it twice as fast", Set({"target_ttft_p90_ms": 150.0}, "make it twice as fast")),
        ("half the budget", Set({"budget.max_monthly_cost_usd": 2500.0}, "half the budget")),
        ("raise the budget to $8k", Set({"budget.max_monthly_cost_usd": 8000.0}, "raise the budget to $8k")),
        ("make it cheaper", Set({"priority": "cost"}, "make it cheaper")),
        ("that's too expensive", Set({"priority": "cost"}, "that's too expensive")),
        ("any model is fine", Clear(("preferred_models", "excluded_models"), "any model is fine")),
        ("no need for the EU anymore", Clear(("residency",), "no need for the eu anymore")),
        ("what can I get for $300?", WhatIf({"budget.max_monthly_cost_usd": 300.0}, "what can I get for $300")),
        ("double the users", Set({"expected_qps": 20.0, "total_users": 2000}, "double the users")),
        ("what if traffic doubles", WhatIf({"expected_qps": 20.0, "total_users": 2000}, "what if traffic doubles")),
        ("what would FP8 save", WhatIf({"quantization": ["fp8"]}, "what would FP8 save")),
        ("and with Qwen2.5-72B?", WhatIf({"preferred_models": ["Qwen/Qwen2.5-72B-Instruct"]}, "and with Qwen2.5-72B")),
        ("what happens at 5000 users", WhatIf({"total_users": 5000}, "what happens at 5000 users")),
        ("how much does an H100 cost per hour?", CatalogQuestion("how much does an H100 cost per hour")),
    ],
)  # fmt: skip
def test_a_clause_is_a_command(text: str, command: Command) -> None:
    assert asked(text) == (command,)


def test_a_region_or_a_cloud_to_avoid_is_none_to_use() -> None:
    for text in ("not in us-east-1", "anywhere but AWS"):
        (only,) = asked(text)
        assert isinstance(only, Describe)
        assert not only.understanding.provenance
        assert only.understanding.intent.unresolved


def test_without_options_none_can_be_asked_about() -> None:
    assert asked("why not the second one?", replace(STANDING, options=(), lists=None)) == (Explain(),)


def test_new_facts_are_a_description() -> None:
    (only,) = asked("actually 2000 users")
    assert described(only) == {"total_users": 2000}
    (only,) = asked("same but on our own H100s")
    assert described(only) == {"gpu_types": ("NVIDIA-H100-80GB-SXM",), "deployment_model": "owned_hardware"}


def test_one_message_may_hold_several_commands() -> None:
    first, second = asked("make it 3000 users and deploy it")
    assert described(first) == {"total_users": 3000}
    assert second == Approve()
    first, second = asked("drop the budget and set the context to 32k tokens")
    assert isinstance(first, Clear)
    assert described(second) == {"context_length": 32000}
    first, second = asked("2000 users, and what would it cost on A100s?")
    assert described(first) == {"total_users": 2000}
    assert second == WhatIf({"gpu_types": ["NVIDIA-A100-80GB-SXM"]}, "what would it cost on A100s")


def test_a_description_keeps_its_offsets_beside_an_order() -> None:
    text = "Undo that. For 700 users please."
    _, second = asked(text)
    assert isinstance(second, Describe)
    origin = second.understanding.provenance["total_users"]
    assert text[origin.start : origin.end] == "700 users"


@pytest.mark.parametrize("text", ["don't deploy yet", "thanks", "no, don't deploy it", "hello", "no wait, don't"])
def test_some_words_ask_for_nothing(text: str) -> None:
    assert asked(text) == (Explain("acknowledged"),)
    assert described(asked(text, NOTHING)[0]) == {}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("why option 2?", Explain("bbbbbbbb")),
        ("why not the first one?", Explain("aaaaaaaa")),
        ("tell me more about the last one", Explain("bbbbbbbb")),
        ("why option 9?", Explain("9")),
        ("which option has the best quality?", Explain("best_quality")),
        ("what's the cheapest possible?", Explain("aaaaaaaa")),
        ("how fast is option 2?", Explain("latency", "bbbbbbbb")),
        ("what's the difference between option 1 and option 2?", Compare(("aaaaaaaa", "bbbbbbbb"))),
        ("how do options 1 and 2 differ?", Compare(("aaaaaaaa", "bbbbbbbb"))),
        ("is option 2 faster?", Compare(("bbbbbbbb",))),
        ("why is the second one more expensive?", Compare(("bbbbbbbb",))),
        ("option 2 please", Choose("bbbbbbbb")),
        ("what would option 2 cost with 3000 users?",
         WhatIf({"total_users": 3000}, "what would option 2 cost with 3000 users", "bbbbbbbb")),
    ],
)  # fmt: skip
def test_options_are_named_by_number_place_or_list(text: str, command: Command) -> None:
    assert asked(text) == (command,)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("should I use an API instead?", WhatIf({"deployment_model": "api"}, "should I use an API instead")),
        ("do we need 5000 users?", WhatIf({"total_users": 5000}, "do we need 5000 users")),
        ("can I run this on my laptop?", Explain("unanswered")),
        ("what do you recommend?", Explain()),
        ("what are you assuming?", Explain("assumed")),
        ("what did I say?", Explain("said")),
        ("show me the options", Explain("options")),
        ("how good is it?", Explain("quality")),
        ("where is the data kept?", Explain("place")),
        ("is it GDPR compliant?", Explain("place")),
    ],
)
def test_a_question_changes_nothing(text: str, command: Command) -> None:
    assert asked(text) == (command,)


def test_a_polite_request_is_no_question() -> None:
    (only,) = asked("could you make it 2000 users?")
    assert described(only) == {"total_users": 2000}


def test_a_number_corrects_the_one_that_was_said_last() -> None:
    after = replace(STANDING, said=("1000 users",))
    assert asked("no, 8000", after) == (Set({"total_users": 8000}, "no, 8000"),)
    several = replace(STANDING, said=("1000 users", "10 rps"))
    assert not isinstance(asked("no, 8000", several)[0], Set)  # of which?


def test_what_is_as_cheap_as_it_can_be_is_told_and_not_set_again() -> None:
    cheap = replace(STANDING, intent=STANDING.intent.model_copy(update={"priority": "cost"}))
    assert asked("even cheaper", cheap) == (Explain("aaaaaaaa"),)


@pytest.mark.parametrize("text", ["deploy a chatbot for 500 users", "I want to deploy Llama 3.1 8B for 500 users"])
def test_a_need_that_begins_with_deploy_approves_nothing(text: str) -> None:
    found = asked(text, NOTHING)
    assert not any(isinstance(each, Approve) for each in found)
    assert described(found[0])["total_users"] == 500


@pytest.mark.parametrize(
    ("question", "answer", "values"),
    [
        ("total_users", "about 500", {"total_users": 500}),
        ("expected_qps", "20", {"expected_qps": 20.0}),
        ("unresolved: $5000", "per month", {"budget.max_monthly_cost_usd": 5000.0}),
        ("unresolved: 200 ms", "complete answer", {"target_e2e_latency_p90_ms": 200.0}),
        ("unresolved: 200 ms", "the first token", {"target_ttft_p90_ms": 200.0}),
        ("unresolved: 30 tokens per second", "for each user", {"target_tpot_p90_ms": 33.333333333}),
        ("unresolved: 20,000 documents", "per day", {"requests_per_day": 20000.0}),
        ("unresolved: reserved instances", "one year", {"billing": ["reserved_1y"]}),
    ],
)
def test_an_answer_is_read_with_its_question(question: str, answer: str, values: dict[str, Any]) -> None:
    waiting = Dialogue(intent=STANDING.intent, traffic={}, asked=question)
    (only,) = asked(answer, waiting)
    assert isinstance(only, Set)
    assert dict(only.values) == values


def test_a_long_message_is_a_description_whatever_it_holds() -> None:
    text = "We need a translator for 40 people. " + "It should be nice. " * 40 + "deploy it"
    (only,) = asked(text)
    assert described(only)["total_users"] == 40
