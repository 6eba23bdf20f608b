"""Engines by name, and when an engine was built: speed changes by a few percent a month."""

import re

from tools.performance.calibration import CURRENT_YEAR

ENGINES = ("vllm", "sglang", "tensorrt-llm", "lmdeploy", "transformers", "llama.cpp", "deepspeed")
_MARKS = (
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("tensorrt", "tensorrt-llm"),
    ("trt", "tensorrt-llm"),
    ("lmdeploy", "lmdeploy"),
    ("neuronx", "transformers-neuronx"),
    ("transformers", "transformers"),
    ("deepspeed-mii", "deepspeed-mii"),
    ("deepspeed", "deepspeed"),
    ("llama.cpp", "llama.cpp"),
    ("llamacpp", "llama.cpp"),
    ("cuda", "tensorrt-llm"),
    ("jetpack", "tensorrt-llm"),
    ("sambaflow", "sambaflow"),
)
_DATE = re.compile(r"^(20\d\d)-?(\d\d)?-?(\d\d)?$")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_ANCHORS = {
    "vllm": ((0, 5, 2024.5), (0, 6, 2024.75), (0, 8, 2025.25), (0, 11, 2025.8), (0, 18, 2026.25), (0, 25, 2026.55)),
    "sglang": ((0, 2, 2024.5), (0, 4, 2024.95), (0, 5, 2025.6)),
    "tensorrt-llm": (
        (0, 9, 2024.25),
        (0, 12, 2024.6),
        (0, 14, 2024.85),
        (0, 17, 2025.1),
        (1, 0, 2025.7),
        (1, 3, 2026.2),
    ),
    "lmdeploy": ((0, 2, 2024.05), (0, 7, 2025.2)),
    "transformers": ((4, 46, 2024.8), (4, 51, 2025.35)),
}


def engine_name(text: str, vendor: str = "") -> str:
    """Canonical engine of a free text; unnamed: vLLM, but TensorRT-LLM where the text hints at NVIDIA's stack."""
    lower = text.lower()
    for mark, name in _MARKS:
        if mark in lower:
            return name
    return "unknown" if not lower or vendor else lower.split()[0]


def build_year(engine: str, version: str, measured_on: str) -> float | None:
    """When the engine was built, as fraction of a year: from the date of measurement, else from the version."""
    if date := _DATE.match(measured_on.strip()):
        month, day = int(date[2] or 7), int(date[3] or 15)
        return int(date[1]) + (month - 1) / 12 + (day - 1) / 365
    found = _VERSION.search(version)
    anchors = _ANCHORS.get(engine)
    if not found or not anchors:
        return None
    order = (int(found[1]), int(found[2]))
    year = anchors[0][2]
    for major, minor, released in anchors:
        if order >= (major, minor):
            year = released
    return min(year, CURRENT_YEAR + 1)
