"""Manifests: what they say, that they are valid, and that nothing a person writes can break out of its field."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import BadInput, NotFound
from knowledge.snapshot import load
from tools.deploy import DeploymentSpec, read_specification
from tools.deploy.vllm_release import vllm_release
from tools.kubernetes.consistency import strings_of
from tools.kubernetes.findings import errors
from tools.kubernetes.following import MAIN_KINDS
from tools.kubernetes.production_stack import check_values, production_stack
from tools.kubernetes.release import Release, release, release_name
from tools.kubernetes.rendering import Manifest, objects_of, render
from tools.kubernetes.settings import Settings, read_settings
from tools.kubernetes.validation import check, check_object
from tools.kubernetes.yaml_text import scalar

GOLDEN = Path(__file__).parent / "golden" / "manifests"
TEMPLATES = Path(__file__).parent.parent / "templates" / "manifests"

LLAMA = {"model_id": "meta-llama/Llama-3.1-8B-Instruct", "gpu_type": "NVIDIA-H100-80GB-SXM"}
PLANS: dict[str, dict[str, Any]] = {
    "llama-8b-h100": {**LLAMA, "replicas": 2, "gpu_count": 2},
    "llama-70b-h100-tp4": {
        "model_id": "meta-llama/Llama-3.3-70B-Instruct", "gpu_type": "NVIDIA-H100-80GB-SXM", "tensor_parallel": 4,
        "replicas": 3, "gpu_count": 12,
    },
    "llama-70b-fp8-h200": {
        "model_id": "meta-llama/Llama-3.3-70B-Instruct", "gpu_type": "NVIDIA-H200-141GB-SXM", "quantization": "fp8",
        "tensor_parallel": 2, "gpu_count": 2,
    },
    "qwen-8b-int4-l4": {"model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-L4-24GB", "quantization": "int4"},
    "gpt-oss-120b-h100": {"model_id": "openai/gpt-oss-120b", "gpu_type": "NVIDIA-H100-80GB-SXM", "quantization": "fp4",
                          "tensor_parallel": 2, "gpu_count": 2},
    "deepseek-v3-h100-two-nodes": {
        "model_id": "deepseek-ai/DeepSeek-V3", "gpu_type": "NVIDIA-H100-80GB-SXM", "quantization": "fp8",
        "tensor_parallel": 8, "pipeline_parallel": 2, "replicas": 1, "gpu_count": 16,
    },
    "mistral-7b-a10g": {"model_id": "mistralai/Mistral-7B-Instruct-v0.3", "gpu_type": "NVIDIA-A10G-24GB"},
    "llama-8b-mi300x": {"model_id": LLAMA["model_id"], "gpu_type": "AMD-MI300X-192GB"},
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "kserve": ("llama-8b-h100", {"hub_token_secret": "hub"}),
    "kserve-simulator": ("llama-8b-h100", {"simulator": True, "time_factor": 10}),
    "kserve-old-rawdeployment": ("mistral-7b-a10g", {"kserve_version": "0.15", "autoscaling": "hpa"}),
    "kserve-team-ingress": (
        "llama-70b-h100-tp4",
        {"create_namespace": True, "namespace": "team-a", "team": "search", "owner": "Ann <ann@example.org>",
         "quota_gpus": 24, "access": "ingress", "host": "llm.example.org", "tls_secret": "llm-tls",
         "basic_auth_secret": "llm-users", "hub_token_secret": "hub", "cache_storage_class": "shared"},
    ),
    "kserve-quantized-variant": ("qwen-8b-int4-l4", {"monitoring": "servicemonitor"}),
    "kserve-loadbalancer": ("llama-70b-fp8-h200", {"access": "loadbalancer", "api_key_secret": "keys",
                                                   "hub_token_secret": "hub"}),
    "vanilla-keda-httproute": ("llama-8b-h100", {"target": "vanilla", "access": "httproute", "host": "a.example.org",
                                                 "api_key_secret": "keys", "hub_token_secret": "hub"}),
    "vanilla-hpa": ("mistral-7b-a10g", {"target": "vanilla", "autoscaling": "hpa"}),
    "vanilla-fixed-nodeport-simulator": (
        "llama-8b-h100", {"target": "vanilla", "autoscaling": "none", "access": "nodeport", "simulator": True},
    ),
    "vanilla-two-nodes": ("deepseek-v3-h100-two-nodes", {"target": "vanilla"}),
    "vanilla-amd": ("llama-8b-mi300x", {"target": "vanilla", "image": "rocm/vllm:v0.33.0", "hub_token_secret": "hub",
                                        "node_selector": {"amd.com/gpu.product-name": "MI300X"}}),
    "llmisvc": ("llama-70b-h100-tp4", {"target": "llmisvc", "hub_token_secret": "hub"}),
    "llmisvc-prefill-decode": (
        "gpt-oss-120b-h100", {"target": "llmisvc", "prefill_replicas": 2, "autoscaling": "none"},
    ),
    "llmisvc-two-nodes-v1alpha1": (
        "deepseek-v3-h100-two-nodes", {"target": "llmisvc", "kserve_version": "0.16", "autoscaling": "hpa"},
    ),
    "llmisvc-simulator": ("llama-8b-h100", {"target": "llmisvc", "simulator": True}),
}  # fmt: skip

STACK_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "small": ("mistral-7b-a10g", {"autoscaling": "none", "monitoring": "none"}),
    "full": ("llama-70b-h100-tp4", {"hub_token_secret": "hub", "api_key_secret": "keys", "owner": "Ann",
                                    "cache_storage_class": "shared", "image_pull_secret": "pull",
                                    "monitoring_labels": {"release": "prometheus"}}),
}  # fmt: skip


def specification(**changes: Any) -> DeploymentSpec:
    lengths = {"mean": 1000.0, "p50": 900.0, "p90": 2000.0, "p99": 3000.0}
    values: dict[str, Any] = {
        "option_id": "abc12345", "kind": "rental", "quantization": "bf16", "gpu_count": 1,
        "engine": {"max_model_len": 8192},
        "objectives": [{"metric": "ttft", "percentile": 90, "bound_ms": 200},
                       {"metric": "tpot", "percentile": 90, "bound_ms": 30},
                       {"metric": "e2e", "percentile": 90, "bound_ms": 7000}],
        "traffic": {"request_rate_rps": 10.0, "isl": lengths, "osl": lengths},
        **LLAMA,
    }  # fmt: skip
    return read_specification({**values, **changes})


def made(plan: str, values: dict[str, Any]) -> tuple[Release, tuple[Manifest, ...]]:
    built = release(specification(**PLANS[plan]), read_settings(values), load())
    return built, render(built)


def one(manifests: tuple[Manifest, ...], kind: str) -> Any:
    (found,) = [entry for entry in objects_of(manifests) if entry["kind"] == kind]
    return found


@pytest.mark.parametrize("case", CASES)
def test_manifests_are_as_signed_and_valid(case: str, update_golden: bool) -> None:
    built, manifests = made(*CASES[case])
    text = "".join(f"# {manifest.file}\n---\n{manifest.text}" for manifest in manifests)
    if update_golden:
        (GOLDEN / f"{case}.yaml").write_text(text)
    assert text == (GOLDEN / f"{case}.yaml").read_text()
    assert errors(check(built, manifests)) == ()
    assert render(built) == manifests


def test_the_default_never_trusts_code_nor_follows_a_moving_tag() -> None:
    for plan, values in CASES.values():
        _, manifests = made(plan, values)
        text = "".join(manifest.text for manifest in manifests)
        assert "trust-remote-code" not in text
        assert ":latest" not in text
    _, asked = made("llama-8b-h100", {"trust_remote_code": True})
    assert "--trust-remote-code" in one(asked, "InferenceService")["spec"]["predictor"]["model"]["args"]


def test_what_the_plan_says_reaches_the_engine() -> None:
    spec = specification(
        engine={"max_model_len": 16384, "max_num_seqs": 77, "max_num_batched_tokens": 4096,
                "gpu_memory_utilization": 0.85}, tensor_parallel=2, gpu_count=2,
    )  # fmt: skip
    built = release(spec, read_settings({"revision": "abc", "kv_cache_dtype": "fp8", "speculative_tokens": 4}), load())
    arguments = built.arguments
    for wanted in (
        "--max-model-len=16384", "--max-num-seqs=77", "--max-num-batched-tokens=4096", "--tensor-parallel-size=2",
        "--gpu-memory-utilization=0.85", "--revision=abc", "--kv-cache-dtype=fp8", "--enable-prefix-caching",
        '--speculative-config={"method":"ngram","num_speculative_tokens":4,"prompt_lookup_max":4}',
    ):  # fmt: skip
        assert wanted in arguments
    assert {argument.partition("=")[0] for argument in arguments[1:]} <= vllm_release().flags
    assert arguments[0] == spec.model_id


def test_histograms_hold_every_objective_so_that_alerts_can_read_them() -> None:
    _, manifests = made("llama-8b-h100", {})
    model = one(manifests, "InferenceService")["spec"]["predictor"]["model"]
    (buckets,) = [argument for argument in model["args"] if argument.startswith("--custom-histogram-buckets")]
    assert '"time_to_first_token":[' in buckets
    assert ",0.2," in buckets
    rules = one(manifests, "PrometheusRule")["spec"]["groups"][0]["rules"]
    bounds = {bound for rule in rules for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert bounds == {"0.2", "0.03", "7.0"}


def test_alerts_on_the_simulator_ask_for_edges_that_its_histograms_are_given() -> None:
    built, manifests = made("llama-8b-h100", {"simulator": True, "time_factor": 7})
    (given,) = re.findall(r"--custom-histogram-buckets=({.+})", "\n".join(built.arguments))
    edges = {edge for bounds in json.loads(given).values() for edge in bounds}
    rules = one(manifests, "PrometheusRule")["spec"]["groups"][0]["rules"]
    bounds = {float(bound) for rule in rules for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert len(bounds) == 3
    assert bounds <= edges


def test_burn_rates_can_be_reached() -> None:
    _, manifests = made("llama-8b-h100", {})
    limits = [
        float(limit)
        for rule in one(manifests, "PrometheusRule")["spec"]["groups"][0]["rules"]
        for limit in re.findall(r"_count.*?> ([\d.]+)", rule["expr"])
    ]
    assert limits
    assert all(0 < limit < 1 for limit in limits)


@pytest.mark.parametrize("target", ["kserve", "vanilla"])
@pytest.mark.parametrize(("autoscaling", "kind"), [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_autoscaling_reaches_a_deployment_and_never_goes_below_the_plan(
    target: str, autoscaling: str, kind: str
) -> None:
    built, manifests = made("llama-8b-h100", {"target": target, "autoscaling": autoscaling})
    spec = one(manifests, kind)["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": built.workload}
    assert spec.get("minReplicaCount", spec.get("minReplicas")) == built.spec.replicas == 2
    if target == "kserve":
        annotations = one(manifests, "InferenceService")["metadata"]["annotations"]
        assert annotations["serving.kserve.io/autoscalerClass"] == "external"
    else:
        assert "replicas" not in one(manifests, "Deployment")["spec"]


@pytest.mark.parametrize(("version", "mode"), [("0.14", "RawDeployment"), ("0.15", "RawDeployment"),
                                               ("0.16", "Standard"), ("0.21", "Standard")])  # fmt: skip
def test_the_deployment_mode_is_spelled_as_the_cluster_knows_it(version: str, mode: str) -> None:
    _, manifests = made("llama-8b-h100", {"kserve_version": version})
    assert one(manifests, "InferenceService")["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == mode


def test_the_simulator_asks_for_no_card() -> None:
    for target in ("kserve", "vanilla", "llmisvc"):
        _, manifests = made("llama-8b-h100", {"target": target, "simulator": True})
        assert "nvidia.com/gpu" not in "".join(manifest.text for manifest in manifests)


def test_probes_allow_a_large_model_its_time() -> None:
    small = made("mistral-7b-a10g", {})[0].sizing
    large = made("deepseek-v3-h100-two-nodes", {"target": "vanilla"})[0].sizing
    assert 10 * small.startup_failures >= 2 * small.expected_start_s
    assert large.expected_start_s > 10 * small.expected_start_s > 1000


def test_a_replica_over_two_nodes_is_one_group_with_one_leader() -> None:
    built, manifests = made("deepseek-v3-h100-two-nodes", {"target": "vanilla"})
    group = one(manifests, "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    assert group["size"] == built.pods_per_replica == 2
    leader, worker = (group[role]["spec"]["containers"][0]["args"] for role in ("leaderTemplate", "workerTemplate"))
    assert {"--nnodes=2", "--node-rank=$(LWS_WORKER_INDEX)"} <= set(leader) & set(worker)
    assert "--headless" in worker
    assert "--headless" not in leader
    assert one(manifests, "Service")["spec"]["selector"]["sextant.dev/role"] == "leader"


def test_secrets_are_named_and_never_rendered() -> None:
    _, manifests = made("llama-8b-h100", {"hub_token_secret": "hub", "api_key_secret": "keys"})
    assert not [entry for entry in objects_of(manifests) if entry["kind"] == "Secret"]
    names = {entry["name"]: entry["valueFrom"]["secretKeyRef"]
             for entry in one(manifests, "InferenceService")["spec"]["predictor"]["model"]["env"]
             if "valueFrom" in entry}  # fmt: skip
    assert names == {"HF_TOKEN": {"name": "hub", "key": "token"}, "VLLM_API_KEY": {"name": "keys", "key": "api-key"}}


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["x\n  privileged: true", '"}, evil: {a: b', "{{ r.name }}", "{% raw %}", "a: b", "- x", "#c",
         "&a", "*a", "!!int 1",
         "yes", "null", "~", "1e3", "0x1F", "2026-01-01", "a\u0085b", "a\u2028b", "\ufeff", "\U0001f600",
         "$(HOME)", "'", '"',
         "\\", "|-", ">", "@", "`", "%", "---", "...", "? a", "\x7f", "\x9f"]
    ),
)  # fmt: skip


@given(HOSTILE)
@settings(max_examples=300, deadline=None)
def test_any_text_reads_back_as_itself(text: str) -> None:
    for place in (f"k: {scalar(text)}\n", f"- {scalar(text)}\n- x\n", f"{{a: [{scalar(text)}]}}\n"):
        parsed = yaml.safe_load(place)
        assert parsed in ({"k": text}, [text, "x"], {"a": [text]})


@given(model=HOSTILE.filter(bool), option=HOSTILE, owner=HOSTILE, checkpoint=HOSTILE)
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("target", ["kserve", "vanilla", "llmisvc"])
def test_hostile_names_never_break_out_of_their_fields(
    target: str, model: str, option: str, owner: str, checkpoint: str
) -> None:
    values = {"target": target, "owner": owner, "checkpoint": checkpoint}
    try:
        hostile = release(specification(model_id=model, option_id=option), read_settings(values), load())
    except BadInput as refused:
        refused_field = refused.field
    else:
        refused_field = None
    if refused_field is not None:
        assert refused_field in {"owner", "checkpoint", "model"}  # control characters, or a name like a flag
        return
    chosen = {"target": target, "name": hostile.name, "checkpoint": "c"}
    plain = render(release(specification(), read_settings(chosen), load()))
    manifests = render(hostile)
    for ours, reference in zip(manifests, plain, strict=True):
        assert shape(ours.objects) == shape(reference.objects)
    if target == "vanilla":
        stack = production_stack(hostile)
        assert shape(stack.objects) == shape(
            production_stack(release(specification(), read_settings(chosen), load())).objects
        )
        (served,) = stack.objects[0]["servingEngineSpec"]["modelSpec"]
        assert served["modelURL"] == checkpoint.replace("$", "$$")
    texts = [text for entry in objects_of(manifests) for _, text in strings_of(entry)]
    assert f"--served-model-name={model}".replace("$", "$$") in texts
    assert (f"hf://{checkpoint}" if target == "llmisvc" else checkpoint.replace("$", "$$")) in texts
    main = next(entry for entry in objects_of(manifests) if entry["kind"] in MAIN_KINDS)
    assert main["metadata"]["annotations"]["sextant.dev/owner"] == owner
    assert main["metadata"]["annotations"]["sextant.dev/option"] == option


def shape(value: Any) -> Any:
    """Keys, lengths and types, without texts."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [shape(entry) for entry in value]
    return type(value).__name__


@given(st.text(max_size=200))
def test_a_release_name_is_always_a_name(model_id: str) -> None:
    name = release_name(model_id)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 40


def test_no_comment_of_a_template_holds_free_text() -> None:
    for path in TEMPLATES.glob("*.j2"):
        for line in path.read_text().splitlines():
            comment = re.search(r"(^|\s)# (.*)", line)
            holes = re.findall(r"{{(.*?)}}", comment.group(2)) if comment else []
            assert all("sizing" in hole for hole in holes), (path.name, line)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"namespace": "Prod"}, "namespace"), ({"namespace": "a\nb"}, "namespace"), ({"name": "1st"}, "name"),
        ({"image": "vllm/vllm-openai"}, "image"), ({"team": "a b"}, "team"), ({"host": "http://x"}, "host"),
        ({"tls_secrets": "x"}, "tls_secrets"), ({"node_selector": {"a b": "c"}}, "node_selector"),
        ({"prometheus_url": "http://p\n- x"}, "prometheus_url"),
        ({"kubernetes_version": "latest"}, "kubernetes_version"),
        ({"owner": "a\nb"}, "owner"), ({"repository_path": "../etc/x"}, "repository_path"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused_by_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_settings(values)
    assert (caught.value.field or "").startswith(field)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"access": "ingress", "host": "a.example.org"}, "tls_secret"),
        ({"access": "httproute"}, "host"),
    ],
)
def test_access_without_what_it_needs_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        made("llama-8b-h100", values)
    assert caught.value.field == field


def test_a_replica_that_spans_nodes_is_sent_to_a_target_that_can() -> None:
    with pytest.raises(BadInput, match="over 2 nodes"):
        render(release(specification(**PLANS["deepseek-v3-h100-two-nodes"]), Settings(), load()))


def test_an_unknown_card_is_refused() -> None:
    with pytest.raises(NotFound, match="NVIDIA-X"):
        release(specification(gpu_type="NVIDIA-X"), Settings(), load())


@pytest.mark.parametrize(
    ("values", "spec", "problem"),
    [
        ({}, {"gpu_type": "NVIDIA-L4-24GB", "model_id": "meta-llama/Llama-3.3-70B-Instruct"}, "GiB"),
        ({"quota_gpus": 1}, {"replicas": 4, "gpu_count": 4}, "the quota allows 1"),
        ({}, {"quantization": "int4", "model_id": "google/gemma-2-9b-it"}, "int4"),
        ({}, {"gpu_type": "AMD-MI300X-192GB"}, "built for NVIDIA"),
        ({"kubernetes_version": "1.99"}, {}, "no schemas of Kubernetes 1.99"),
        ({"image": "vllm/vllm-openai:latest"}, {}, "not pinned"),
    ],
)
def test_what_cannot_work_is_found_before_a_cluster_sees_it(
    values: dict[str, Any], spec: dict[str, Any], problem: str
) -> None:
    built = release(specification(**spec), read_settings(values), load())
    found = errors(check(built, render(built)))
    assert any(problem in finding.problem for finding in found)
    assert all(finding.subject and finding.cure for finding in found)


def inference_service(**predictor: Any) -> dict[str, Any]:
    _, manifests = made("llama-8b-h100", {})
    entry: dict[str, Any] = yaml.safe_load(yaml.safe_dump(one(manifests, "InferenceService")))
    entry["spec"]["predictor"].update(predictor)
    return entry


@pytest.mark.parametrize(
    ("predictor", "field"),
    [
        ({"minReplicaz": 1}, "spec.predictor.minReplicaz"),
        ({"minReplicas": "two"}, "spec.predictor.minReplicas"),
        ({"minReplicas": 9}, "spec.predictor.maxReplicas"),
        ({"sklearn": {"storageUri": "s3://x"}}, "spec.predictor"),
        ({"model": {"runtime": "x"}}, "spec.predictor.model.modelFormat"),
        ({"workerSpec": {}}, "metadata.annotations"),
        ({"canaryTrafficPercent": 101}, "spec.predictor.canaryTrafficPercent"),
    ],
)
def test_what_kserve_refuses_is_refused_here(predictor: dict[str, Any], field: str) -> None:
    assert field in {finding.field for finding in errors(check_object(inference_service(**predictor), "1.36"))}


def test_an_unknown_field_of_a_core_object_is_named() -> None:
    entry = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"portz": []}}
    (found,) = errors(check_object(entry, "1.36"))
    assert (found.subject, found.field) == ("Service/a", "spec.portz")


def test_metrics_that_vllm_no_longer_has_are_found() -> None:
    built, manifests = made("llama-8b-h100", {})
    rule = yaml.safe_load(next(m.text for m in manifests if m.file == "prometheus_rule.yaml"))
    rule["spec"]["groups"][0]["rules"][0]["expr"] = "vllm:gpu_cache_usage_perc > 1"
    found = errors(check(built, (Manifest("x", "", (rule,)),)))
    assert any("vllm:gpu_cache_usage_perc" in finding.problem for finding in found)


@pytest.mark.parametrize("case", STACK_CASES)
def test_values_for_the_production_stack_are_as_signed_and_well_formed(case: str, update_golden: bool) -> None:
    plan, values = STACK_CASES[case]
    built = release(specification(**PLANS[plan]), read_settings(values), load())
    manifest = production_stack(built)
    path = GOLDEN / f"production-stack-{case}.yaml"
    if update_golden:
        path.write_text(manifest.text)
    assert manifest.text == path.read_text()
    assert errors(check_values(manifest)) == ()
    assert any("no Helm ran" in finding.problem for finding in check_values(manifest))
    (model,) = manifest.objects[0]["servingEngineSpec"]["modelSpec"]
    named = {flag.partition("=")[0] for flag in model["vllmConfig"]["extraArgs"]}
    assert not named & {"--port", "--host", "--max-model-len", "--max-num-seqs"}  # the chart sets these itself
    assert "--served-model-name" in named
    misspelt = yaml.safe_load(manifest.text)
    misspelt["servingEngineSpec"]["modelSpec"][0]["replicaCounts"] = 2
    (found,) = errors(check_values(Manifest("x", "", (misspelt,))))
    assert "replicaCounts" in found.problem


@pytest.mark.parametrize(
    ("plan", "values"),
    [("deepseek-v3-h100-two-nodes", {"target": "vanilla"}), ("llama-8b-h100", {"simulator": True})],
)
def test_what_the_production_stack_cannot_run_is_refused(plan: str, values: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="production stack"):
        production_stack(release(specification(**PLANS[plan]), read_settings(values), load()))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (of Debian's prometheus) is not installed")
def test_prometheus_itself_accepts_every_rule_and_query(tmp_path: Path) -> None:
    _, manifests = made("llama-8b-h100", {})
    queries = [target["expr"] for panel in _dashboard(manifests)["panels"] for target in panel["targets"]]
    queries += [trigger["metadata"]["query"] for trigger in one(manifests, "ScaledObject")["spec"]["triggers"]]
    recorded = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    groups = [*one(manifests, "PrometheusRule")["spec"]["groups"], {"name": "queries", "rules": recorded}]
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    checked = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _dashboard(manifests: tuple[Manifest, ...]) -> Any:
    (text,) = next(m for m in manifests if m.file == "dashboard.yaml").objects[0]["data"].values()
    return json.loads(text)
