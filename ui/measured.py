"""Measurements that were added, as the residual that predictions use; computed once per import, never when reading."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from knowledge.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from knowledge.facts import Benchmark
    from tools.performance.residual import Residual

ARRAYS = "residual.npz"


def measured_residual(home: Path) -> "Residual | None":
    """The residual with the added points; None where there are none, and then nothing is imported or created."""
    from knowledge.store.benchmarks import FOLDER, LIST

    if not (home / FOLDER / LIST).exists():
        return None
    from knowledge.store.benchmarks import read_benchmarks
    from tools.performance.residual import load_residual

    rows, base = read_benchmarks(home), load_residual()
    if not rows:
        return None
    kept = _kept(home / FOLDER / ARRAYS, _key(rows, base))
    return base.with_arrays(kept) if kept is not None else _conditioned(rows, base)


def keep_residual(home: Path) -> None:
    """Compute the residual of what was added and keep it, so that a plan need not."""
    import numpy as np

    from knowledge.store.benchmarks import FOLDER, read_benchmarks
    from tools.performance.residual import load_residual

    rows, base, path = read_benchmarks(home), load_residual(), home / FOLDER / ARRAYS
    if not rows:
        path.unlink(missing_ok=True)
        return
    arrays = {**_conditioned(rows, base).arrays(), "key": np.array(_key(rows, base))}
    held = BytesIO()
    np.savez(held, **arrays)  # type: ignore[arg-type]  # names are not numpy's own options
    write_whole(path, held.getvalue())


def _conditioned(rows: "Sequence[Benchmark]", base: "Residual") -> "Residual":
    from knowledge.snapshot import load
    from tools.performance.calibration import load_physics
    from tools.performance.conditioning import conditioned, further

    return conditioned(base, load_physics(), further(rows, load()))


def _key(rows: "Sequence[Benchmark]", base: "Residual") -> str:
    return sha256(f"{base.digest} {rows!r}".encode()).hexdigest()


def _kept(path: Path, key: str) -> "dict[str, np.ndarray[Any, Any]] | None":
    """The kept arrays when they belong to these rows; anything else is computed again."""
    import numpy as np

    if not path.exists():
        return None
    try:
        with np.load(path) as stored:
            if str(stored["key"]) != key:
                return None
            return {name: stored[name] for name in stored.files if name != "key"}
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
