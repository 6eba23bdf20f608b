"""`sextant models`: a reviewed list of models from a hub, beside the ones that ship."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from knowledge.store.models import AddedModel

app = typer.Typer(
    help="Models added from a hub: read, reviewed, approved for production.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ModelId = Annotated[str, typer.Argument(help="Hub id, as in meta-llama/Llama-3.1-8B-Instruct.")]


@app.command()
def add(model_id: ModelId, json: Json = False) -> None:
    """Read a model's architecture, licence and size from the hub; its code is never run."""
    import time
    from datetime import UTC, datetime

    import httpx

    from knowledge.connectors.transport import TIMEOUT, USER_AGENT, Transport
    from knowledge.store.models import put_model
    from tools.catalog.hub import read_model
    from ui.settings import read_settings

    settings = read_settings()
    with httpx.Client(timeout=TIMEOUT, headers=USER_AGENT, follow_redirects=True) as client:
        hub = Transport(client, time.sleep)
        added = read_model(hub, settings.hub_url, model_id, at=datetime.now(UTC), token=settings.hub_token)
    put_model(settings.home, added)
    _show([added], json=json)
    if not json:
        sys.stdout.write(f"added; approve it for production with: sextant models approve {model_id}\n")


@app.command("list")
def list_models(
    approved: Annotated[bool, typer.Option("--approved", help="Only those approved for production.")] = False,
    json: Json = False,
) -> None:
    """List the models that were added."""
    from knowledge.store.models import read_models

    _show([added for added in read_models(_home()) if added.approved or not approved], json=json)


@app.command()
def show(model_id: ModelId, json: Json = False) -> None:
    """Show what is known of an added model."""
    from knowledge.errors import NotFound
    from knowledge.store.models import read_models

    known = {added.model.model_id: added for added in read_models(_home())}
    if model_id not in known:
        raise NotFound("added model", model_id, tuple(known)[:5])
    if json:
        _show([known[model_id]], json=True)
        return
    for name, value in _record(known[model_id]).items():
        if value not in (None, "", ()):
            sys.stdout.write(f"{name}: {value}\n")


@app.command()
def approve(
    model_id: ModelId,
    by: Annotated[str, typer.Option(help="Who approves.")] = "",
    note: Annotated[str, typer.Option(help="Why, or under which conditions.")] = "",
    json: Json = False,
) -> None:
    """Approve a model for production; planning can be limited to approved ones."""
    from datetime import UTC, datetime

    from knowledge.store.models import approve_model
    from ui.person import person

    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _show([approve_model(_home(), model_id, by=by or person(), at=at, note=note)], json=json)


def _home() -> Path:
    from ui.settings import read_settings

    return read_settings().home


def _record(added: "AddedModel") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(added.model), **{name: cell for name, cell in asdict(added).items() if name != "model"}}


def _show(models: "list[AddedModel]", *, json: bool) -> None:
    if json:
        from knowledge.snapshot import load
        from knowledge.store.models import with_added_models
        from ui.output import print_json

        print_json(
            {"models": [_record(added) for added in models]}, snapshot=with_added_models(load(), _home()).version
        )
        return
    from ui.rendering.catalog import table

    table(
        "",
        ["model", "params B", "layers", "context", "licence", "gated", "own code", "approved by"],
        [
            [
                added.model.model_id,
                round(added.model.total_params_b, 2),
                added.model.layers,
                added.model.context_window_tokens,
                added.model.licence,
                {True: "yes", False: "no", None: "unknown"}[added.model.gated],
                "yes" if added.needs_remote_code else "no",
                added.approved_by or "nobody",
            ]
            for added in models
        ],
    )
