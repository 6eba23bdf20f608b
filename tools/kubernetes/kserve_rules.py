"""What KServe's admission webhook refuses and no schema says (pkg/apis/serving/v1beta1 of KServe 0.20)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.kubernetes.findings import Finding

_NAME = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
AUTOSCALERS = ("hpa", "keda", "kpa", "external", "none")
MODES = ("Standard", "RawDeployment", "Knative", "Serverless", "ModelMesh")
FRAMEWORKS = ("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm",
              "paddle", "model")  # fmt: skip
_HPA_METRICS = ("cpu", "memory")
_WORKER_STORAGE = ("pvc", "oci")


def kserve_rules(entry: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings for an InferenceService or LLMInferenceService; none for other kinds."""
    kind = entry.get("kind")
    subject = f"{kind}/{entry.get('metadata', {}).get('name', '')}"
    if kind == "InferenceService":
        rules = _inference_service(entry)
    elif kind == "LLMInferenceService":
        rules = _llm_inference_service(entry)
    else:
        return ()
    return tuple(Finding("error", subject, field, problem, cure) for field, problem, cure in rules)


def _inference_service(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    metadata, predictor = entry.get("metadata", {}), entry.get("spec", {}).get("predictor") or {}
    annotations = metadata.get("annotations") or {}
    if not _NAME.match(str(metadata.get("name", ""))):
        yield "metadata.name", "KServe wants a letter first, then letters, digits and dashes", "rename it"
    scaler = annotations.get("serving.kserve.io/autoscalerClass")
    if scaler is not None and scaler not in AUTOSCALERS:
        yield "metadata.annotations", f"{scaler!r} is no autoscaler class", f"one of {', '.join(AUTOSCALERS)}"
    mode = annotations.get("serving.kserve.io/deploymentMode")
    if mode is not None and mode not in MODES:
        yield "metadata.annotations", f"{mode!r} is no deployment mode", f"one of {', '.join(MODES)}"
    yield from _implementations(predictor)
    yield from _replicas(predictor, scaler)
    yield from _storage(predictor)
    if "workerSpec" in predictor:
        yield from _workers(predictor, scaler)


def _implementations(predictor: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    named = [name for name in FRAMEWORKS if predictor.get(name) is not None]
    containers = predictor.get("containers") or []
    if len(named) + (1 if containers and not named else 0) != 1:
        yield "spec.predictor", f"exactly one of model and containers is needed, {len(named)} given", "keep `model`"
    model = predictor.get("model")
    if model is None:
        return
    if not (model.get("modelFormat") or {}).get("name"):
        yield "spec.predictor.model.modelFormat", "the model format has no name", "name it, such as vLLM"
    if model.get("name"):
        yield "spec.predictor.model.name", "is not allowed in a standard predictor", "remove it"


def _replicas(predictor: Mapping[str, Any], scaler: str | None) -> Iterator[tuple[str, str, str]]:
    least, most = predictor.get("minReplicas"), predictor.get("maxReplicas")
    if least is not None and least < 0:
        yield "spec.predictor.minReplicas", "cannot be below 0", "set it to the planned replicas"
    if most is not None and most < 0:
        yield "spec.predictor.maxReplicas", "cannot be below 0", "set it to the planned replicas or more"
    if least is not None and most and least > most:
        yield "spec.predictor.maxReplicas", f"{most} is below minReplicas {least}", "raise it"
    metric = predictor.get("scaleMetric")
    if scaler == "hpa" and metric is not None and metric not in _HPA_METRICS:
        yield "spec.predictor.scaleMetric", f"{metric!r} cannot be scaled on by the hpa class", "cpu or memory"
    share = predictor.get("canaryTrafficPercent")
    if share is not None and not 0 <= share <= 100:
        yield "spec.predictor.canaryTrafficPercent", "is a share of 0 to 100", "correct it"


def _storage(predictor: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    model = predictor.get("model") or {}
    if model.get("storageUri") and predictor.get("storageUris"):
        yield "spec.predictor.storageUris", "storageUri and storageUris exclude each other", "keep one"


def _workers(predictor: Mapping[str, Any], scaler: str | None) -> Iterator[tuple[str, str, str]]:
    model, workers = predictor.get("model") or {}, predictor["workerSpec"] or {}
    if len(workers.get("containers") or []) > 1:
        yield "spec.predictor.workerSpec.containers", "more than one container", "keep one"
    protocol = str(model.get("storageUri", "")).partition("://")[0]
    if protocol not in _WORKER_STORAGE:
        yield "spec.predictor.model.storageUri", "several nodes need weights on a pvc or oci volume", "pvc://…"
    if scaler != "none":
        yield "metadata.annotations", "several nodes cannot be scaled", "serving.kserve.io/autoscalerClass: none"
    for size in ("pipelineParallelSize", "tensorParallelSize"):
        if workers.get(size) is not None and workers[size] < 1:
            yield f"spec.predictor.workerSpec.{size}", "cannot be below 1", "set it as planned"


def _llm_inference_service(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    spec = entry.get("spec", {})
    scaling = spec.get("scaling")
    if scaling is not None and spec.get("replicas") is not None:
        yield "spec.replicas", "replicas and scaling are mutually exclusive", "keep one"
    if scaling is not None:
        if not scaling.get("wva"):
            yield "spec.scaling.wva", "scaling works through wva only", "add wva with keda or hpa"
        elif len({"hpa", "keda"} & set(scaling["wva"])) != 1:
            yield "spec.scaling.wva", "exactly one of hpa and keda actuates", "keep one"
        if (scaling.get("minReplicas") or 1) > (scaling.get("maxReplicas") or 1):
            yield "spec.scaling.maxReplicas", "is below minReplicas", "raise it"
    parallelism = spec.get("parallelism") or {}
    if "pipeline" in parallelism and "data" in parallelism:
        yield "spec.parallelism", "pipeline and data exclude each other", "choose one"
    if ("data" in parallelism) != ("dataLocal" in parallelism):
        yield "spec.parallelism.dataLocal", "data and dataLocal are set together", "set both"
