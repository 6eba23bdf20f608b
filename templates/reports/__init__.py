"""Reports as self-contained HTML pages: no script, nothing loaded from elsewhere."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from templates.numbers import amount


@lru_cache(maxsize=2)
def _environment(*, escaped: bool = True) -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=escaped,  # noqa: S701  # off for Markdown only, whose cells are escaped by a filter
    )
    environment.filters["amount"] = amount
    environment.filters["cell"] = _cell
    return environment


def report_page(name: str, **facts: object) -> str:
    """The page `templates/reports/NAME.html.j2` with `facts` put in, escaped; a missing fact is an error."""
    return _environment().get_template(f"{name}.html.j2").render(facts)


def report_text(name: str, **facts: object) -> str:
    """The Markdown `templates/reports/NAME.md.j2` with `facts` put in; a missing fact is an error."""
    return _environment(escaped=False).get_template(f"{name}.md.j2").render(facts)


def _cell(text: str) -> str:
    """Text that stays within a cell of a Markdown table and carries no markup."""
    flat = " ".join(text.split())
    for mark in "\\|<*_`[":
        flat = flat.replace(mark, f"\\{mark}")
    return flat


def chart(drawing: object) -> str:
    """A plot (`tools.drawing.Drawing`) as a `<figure>` of its own, styled by `chart_style`."""
    return str(_environment().get_template("chart.html.j2").module.chart(drawing))  # type: ignore[attr-defined]  # a macro


def chart_style() -> str:
    """The style of plots; its colours are the variables ink, soft, paper, line, a, a-soft, b, c, good, bad."""
    return _environment().get_template("chart.css").render()
