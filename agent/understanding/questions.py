"""Questions about the chosen plan by what they are about, and what words of the field mean."""

import re

from agent.understanding.vocabulary.tables import read_table
from templates.glossary import term_of

_ABOUT = {subject: tuple(re.compile(form) for form in forms) for subject, forms in read_table("questions").items()}
_MEANING = re.compile(
    r"^(?:what(?:'?s| is| are| does)|define|explain(?: to me)?|meaning of|was (?:ist|sind|bedeutet|heisst)"
    r"|qu'?est ce que?(?: c'?est)?(?: que)?|que (?:es|son|significa))\s+"
    r"(?P<article>the |der |die |das |le |la |les |el )?(?:an? |ein |eine |un |une )?"
    r"(?P<term>[\w+\- ]{2,40}?)(?: means?| bedeutet| stands? for)?$"
)


def about(folded: str) -> str | None:
    """What a question about the chosen plan is about, or None; `folded` is in lower case without accents."""
    return next((subject for subject, forms in _ABOUT.items() if any(form.search(folded) for form in forms)), None)


def meaning_of(folded: str) -> str | None:
    """`term NAME` where a question asks what a word of the field means; "the TTFT" asks for a number instead."""
    asked = _MEANING.match(folded)
    term = term_of(asked["term"]) if asked and not asked["article"] else None
    return f"term {term.name}" if term else None
