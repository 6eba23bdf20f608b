"""LoRA adapters by name: those of `--lora-modules`, and those loaded and unloaded while the server runs.

Messages and statuses are vLLM 0.33's. Only names are simulated: an adapter takes no memory and no time, its path is not
looked at, and `--max-loras` is shown in the metrics but bounds no batch.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.errors import BadInput
from tools.simulator.errors import ApiError

_MOST_ADAPTERS = 1000


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter; `parent` is the base model's name where one was said."""

    name: str
    path: str
    parent: str | None = None


class Adapters:
    """The adapters that are loaded now."""

    def __init__(self, loaded: Sequence[Adapter]) -> None:
        self._loaded = {adapter.name: adapter for adapter in loaded}

    def __iter__(self) -> Iterator[Adapter]:
        return iter(self._loaded.values())

    def get(self, name: str | None) -> Adapter | None:
        """The adapter of that name, if it is loaded."""
        return self._loaded.get(name) if name else None

    def load(self, name: str, path: str, *, again: bool) -> None:
        """Add an adapter; `again` replaces one that is loaded. ApiError where vLLM has one."""
        if not name or not path:
            raise ApiError(400, "Both 'lora_name' and 'lora_path' must be provided.", kind="InvalidUserInput")
        if name in self._loaded and not again:
            raise ApiError(
                400,
                f"The lora adapter '{name[:200]}' has already been loaded. If you want to load the adapter in place, "
                "set 'load_inplace' to True.",
                kind="InvalidUserInput",
            )
        if len(self._loaded) >= _MOST_ADAPTERS and name not in self._loaded:
            raise ApiError(400, f"The simulator holds at most {_MOST_ADAPTERS} adapters.", kind="InvalidUserInput")
        self._loaded[name] = Adapter(name, path)

    def unload(self, name: str) -> None:
        """Forget an adapter; requests that began with it end as they would have. ApiError where vLLM has one."""
        if not name:
            raise ApiError(400, "'lora_name' needs to be provided to unload a LoRA adapter.", kind="InvalidUserInput")
        if self._loaded.pop(name, None) is None:
            raise ApiError(404, f"The lora adapter '{name[:200]}' cannot be found.")


def read_adapters(modules: Sequence[str], served_names: Sequence[str]) -> tuple[Adapter, ...]:
    """Adapters from `name=path`, or vLLM's JSON with name, path, base_model_name. Raises BadInput naming the fault."""
    adapters = tuple(_adapter(module) for module in modules)
    names = [adapter.name for adapter in adapters]
    taken = next((name for at, name in enumerate(names) if name in served_names or name in names[:at]), None)
    if taken is not None:
        raise BadInput(f"lora-modules: the name {taken[:80]!r} is already taken", field="lora_modules")
    return adapters


def _adapter(module: str) -> Adapter:
    if module.startswith("{"):
        try:
            said = json.loads(module)
            adapter = Adapter(said["name"], said["path"], said.get("base_model_name"))
        except (ValueError, KeyError, TypeError):
            adapter = Adapter("", "")
        texts = isinstance(adapter.name, str) and isinstance(adapter.path, str)
        if texts and adapter.name and adapter.path and isinstance(adapter.parent, str | None):
            return adapter
    elif module.count("=") == 1 and all(module.split("=")):
        return Adapter(*module.split("="))
    raise BadInput(
        f"lora-modules: {module[:80]!r} is neither name=path nor JSON with name and path",
        "such as --lora-modules sql=/adapters/sql, once per adapter",
        field="lora_modules",
    )
