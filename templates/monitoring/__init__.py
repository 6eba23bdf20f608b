"""Files for Prometheus and Grafana: what to scrape, when to wake someone, what to look at."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("templates", "monitoring"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML and JSON, whose every value goes through `tojson`
    )


def monitoring_file(name: str, **facts: object) -> str:
    """The file `templates/monitoring/NAME.j2` with `facts` put in; a missing fact is an error."""
    return _environment().get_template(f"{name}.j2").render(facts)
