"""Amounts are priced from the catalog, needs are planned; and short questions go on from the one before."""

import pytest

from agent.commands import CatalogQuestion, Command, Compare, Describe, Dialogue, WhatIf
from agent.events import Comparison, Failed, Said
from agent.sessions import Sessions
from agent.understanding.commands import commands
from knowledge.snapshot import Snapshot
from tools.intent import Intent

NEED = "A support chatbot for 1,000 users on rented GPUs"
SUPPOSED = {"command": "WhatIf", "values": {"max_gpus": 4}, "text": "what if we had 4 GPUs?", "option": ""}
PRICED = {"command": "CatalogQuestion", "text": "how much for 100 million tokens of gpt-4o-mini"}


def first(text: str, snapshot: Snapshot, dialogue: Dialogue | None = None) -> Command:
    return commands(text, snapshot, dialogue or Dialogue(intent=Intent(), traffic={}))[0]


@pytest.mark.parametrize(
    "text",
    [
        "How much for 100 million tokens of gpt-4o-mini?",
        "what do 1000 images with dall-e 3 cost?",
        "500 hours of whisper",
        "is deepseek cheaper than gpt-4o?",
        "compare prices of gpt-4o and claude haiku",
        "which is cheaper, gpt-4o or deepseek v3?",
        "how much would 2 million characters of tts-1 cost at openai?",
        "was kosten 100 Millionen Tokens mit gpt-4o mini?",
        "how much for 500 hours of an H100?",
        "combien coûtent 1000 images avec dall-e 3 ?",
    ],
)
def test_what_is_sold_by_the_piece_is_priced(text: str, snapshot: Snapshot) -> None:
    assert isinstance(first(text, snapshot), CatalogQuestion)


@pytest.mark.parametrize(
    "text",
    [
        "summaries of 1000 documents a day",
        "we use 100 million tokens a month, what would GPUs cost?",
        "we need 500 hours of whisper a month",
        "a chatbot on gpt-4o for 300 people, what does it cost?",
        "500 hours of calls to transcribe with whisper every month",
        "how much for 100 users of gpt-4o?",
        "10000 pages of text",
        "what do you suggest for 55 analysts, self-hosted?",
    ],
)
def test_what_is_needed_is_planned(text: str, snapshot: Snapshot) -> None:
    assert isinstance(first(text, snapshot), Describe)


@pytest.mark.parametrize(
    ("text", "gpus"), [("what if we had only 2?", 2), ("and with 3?", 3), ("what about six", 6), ("and 8", 8)]
)
def test_a_number_alone_supposes_the_same_again(text: str, gpus: int, snapshot: Snapshot) -> None:
    dialogue = Dialogue(intent=Intent(task_type="chatbot"), traffic={}, last=SUPPOSED)
    again = first(text, snapshot, dialogue)
    assert isinstance(again, WhatIf)
    assert again.values == {"max_gpus": gpus}
    assert str(gpus) in again.text


def test_what_is_needed_after_a_price_is_no_question_for_another_price(snapshot: Snapshot) -> None:
    dialogue = Dialogue(intent=Intent(), traffic={}, last=PRICED)
    assert isinstance(first("and for 2000 users?", snapshot, dialogue), Describe)
    assert first("and at fireworks?", snapshot, dialogue) == CatalogQuestion(f"{PRICED['text']} at fireworks")


def test_the_api_is_a_side_of_a_comparison(snapshot: Snapshot) -> None:
    dialogue = Dialogue(intent=Intent(task_type="chatbot"), traffic={}, options=({"id": "a", "model_id": "m"},))
    assert first("compare that with the api", snapshot, dialogue) == Compare(("api",))
    assert first("compare it with renting", snapshot, dialogue) == Compare(("rental",))


async def told(sessions: Sessions, text: str) -> tuple[str, int]:
    """What is said, and the number of comparisons beside it."""
    events = [event async for event in sessions.say("t", "ann", text)]
    assert not [event for event in events if isinstance(event, Failed)]
    said = "\n".join(event.text for event in events if isinstance(event, Said))
    return said, sum(isinstance(event, Comparison) for event in events)


async def test_a_sum_is_told_with_its_arithmetic_and_asked_again_of_another_seller(sessions: Sessions) -> None:
    said, _ = await told(sessions, "How much for 100 million tokens of gpt-4o-mini?")
    assert said.startswith("- openai: gpt-4o-mini, input $0.15, output $0.60 per 1m tokens")
    assert "100 × $0.15 = $15.00 if all is input, 100 × $0.60 = $60.00 if all is output, $26.25 at three in" in said
    assert (await told(sessions, "and on azure?"))[0].startswith("- azure: gpt-4o-mini")
    assert (
        "2 million output tokens: 2 × $0.60 = $1.20." in (await told(sessions, "and for 2 million output tokens?"))[0]
    )
    said, _ = await told(sessions, "is claude haiku 4.5 cheaper than gpt-4o?")
    assert said.startswith("claude-haiku-4-5 at anthropic is cheaper: for 1 million tokens")
    said, _ = await told(sessions, "how much are 1000 images with claude-haiku-4-5?")
    assert said.startswith("Not sold by the image: there is no sum.")


async def test_hours_of_a_card_are_asked_again_of_another_seller(sessions: Sessions) -> None:
    assert "500 × $" in (await told(sessions, "how much for 500 hours of an H100?"))[0]
    said, _ = await told(sessions, "and at runpod?")
    assert said.startswith("- runpod: ")
    assert "500 × $" in said


async def test_the_choice_is_compared_with_the_best_api(sessions: Sessions) -> None:
    await told(sessions, NEED)
    said, comparisons = await told(sessions, "compare that with the api")
    assert comparisons == 1
    assert "a month for" in said
    assert "nothing when idle" in said


async def test_a_what_if_goes_on_with_its_number_alone(sessions: Sessions) -> None:
    await told(sessions, NEED)
    more, _ = await told(sessions, "what if we had 3000 users?")
    again, comparisons = await told(sessions, "and with 5k?")
    assert comparisons == 1
    assert again.startswith("The balanced plan goes from")
    assert again != more


async def test_the_same_sum_at_many_sellers_is_told_once(sessions: Sessions) -> None:
    events = [event async for event in sessions.say("t", "ann", "how much for 100 million tokens of gpt-4o-mini?")]
    (said,) = (event for event in events if isinstance(event, Said))
    sums = [each.partition(": ")[2] for each in said.facts["sums"]]
    assert len(sums) == len(set(sums)) >= 1
    assert sums[0] in said.text
