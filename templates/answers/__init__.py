"""What Sextant says: one template per answer, filled from facts of the turn and nothing else."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from templates.numbers import amount, dollars, rate


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "answers"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # plain text; faces escape for their own medium
    )
    environment.filters |= {"amount": amount, "dollars": dollars, "rate": rate, "limit": _limit}
    return environment


def answer(template: str, /, **facts: object) -> str:
    """The words of `templates/answers/TEMPLATE.txt.j2` with `facts` put in; a missing fact is an error."""
    return _environment().get_template(f"{template}.txt.j2").render(facts).strip()


def _limit(bound_by: str) -> str:
    """What stops a replica from carrying more: its cache, or the target that would be missed."""
    return (
        "beyond that its KV cache is full"
        if bound_by == "cache"
        else f"beyond that it misses the {bound_by.upper()} target"
    )
