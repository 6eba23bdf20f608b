"""Read a model's facts from a hub: its page as JSON and its config.json. Nothing of a model is ever executed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from knowledge.connectors.protocol import Http
from knowledge.connectors.sheet import number, record
from knowledge.errors import BadInput
from knowledge.facts import Model
from knowledge.store.models import AddedModel
from tools.performance.architecture import model_from_config

GIB = 1024**3


def read_model(http: Http, hub_url: str, model_id: str, *, at: datetime, token: str | None = None) -> AddedModel:
    """Read a model from the Hugging Face hub or one that speaks its API.

    Raises `Unavailable` when the hub does not answer, `BadInput` when the architecture is not stated or not known.
    """
    if model_id.count("/") != 1 or not all(model_id.split("/")):
        raise BadInput(f"not a hub id: {model_id[:80]!r}", "write it like meta-llama/Llama-3.1-8B-Instruct")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    name = quote(model_id, safe="/")
    page = record(http.get_json(f"{hub_url}/api/models/{name}", params={"blobs": "true"}, headers=headers))
    revision = str(page.get("sha") or "main")
    config_url = f"{hub_url}/{name}/resolve/{quote(revision, safe='')}/config.json"
    config = record(http.get_json(config_url, headers=headers))
    if not config:
        raise BadInput(f"{model_id} has no config.json that describes an architecture")
    parameters = number(record(page.get("safetensors")).get("total"))
    model = model_from_config(config, name=model_id, params_b=parameters / 1e9 if parameters else None)
    return AddedModel(
        model=_described(model, page, config, config_url),
        source_url=f"{hub_url}/{name}",
        revision=revision,
        added_at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        needs_remote_code="auto_map" in config,
    )


def _described(model: Model, page: Mapping[str, Any], config: Mapping[str, Any], url: str) -> Model:
    card = record(page.get("cardData"))
    weights = sum(
        number(record(file).get("size")) or 0.0
        for file in page.get("siblings") or ()
        if str(record(file).get("rfilename", "")).endswith(".safetensors")
    )
    architectures = config.get("architectures") or [""]
    languages = card.get("language") or ()
    return replace(
        model,
        licence=str(card.get("license_name") or card.get("license") or "unknown"),
        gated=bool(page.get("gated")) if "gated" in page else None,
        languages=(languages,) if isinstance(languages, str) else tuple(map(str, languages)),
        checkpoint_gib=round(weights / GIB, 2) if weights else None,
        release_date=str(page.get("createdAt", ""))[:10] or None,
        hf_architecture=str(architectures[0]),
        facts_source=url,
        note="needs code of its author to run" if "auto_map" in config else "",
        verified="no",
    )
