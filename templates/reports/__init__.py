"""Reports as self-contained HTML pages: no script, nothing loaded from elsewhere."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from templates.numbers import amount, dollars


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {"amount": amount, "dollars": dollars}
    return environment


def report_page(name: str, **facts: object) -> str:
    """The page `templates/reports/NAME.html.j2` with `facts` put in, escaped; a missing fact is an error."""
    return _environment().get_template(f"{name}.html.j2").render(facts)


def chart(drawing: object) -> str:
    """A plot (`tools.drawing.Drawing`) as a `<figure>` of its own, styled by `chart_style`."""
    return str(_environment().get_template("chart.html.j2").module.chart(drawing))  # type: ignore[attr-defined]  # a macro


def chart_style() -> str:
    """The style of plots; its colours are the variables ink, soft, paper, line, a, a-soft, b, c, good, bad."""
    return _environment().get_template("chart.css").render()
