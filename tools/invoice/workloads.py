"""Names of workloads as bills write them."""

import re

WORKLOADS = {
    "llm": "llm", "chat": "llm", "completion": "llm", "text_generation": "llm", "text": "llm",
    "embeddings": "embeddings", "embedding": "embeddings", "embed": "embeddings",
    "rerank": "rerank", "reranking": "rerank", "reranker": "rerank",
    "speech_to_text": "speech_to_text", "stt": "speech_to_text", "transcription": "speech_to_text",
    "asr": "speech_to_text",
    "text_to_speech": "text_to_speech", "tts": "text_to_speech", "speech_synthesis": "text_to_speech",
    "image_generation": "image_generation", "image_gen": "image_generation", "image": "image_generation",
    "images": "image_generation", "text_to_image": "image_generation",
    "vision": "vision", "ocr": "vision", "image_analysis": "vision",
    "video_generation": "video_generation", "video": "video_generation", "video_gen": "video_generation",
    "moderation": "moderation", "content_moderation": "moderation", "safety": "moderation",
}  # fmt: skip


def workload_of(text: str) -> tuple[str | None, str]:
    """The workload that a word stands for, or none with the reason."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name:
        return None, ""
    known = WORKLOADS.get(name)
    return known, "" if known else f"unknown workload {text[:40]!r}"
