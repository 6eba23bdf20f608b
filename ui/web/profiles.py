"""What a chat can begin as: a plan, a question of prices, a bill. All understand the same; each begins differently."""

from collections.abc import Sequence
from dataclasses import dataclass

import chainlit as cl
from chainlit.config import ChainlitConfig, config
from chainlit.session import WebsocketSession


@dataclass(frozen=True, slots=True)
class Beginning:
    """A way to begin: its name, what it says of itself, and what to begin with (label and message)."""

    name: str
    words: str
    starters: Sequence[tuple[str, str]]


BEGINNINGS = (
    Beginning(
        "Plan",
        "Say what you need. Sextant prices and explains what can serve it, deploys what you choose, and tests it.",
        (
            ("Support chatbot", "A customer-support chatbot for 1,000 users, fast, under $5,000 a month"),
            ("Code completion", "Code completion for 300 developers, first token within 150 ms, on GPUs we rent"),
            ("Overnight summaries", "Summarize 20,000 long documents every night within 8 hours, as cheap as possible"),
            ("Our own cards", "We have 8 H100 cards. Which model can they serve to 500 people at once?"),
        ),
    ),
    Beginning(
        "Prices",
        "Ask what something costs: GPUs by the hour, models by the token, speech by the minute, with sources.",
        (
            ("Speech to text", "What is the cheapest speech to text for 1,000 hours a month?"),
            ("An H100 by the hour", "What does an H100 cost per hour?"),
            ("A model by the token", "Who sells Llama 3.3 70B and at what price?"),
            ("Embeddings", "What is the cheapest embedding API for 500 million tokens a month?"),
        ),
    ),
    Beginning(
        "Invoice",
        "Drop a bill (CSV, JSON, Excel or Parquet): what it is for, what looks wrong, and what could be saved.",
        (
            ("Analyse a bill", "Analyse my bill"),
            ("Machines instead of an API?", "Llama 3.3 70B for 40 million tokens a day on rented GPUs"),
        ),
    ),
)


def install() -> None:
    """Register with Chainlit."""
    cl.set_chat_profiles(profiles)
    # A profile could change Chainlit's configuration; to find out, it awaits the profiles where it cannot. None does.
    WebsocketSession.get_config = _one_for_all  # type: ignore[assignment, method-assign]


async def profiles(user: cl.User | None) -> list[cl.ChatProfile]:  # noqa: ARG001  # the same for everybody
    """The ways to begin, the plan first."""
    return [
        cl.ChatProfile(
            name=each.name,
            markdown_description=each.words,
            icon=f"/public/profiles/{each.name.lower()}.svg",
            default=each is BEGINNINGS[0],
            starters=[cl.Starter(label=label, message=message) for label, message in each.starters],
        )
        for each in BEGINNINGS
    ]


def _one_for_all(session: WebsocketSession) -> ChainlitConfig:  # noqa: ARG001  # Chainlit's signature
    known: ChainlitConfig = config
    return known
