"""What is one's own at the command line: outcomes, measurements and models, read once and handed to the planner."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.performance.experience import Experience


def known_models(*, approved_only: bool = False) -> "Snapshot":
    """The facts with the models that somebody added (`sextant models`), or only with the approved ones of them."""
    from knowledge.snapshot import load
    from knowledge.store.models import with_added_models
    from ui.settings import read_settings

    return with_added_models(load(), read_settings().home, approved_only=approved_only)


def own_experience(*, rehearse: bool = False) -> "Experience":
    """What outcomes and measurements in the state directory teach; nothing, and nothing is created, without any."""
    from tools.performance.experience import Experience, experience
    from ui.measured import measured_residual
    from ui.settings import read_settings

    settings = read_settings()
    residual = measured_residual(settings.home)
    if not settings.database_url and not (settings.home / "records.sqlite").exists():
        return Experience(residual=residual)
    from ui.records import own_records

    return experience(own_records(settings).outcomes.all(), rehearsal=rehearse, residual=residual)


def own_lines(own: Mapping[str, Any] | None) -> Iterator[str]:
    """The corrections in a prediction, as `evidence` holds them."""
    for metric, entry in (own or {}).items():
        if metric == "source":
            continue
        remark = ", drifting" if entry["drifting"] else ", systematically off" if entry["biased"] else ""
        tests = f"{entry['outcomes']} outcome{'s' if entry['outcomes'] != 1 else ''}"
        yield f"your own deployments: {metric} × {entry['factor']:.3g} ({tests}, seen × {entry['seen']:.3g}{remark})"
