"""Questions about the plan are answered from it, in numbers, and change nothing."""

import re

import pytest

from agent.events import Failed, Said
from agent.sessions import Sessions

NEED = "A support chatbot for 1,000 users on rented GPUs"


async def answer(sessions: Sessions, *texts: str) -> str:
    """What is said to the last of the messages."""
    said: list[str] = []
    for text in texts:
        events = [event async for event in sessions.say("t", "ann", text)]
        said = [event.text for event in events if isinstance(event, Said)]
        assert not [event for event in events if isinstance(event, Failed)]
    return "\n".join(said)


async def test_a_size_alone_names_the_best_model_of_that_size(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "why not the 70B?")
    assert said.startswith("meta-llama/Llama-3.3-70B-Instruct would serve: $")
    assert "ranks below the choice" in said


async def test_a_family_and_a_size_name_one_of_several(sessions: Sessions) -> None:
    assert "Llama-3.3-70B-Instruct" in await answer(sessions, NEED, "why not llama 70b?")


async def test_a_model_for_other_work_is_said_to_be_one(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "why not whisper?")
    assert said.strip().endswith("made for speech to text; this plan needs a model that writes. Ask for speech to text"
                                 " by name and it is planned by itself.")  # fmt: skip


async def test_how_sure_the_numbers_are_is_told_with_their_interval_and_evidence(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "how sure are you?")
    assert "Four times in five the time to first token lies between" in said
    assert "the nearest measurement is" in said or "measured at this very setting" in said
    assert "The price is of 20" in said


async def test_what_a_failure_does_is_told_from_the_replicas_that_are_left(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "what happens if a GPU fails?")
    assert "replicas run, 1 more than the load needs. When one stops" in said
    assert "nobody notices" in said


async def test_a_single_replica_has_nothing_to_fall_back_on(sessions: Sessions) -> None:
    said = await answer(sessions, f"{NEED}, at most 1 GPU, 90 % uptime", "what if a machine dies?")
    assert said.startswith("One replica serves it all")


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("what's the total cost per year?", r"costs \$[\d,.]+ a month: \$[\d,.]+ a year"),
        ("was kostet das?", r"costs \$[\d,.]+ a month"),
        ("how many GPUs is that?", r"runs on \d+ × [\w-]+: \d+ replicas? of \d+ GPUs? each"),
        ("how fast is it?", r"Time to first token: p50 [\d,.]+, p90 [\d,.]+, p99 [\d,.]+ ms"),
        ("how many users can it serve?", r"carry [\d,.]+ requests/s within the targets"),
        ("what are the risks?", r"risk [\d.]+ of 1.*\n- Overload [\d.]+"),
        ("what is TTFT?", r"^TTFT: time to first token"),
        ("what changed?", r"^Nothing was changed yet"),
    ],
)
async def test_each_side_of_the_choice_has_its_answer(sessions: Sessions, question: str, told: str) -> None:
    assert re.search(told, await answer(sessions, NEED, question))


async def test_what_the_last_change_was_is_told(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "actually 2000 users", "what changed?")
    assert "- People with access: 1,000 → 2,000" in said


async def test_a_word_of_the_field_is_explained_before_there_is_a_plan(sessions: Sessions) -> None:
    assert (await answer(sessions, "what is goodput?")).startswith("Goodput: the requests per second")


async def test_people_counted_earlier_are_counted_in_a_rate_for_each(sessions: Sessions) -> None:
    await answer(sessions, "chatbot for 80 people", "each asks 10 questions a day")
    view = await sessions.view("t", "ann")
    assert view.card is not None
    fields = {field["key"]: field["value"] for group in view.card.spec["groups"] for field in group["fields"]}
    assert fields["requests_per_day"] == 800


async def test_an_accelerator_that_is_taken_back_leaves_the_card(sessions: Sessions) -> None:
    await answer(sessions, NEED, "use A100s", "no wait, not A100s")
    view = await sessions.view("t", "ann")
    assert view.card is not None
    assert "gpu_types" not in {field["key"] for group in view.card.spec["groups"] for field in group["fields"]}


async def test_what_sellers_do_not_say_is_not_held_to_be_checked(sessions: Sessions) -> None:
    said = await answer(sessions, "transcribe 2,000 hours of calls a month", "data must stay in the EU")
    assert "Not checked: residency." in said


async def test_documents_whose_length_was_said_are_priced_without_asking(sessions: Sessions) -> None:
    said = await answer(sessions, "embeddings for 10 million documents a month, 500 tokens each")
    assert "a month at" in said
    assert "How many tokens" not in said


async def test_a_need_for_words_after_another_kind_of_work_is_planned_as_one(sessions: Sessions) -> None:
    said = await answer(
        sessions, "transcribe 2,000 hours of calls a month", "RAG for 300 users, 10 questions a day each"
    )
    assert "document qa" in said


async def test_an_option_is_told_beside_the_choice(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "why option 3?")
    assert re.search(r"Beside .* costs .* (more|less|the same).*answers .*\(first token, p90\)", said)
    assert "Take it with “take " in said


async def test_an_option_that_is_not_there_is_said_not_to_be(sessions: Sessions) -> None:
    assert re.match(r"There is no option 99: \d+ are offered", await answer(sessions, NEED, "why option 99?"))


async def test_the_options_are_listed_as_they_are_numbered(sessions: Sessions) -> None:
    said = await answer(sessions, NEED, "show me all options")
    assert re.search(r"^1\. .*\(the choice\)", said, re.MULTILINE)
    assert re.search(r"^5\. ", said, re.MULTILINE)


async def test_what_an_option_would_cost_is_planned_for_that_option(sessions: Sessions) -> None:
    listed = await answer(sessions, NEED, "show me all options")
    model = re.search(r"^2\. ([\w./-]+):", listed, re.MULTILINE)
    assert model is not None
    said = await answer(sessions, "what would option 2 cost with 4000 users?")
    assert said.startswith(f"{model[1]} at ")
    assert "a month" in said


async def test_the_last_what_if_is_taken_by_going_with_it(sessions: Sessions) -> None:
    await answer(sessions, NEED, "what if we had 3000 users?", "how fast is it?", "go with it")
    assert "3,000" in await answer(sessions, "what did I say?")


async def test_a_choice_in_words_is_confirmed(sessions: Sessions) -> None:
    assert (await answer(sessions, NEED, "option 2 please")).startswith("Chosen: ")
