"""What a dozen regular expressions and keywords understand: the yardstick that the grammar must beat."""

import re
from typing import Any

_NUMBER = r"(\d[\d,.]*)\s*(k|m)?\b"
_SCALES = {"k": 1e3, "m": 1e6, None: 1.0}
_NUMBERS: tuple[tuple[str, str, float], ...] = (
    ("concurrent_users", rf"{_NUMBER}\s+concurrent", 1.0),
    ("total_users", rf"{_NUMBER}\s+(?:users|employees|people|developers|customers)", 1.0),
    ("expected_qps", rf"{_NUMBER}\s*(?:rps|qps|requests per second)", 1.0),
    ("requests_per_day", rf"{_NUMBER}\s*(?:requests|documents|tickets|invoices)\s*(?:per|a|/)\s*day", 1.0),
    ("target_ttft_p90_ms", rf"(?:ttft|first token)\D{{0,20}}{_NUMBER}\s*ms", 1.0),
    ("target_ttft_p90_ms", rf"{_NUMBER}\s*ms\D{{0,20}}(?:ttft|first token)", 1.0),
    ("target_e2e_latency_p90_ms", rf"(?:within|under|in)\s+{_NUMBER}\s*(?:s|seconds)\b", 1000.0),
    ("budget.max_monthly_cost_usd", rf"\$\s*{_NUMBER}", 1.0),
    ("context_length", rf"{_NUMBER}\s*(?:context|ctx)", 1.0),
)
_WORDS: tuple[tuple[str, Any, str], ...] = (
    ("task_type", "chatbot", "chat"),
    ("task_type", "summarization", "summar"),
    ("task_type", "translation", "translat"),
    ("task_type", "classification", "classif"),
    ("task_type", "extraction", "extract"),
    ("task_type", "document_qa", "rag"),
    ("task_type", "code_generation", "code"),
    ("workload_type", "speech_to_text", "transcri"),
    ("workload_type", "embeddings", "embed"),
    ("priority", "latency", "low latency"),
    ("priority", "cost", "cheap"),
    ("gpu_types", ["NVIDIA-H100-80GB-SXM"], "h100"),
    ("gpu_types", ["NVIDIA-A100-80GB-SXM"], "a100"),
    ("clouds", ["aws"], "aws"),
    ("compliance", ["GDPR"], "gdpr"),
)


def keywords(text: str) -> dict[str, Any]:
    """Fields by dotted path, as the first matching pattern says."""
    lower = text.lower()
    fields: dict[str, Any] = {}
    for path, pattern, factor in _NUMBERS:
        match = re.search(pattern, lower)
        digits = match[1].replace(",", "").strip(".") if match else ""
        if match and digits.count(".") <= 1 and digits:
            fields.setdefault(path, float(digits) * _SCALES[match[2]] * factor)
    for path, value, word in _WORDS:
        if re.search(rf"\b{word}", lower):
            fields.setdefault(path, value)
    return fields
