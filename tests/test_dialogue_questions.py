"""Questions about the plan are answered from it, in numbers, and change nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.events import Failed, Said
from agent.sessions import Sessions
from ui.opening import opened
from ui.settings import Settings

NEED = "A support chatbot for 1,000 users on rented GPUs"


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    async with opened(time_factor=50, settings=Settings(home=tmp_path), tied=True) as door:
        yield door


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
