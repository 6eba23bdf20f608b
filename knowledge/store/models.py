"""Models that somebody added from a hub: a reviewed list beside the bundled facts, in one small file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from knowledge.errors import NotFound, StateUnusable
from knowledge.facts import Model
from knowledge.loading import write_text
from knowledge.snapshot import Snapshot

FILE_NAME = "models.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class AddedModel:
    """A model with where it was read and who approved it for production; nobody: None."""

    model: Model
    source_url: str
    revision: str
    added_at: str
    needs_remote_code: bool
    approved_by: str | None = None
    approved_at: str | None = None
    note: str = ""

    @property
    def approved(self) -> bool:
        """Whether the model may be planned for production."""
        return self.approved_at is not None


def read_models(home: Path) -> tuple[AddedModel, ...]:
    """Return the list; empty where nobody added a model. Raises `StateUnusable` for a file that cannot be read."""
    path = home / FILE_NAME
    if not path.exists():
        return ()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["version"] > VERSION:
            raise StateUnusable(f"{path} is from a newer Sextant", "use the newer Sextant")
        return tuple(_added(row) for row in body["models"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StateUnusable(f"{path} cannot be read: {error}", "mend or delete the file") from error


def write_models(home: Path, models: Sequence[AddedModel]) -> None:
    """Write the whole list or nothing. Raises `StateUnusable`."""
    ordered = sorted(models, key=lambda added: added.model.model_id.lower())
    body = {"version": VERSION, "models": [asdict(added) for added in ordered]}
    try:
        write_text(home / FILE_NAME, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StateUnusable(f"{home / FILE_NAME} cannot be written: {error}") from error


def put_model(home: Path, added: AddedModel) -> None:
    """Add a model, or replace what was read of it before; a new reading must be approved anew."""
    others = [known for known in read_models(home) if known.model.model_id != added.model.model_id]
    write_models(home, [*others, added])


def approve_model(home: Path, model_id: str, *, by: str, at: str, note: str = "") -> AddedModel:
    """Mark a model as approved for production. Raises `NotFound`."""
    known = {added.model.model_id: added for added in read_models(home)}
    if model_id not in known:
        raise NotFound("added model", model_id, tuple(known))
    known[model_id] = replace(known[model_id], approved_by=by, approved_at=at, note=note)
    write_models(home, list(known.values()))
    return known[model_id]


@dataclass(frozen=True)
class ExtendedSnapshot(Snapshot):
    """The facts of `bundled` with models that somebody added."""

    bundled: Snapshot
    added: tuple[Model, ...]

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        # Another process reads the bundled files itself and is sent the added models.
        return ExtendedSnapshot, (self.directory, self.bundled, self.added)

    @cached_property
    def version(self) -> str:
        """Version of the bundled facts and of what was added."""
        digest = sha256(repr(self.added).encode()).hexdigest()[:8]
        return f"{self.bundled.version}+{digest}"

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Bundled models, and the added ones that are not among them."""
        return MappingProxyType({**{model.model_id: model for model in self.added}, **self.bundled.models})


def with_added_models(snapshot: Snapshot, home: Path, *, approved_only: bool = False) -> Snapshot:
    """Return the facts with the added models, or only the approved of them; the same facts where there are none."""
    added = tuple(row.model for row in read_models(home) if row.approved or not approved_only)
    return ExtendedSnapshot(snapshot.directory, snapshot, added) if added else snapshot


def _added(row: Mapping[str, Any]) -> AddedModel:
    cells: dict[str, Any] = {
        name: tuple(cell) if isinstance(cell, list) else cell for name, cell in row["model"].items()
    }
    known = {field.name for field in fields(Model)}
    model = Model(**{name: cell for name, cell in cells.items() if name in known})
    return AddedModel(**{**row, "model": model})
