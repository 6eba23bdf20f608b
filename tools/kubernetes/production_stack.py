"""A release as values for the Helm chart of the vLLM production stack: written and checked, never applied from here.

Field names and types are those of `helm/values.schema.json` in vllm-project/production-stack (chart vllm-stack 0.1).
That schema leaves objects open, so a misspelt value would be ignored without a word; here the used fields are closed.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from knowledge.errors import BadInput
from tools.kubernetes.findings import Finding
from tools.kubernetes.release import Release
from tools.kubernetes.rendering import Manifest, render_template

SUBJECT = "values/production-stack"
_OWN_FIELDS = {
    "--max-model-len": ("maxModelLen", int),
    "--dtype": ("dtype", str),
    "--tensor-parallel-size": ("tensorParallelSize", int),
    "--max-num-seqs": ("maxNumSeqs", int),
    "--gpu-memory-utilization": ("gpuMemoryUtilization", float),
}
_SET_BY_THE_CHART = ("--host", "--port", "--enable-prefix-caching", "--no-enable-prefix-caching")
_TEXT, _WHOLE, _YES = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_LABELS = {"type": "object", "additionalProperties": _TEXT}


def production_stack(release: Release) -> Manifest:
    """The values file. Raises BadInput for what the chart cannot run: the simulator, replicas over several nodes."""
    settings = release.settings
    if settings.simulator:
        raise BadInput(
            "the production stack starts vLLM itself and no simulator", "leave simulator out", field="simulator"
        )
    if release.pods_per_replica > 1:
        raise BadInput(
            f"a replica over {release.pods_per_replica} nodes is not written for the production stack",
            "use target llmisvc or vanilla",
            field="target",
        )
    repository, _, tag = _tagged(release.image)
    return render_template(
        "production_stack_values",
        {
            "r": release,
            "image": {"repository": repository, "tag": tag},
            "engine": _engine(release),
            "extra_arguments": _extra_arguments(release),
        },
    )


def check_values(manifest: Manifest) -> tuple[Finding, ...]:
    """What is wrong with the structure of a values file, and what was not checked."""
    (values,) = manifest.objects
    found = [
        Finding("error", SUBJECT, ".".join(str(part) for part in error.path), error.message[:200], "correct it")
        for error in _validator().iter_errors(values)
    ]
    unseen = [
        Finding("note", SUBJECT, "", "only the structure was checked: no Helm ran",
                "helm template vllm/vllm-stack -f production_stack_values.yaml"),
        Finding("note", SUBJECT, "routerSpec", "the router is the chart's own, with the image that the chart names",
                "set routerSpec.repository and routerSpec.tag to pin it"),
    ]  # fmt: skip
    return (*found, *unseen)


def _tagged(image: str) -> tuple[str, str, str]:
    """Repository and tag, a digest staying with its tag."""
    name, at, digest = image.partition("@")
    repository, colon, tag = name.rpartition(":")
    return repository, colon, tag + at + digest


def _engine(release: Release) -> dict[str, Any]:
    """The arguments that the chart has fields for."""
    given = dict(argument.partition("=")[::2] for argument in release.arguments[1:])
    own = {name: kind(given[flag]) for flag, (name, kind) in _OWN_FIELDS.items() if flag in given}
    return {**own, "enablePrefixCaching": "--enable-prefix-caching" in given}


def _extra_arguments(release: Release) -> tuple[str, ...]:
    apart = (*_OWN_FIELDS, *_SET_BY_THE_CHART)
    return tuple(argument for argument in release.arguments[1:] if argument.partition("=")[0] not in apart)


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


@cache
def _validator() -> Draft202012Validator:
    secret = {**_closed(secretName=_TEXT, secretKey=_TEXT), "required": ["secretName", "secretKey"]}
    probe = _closed(
        initialDelaySeconds=_WHOLE, periodSeconds=_WHOLE, failureThreshold=_WHOLE,
        httpGet=_closed(path=_TEXT, port={"type": ["integer", "string"]}),
    )  # fmt: skip
    engine = _closed(
        enablePrefixCaching=_YES, maxModelLen=_WHOLE, dtype=_TEXT, tensorParallelSize=_WHOLE, maxNumSeqs=_WHOLE,
        gpuMemoryUtilization={"type": "number"}, extraArgs=_TEXTS,
    )  # fmt: skip
    terms = _closed(matchExpressions={"type": "array", "items": _closed(key=_TEXT, operator=_TEXT, values=_TEXTS)})
    model = _closed(
        name=_TEXT, annotations=_LABELS, repository=_TEXT, tag=_TEXT, imagePullSecret=_TEXT, modelURL=_TEXT,
        replicaCount=_WHOLE, requestCPU=_WHOLE, requestMemory=_TEXT, limitMemory=_TEXT, requestGPU=_WHOLE,
        requestGPUType=_TEXT, shmSize=_TEXT, hf_token=secret, pvcStorage=_TEXT, pvcAccessMode=_TEXTS,
        storageClass=_TEXT, nodeSelectorTerms={"type": "array", "items": terms}, vllmConfig=engine,
        keda=_closed(enabled=_YES, minReplicaCount=_WHOLE, maxReplicaCount=_WHOLE),
    )  # fmt: skip
    needed = ["name", "repository", "tag", "modelURL", "replicaCount", "requestCPU", "requestMemory", "requestGPU"]
    schema: Mapping[str, Any] = _closed(
        servingEngineSpec=_closed(
            enableEngine=_YES, vllmApiKey=secret, startupProbe=probe,
            serviceMonitor=_closed(enabled=_YES, additionalLabels=_LABELS),
            modelSpec={"type": "array", "minItems": 1, "items": {**model, "required": needed}},
        ),
        grafanaDashboards=_closed(enabled=_YES),
    )  # fmt: skip
    return Draft202012Validator(schema)
