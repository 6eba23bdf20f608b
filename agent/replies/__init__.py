"""Answers to what changes nothing: one file per kind of question; each is a function of command, state and context."""

from collections.abc import Callable, Iterable, Mapping

from agent.context import Context
from agent.events import Event
from agent.replies.bill import analyse_invoice
from agent.replies.deployments import status
from agent.replies.explanation import explain
from agent.replies.prices import catalog_answer
from agent.replies.scenarios import save_scenario
from agent.replies.talk import dont_know, guide, welcome
from agent.replies.whatif import compare, what_if
from agent.state import Json, State

Reply = Callable[[Json, State, Context], Iterable[Event]]

REPLIES: Mapping[str, Reply] = {
    "CatalogQuestion": catalog_answer,
    "Compare": compare,
    "DontKnow": dont_know,
    "Explain": explain,
    "Help": guide,
    "InvoiceAnalysis": analyse_invoice,
    "Nothing": welcome,
    "SaveScenario": save_scenario,
    "Status": status,
    "WhatIf": what_if,
}
"""By name of the command (`agent.commands`)."""
