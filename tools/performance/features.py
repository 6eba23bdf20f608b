"""What the learned residual compares points by: numbers of the configuration, and numbers of the load.

No names of models or cards: describing them by their numbers lets what was measured on one serve another of its kind.
Features are scaled so that a distance of one is a noticeable difference; the scales were chosen by cross-validation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.performance.loads import KINDS, Loads
from tools.performance.points import Floats, Points
from tools.performance.roofline import Serving

Names = Sequence[str] | npt.NDArray[np.str_]

ENGINES = ("vllm", "sglang", "tensorrt-llm", "transformers", "llama.cpp", "deepspeed", "deepspeed-mii")
LINEAGES = ("Ampere", "Hopper", "Blackwell", "AMD", "Intel", "Ada")

_MODEL_SCALES = {
    "log_active": 0.33,
    "log_stored": 0.22,
    "log_layers": 0.28,
    "log_hidden": 0.17,
    "log_cache": 0.08,
    "experts_share": 0.9,
    "window": 1.26,
    "state": 1.26,
    "latent": 1.26,
    "bytes_per_parameter": 0.6,
}
_CARD_SCALES = {"log_bandwidth": 0.8, "log_tflops": 0.5, "log_memory": 0.5, "log_link": 0.2}
_LAYOUT_SCALES = {
    "tensor": 0.5,
    "pipeline": 1.0,
    "data": 0.6,
    "expert": 0.3,
    "cards": 0.3,
    "year": 0.5,
    "pool": 0.7,
}
_ENGINE_SCALE, _LINEAGE_SCALE = 0.7, 0.5
LOAD_SCALES = {
    "log_running": 0.63,
    "log_isl": 0.9,
    "log_osl": 0.4,
    "static": 1.0,
    "offline": 1.0,
    "open": 1.0,
    "server": 1.0,
}
_CARD_START = len(_MODEL_SCALES)
_LAYOUT_START = _CARD_START + len(_CARD_SCALES) + len(LINEAGES)
PLACE_START = _CARD_START
"""Column from which on the features describe the card and the layout on it; those before describe the model."""
_YEAR_COLUMN = _LAYOUT_START + list(_LAYOUT_SCALES).index("year")


def years(features: npt.NDArray[np.floating[Any]]) -> Floats:
    """The years in which the engines of `configuration_features` were built."""
    return np.asarray(features[:, _YEAR_COLUMN] / _LAYOUT_SCALES["year"], dtype=np.float64)


def configuration_features(where: Points, load: Loads, *, engines: Names, lineages: Names, year: Floats) -> Floats:
    """Points × configuration features, scaled (32-bit)."""
    shape = where.shape
    parameters = shape["expert_params"] + shape["other_params"]
    columns = {
        "log_active": np.log(shape["active_params"]),
        "log_stored": np.log(parameters),
        "log_layers": np.log(shape["layers"]),
        "log_hidden": np.log(shape["hidden"]),
        "log_cache": np.log(shape["kv_bytes"] + shape["kv_window_bytes"] + 1),
        "experts_share": shape["experts_per_token"] / shape["experts"],
        "window": shape["window"] > 0,
        "state": shape["state_bytes"] > 0,
        "latent": (shape["kv_heads"] <= 1) & (shape["kv_bytes"] > 0),
        "tensor": np.log2(where.tensor),
        "pipeline": where.pipeline,
        "data": np.log2(where.data),
        "expert": np.log2(where.expert),
        "cards": np.log2(where.gpus * load.replicas),
        "bytes_per_parameter": (where.expert_bytes + where.other_bytes) / np.maximum(parameters, 1),
        "log_bandwidth": np.log(where.bandwidth_gb_s),
        "log_tflops": np.log(where.tflops),
        "log_memory": np.log(where.memory_gib),
        "log_link": np.log(where.link_gb_s),
        "year": year,
        "pool": np.log1p(load.prefill_gpus),
    }
    scaled = [np.asarray(columns[name], dtype=np.float64) * scale for name, scale in _MODEL_SCALES.items()]
    scaled += [columns[name] * scale for name, scale in _CARD_SCALES.items()]
    scaled += _flags(lineages, LINEAGES, _LINEAGE_SCALE)
    scaled += [columns[name] * scale for name, scale in _LAYOUT_SCALES.items()]
    scaled += _flags(engines, ENGINES, _ENGINE_SCALE)
    return np.stack(scaled, axis=1)


def load_features(load: Loads, served: Serving) -> Floats:
    """Points × load features, scaled. Without a concurrency, the batch that the roofline expects stands for it."""
    running = np.where(np.isnan(load.concurrency), served.batch, load.concurrency)
    kind = np.array([KINDS[each] for each in load.kind]) if len(load.kind) else np.array([], dtype=str)
    columns = {
        "log_running": np.log(np.maximum(running, 1e-3)),
        "log_isl": np.log(load.isl),
        "log_osl": np.log(load.osl),
        "static": kind == "static",
        "offline": kind == "offline",
        "open": kind == "open",
        "server": (kind == "server") | (kind == "interactive"),
    }
    return np.stack([np.asarray(value, dtype=np.float64) * LOAD_SCALES[name] for name, value in columns.items()], 1)


def lineage(architecture: str, vendor: str) -> str:
    """Family of architectures whose cards behave alike."""
    for name in LINEAGES:
        if architecture.startswith(name):
            return name
    return vendor if vendor in LINEAGES else ""


def _flags(values: Names, names: Sequence[str], scale: float) -> list[Floats]:
    given = np.array(values)
    return [np.where(given == name, scale, 0.0) for name in names]
