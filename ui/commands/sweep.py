"""`sextant sweep`: one need planned under every combination of values, on all cores."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.settings import answer_and_exit

if TYPE_CHECKING:
    from tools.planner.sweep import Changes, Study, Swept

FEW = 8
"""Points that are planned here, since starting processes would take longer."""
CONNECT_SECONDS = 10


def sweep(
    text: Annotated[str | None, typer.Argument(help="What you need, in your words.")] = None,
    *,
    vary: Annotated[list[str], typer.Option(help="Values of a field: field=value,value,… (several times).")],
    spec: Annotated[Path | None, typer.Option(help="JSON file with an intent; - for stdin.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Set a field of the intent: field=value.")] = None,
    refined: Annotated[bool, typer.Option("--refine", help="Simulate the picks of every point.")] = False,
    workers: Annotated[int, typer.Option(min=0, max=256, help="Processes; 0: one per core.")] = 0,
    cluster: Annotated[str, typer.Option(help="Address of a Dask scheduler, as in tcp://host:8786.")] = "",
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan every combination of values and show what each would cost."""
    answer_and_exit()
    from knowledge.errors import BadInput
    from knowledge.snapshot import load
    from tools.planner.sweep import Study, combinations
    from ui.intents import current_market, intents
    from ui.own import known_models, own_experience

    snapshot, market = known_models(approved_only=approved_only), current_market(load())
    (wanted, *more) = intents(text, spec, sets or (), snapshot)
    if more:
        raise BadInput("one intent is swept at a time", "give a file with one intent", field="spec")
    study = Study(
        intent=wanted.intent,
        snapshot=snapshot,
        market=None if market.digest == load().version else market,
        classes=wanted.classes,
        experience=own_experience(),
        refined=refined,
    )
    fields = _values(vary)
    found = _run(study, combinations(fields), workers, cluster)
    if all(each.error for each in found):
        raise BadInput(f"no point can be planned: {found[0].error}", field="vary")
    if as_json:
        from ui.output import print_json

        varied = {name: list(each) for name, each in fields.items()}
        print_json({"vary": varied, "points": [each.to_json() for each in found]}, snapshot=snapshot.version)
    else:
        from ui.rendering.sweep import show_sweep

        show_sweep(tuple(fields), found)
    if not any(each.picks for each in found):
        raise typer.Exit(3)


def _values(vary: Sequence[str]) -> Mapping[str, Sequence[Any]]:
    """`field=a,b,c` as values of the field, each read like one of `--set`."""
    from knowledge.errors import BadInput
    from tools.editing import read_assignment

    found: dict[str, list[Any]] = {}
    for each in vary:
        name, sign, listed = each.partition("=")
        values = [value.strip() for value in listed.split(",") if value.strip()]
        if not sign or not values or name in found:
            raise BadInput(f"cannot vary by {each[:60]!r}", "write field=value,value,… once per field", field="vary")
        found[name] = [read_assignment(f"{name}={value}")[1] for value in values]
    return found


def _run(study: "Study", points: "Sequence[Changes]", workers: int, cluster: str) -> "list[Swept]":
    import os

    from rich.console import Console
    from rich.progress import Progress

    from tools.planner.sweep import sweep as swept

    console = Console(stderr=True)
    count = workers or os.cpu_count() or 1
    if not workers and len(points) <= FEW:
        count = 1
    opened = _cluster(cluster) if cluster else _pool(count)
    with (
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
        opened as (pool, parts),
    ):
        task = progress.add_task("planning", total=len(points))
        return swept(study, points, pool, workers=parts, seen=lambda done: progress.advance(task, done))


@contextmanager
def _pool(count: int) -> Iterator[tuple[Executor | None, int]]:
    """Processes of their own, started afresh: a fork of a process with threads may hang."""
    if count == 1:
        yield None, 1
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield pool, count


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The cluster's executor and its threads. Raises Unavailable when it does not answer or Dask is not installed."""
    from knowledge.errors import BadInput, Unavailable

    try:
        from distributed import Client
    except ImportError as error:
        raise Unavailable("--cluster needs Dask, which is not installed", "pip install 'sextant[cluster]'") from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"no Dask scheduler answers at {address}", "check the address, or leave --cluster out"
        ) from error
    except ValueError as error:
        raise BadInput(f"{address} is no address: {error}", "write tcp://host:8786", field="cluster") from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise Unavailable(f"the cluster at {address} has no workers", "start dask worker on a machine with Sextant")
        yield client.get_executor(), threads
