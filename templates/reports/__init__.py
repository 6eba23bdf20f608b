"""Reports as self-contained HTML pages: no script, nothing loaded from elsewhere."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from templates.numbers import amount


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {"amount": amount}
    return environment


def report_page(name: str, **facts: object) -> str:
    """The page `templates/reports/NAME.html.j2` with `facts` put in, escaped; a missing fact is an error."""
    return _environment().get_template(f"{name}.html.j2").render(facts)
