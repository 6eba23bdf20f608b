"""Answers in a model's words: kept only when every figure in them is among the facts, else the template's stand."""

import re

from agent.backends.protocol import Backend, Message, ModelFailed
from templates.prompts import prompt

_FIGURE = re.compile(r"\d[\d,.]*\d|\d")
MAX_GROWTH = 3


def phrased(facts: str, backend: Backend | None) -> str:
    """`facts` (the template's words) as the model puts them; the template's words without a model or when it fails."""
    if backend is None or not facts:
        return facts
    try:
        words = backend.answer([Message("system", prompt("phrase")), Message("user", facts)], None).strip()
    except ModelFailed:
        return facts
    return words if words and len(words) <= MAX_GROWTH * len(facts) and faithful(words, facts) else facts


def faithful(words: str, facts: str) -> bool:
    """Whether every figure of `words` stands in `facts`, digit by digit."""
    return figures(words) <= figures(facts)


def figures(text: str) -> set[str]:
    """The figures of a text, thousands separators and closing punctuation aside."""
    return {match.group().replace(",", "").rstrip(".") for match in _FIGURE.finditer(text)}
