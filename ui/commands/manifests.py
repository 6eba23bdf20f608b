"""`sextant manifests`: a plan as Kubernetes manifests, checked without a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tools.kubernetes.findings import Finding
    from tools.kubernetes.release import Release
    from tools.kubernetes.rendering import Manifest

FAULTY = 3
PRODUCTION_STACK = "production-stack"


def manifests(
    text: Annotated[str, typer.Argument(help="What you need, in words.")] = "",
    *,
    spec: Annotated[str, typer.Option(help="A file (specification, plan or intent as JSON), or words.")] = "",
    option: Annotated[str | None, typer.Option(help="Id of the option; the best one that can be deployed.")] = None,
    target: Annotated[
        str | None,
        typer.Option(help="kserve (default), vanilla, llmisvc; production-stack: values for its Helm chart."),
    ] = None,
    simulator: Annotated[bool, typer.Option(help="Run the simulator in place of vLLM: no GPU is asked for.")] = False,
    namespace: Annotated[str | None, typer.Option(help="Namespace to deploy to.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the release; from the model if left out.")] = None,
    settings: Annotated[Path | None, typer.Option(help="JSON file of settings (docs/kubernetes.md).")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="One setting: name=value.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the files into this folder.")] = None,
    gitops: Annotated[Path | None, typer.Option(help="Write a Kustomize tree with Argo CD and Flux here.")] = None,
    commit: Annotated[bool, typer.Option(help="Commit the tree of --gitops.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Also check against this cluster: rights, cards, a dry run.")
    ] = None,
    own: Annotated[bool, typer.Option(help="Show the manifests of Sextant itself: its rights and its server.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Render the manifests of an option and report what is wrong with them. Nothing is applied.

    Exit code 3: something must be mended first; the manifests are shown all the same.
    """
    import sys

    from knowledge.errors import BadInput
    from tools.kubernetes.findings import errors
    from tools.kubernetes.release import release
    from tools.kubernetes.tree import commit as commit_files
    from tools.kubernetes.tree import gitops as gitops_tree
    from tools.kubernetes.tree import write
    from ui.kubernetes_settings import kubernetes_settings
    from ui.output import print_json
    from ui.own import known_models, own_experience
    from ui.settings import read_settings
    from ui.specifications import specification

    values_only = target == PRODUCTION_STACK
    chosen = kubernetes_settings(
        settings,
        sets or (),
        target="vanilla" if values_only else target,
        simulator=simulator or None,
        namespace=namespace,
        name=name,
    )
    if own:
        from tools.kubernetes.own import own_manifests

        files = own_manifests(chosen)
        write(out, files) if out is not None else None
        sys.stdout.write(_shown(files, out))
        return
    if bool(text.strip()) == bool(spec.strip()):
        raise BadInput("say what to render", "give words or --spec FILE, and not both", field="spec")
    snapshot = known_models()
    wanted = specification(spec or text, option, snapshot, own_experience())
    made = release(wanted, chosen, snapshot)
    if values_only and (kubeconfig is not None or gitops is not None):
        raise BadInput("values are for Helm: no cluster is asked and no tree is written", "use --out", field="target")
    rendered, found = _rendered(made, values_only=values_only)
    if kubeconfig is not None:
        from tools.kubernetes.target import KubernetesTarget
        from ui.records import own_records

        door = KubernetesTarget(
            read_settings().home, snapshot, settings=chosen, kubeconfig=kubeconfig, records=own_records()
        )
        found = tuple(dict.fromkeys((*found, *door.check(wanted))))
    folder, files = out, rendered
    if gitops is not None:
        folder, files = gitops, gitops_tree(made, rendered)
    written = write(folder, files) if folder is not None else ()
    revision = commit_files(gitops, written, f"Deploy {made.name}") if gitops is not None and commit else ""
    if json:
        body = [{"file": manifest.file, "text": manifest.text} for manifest in files]
        print_json(
            {"release": made.name, "plan_hash": made.plan_hash, "manifests": body, "commit": revision,
             "findings": [finding.to_json() for finding in found]},
            snapshot=snapshot.version,
        )  # fmt: skip
    else:
        sys.stdout.write(_shown(files, folder))
        sys.stderr.write(_reported(found, tree=gitops is not None))
    if errors(found):
        raise typer.Exit(FAULTY)


def _rendered(made: "Release", *, values_only: bool) -> "tuple[tuple[Manifest, ...], tuple[Finding, ...]]":
    """Manifests, or values for the chart of the production stack, and what is wrong with them."""
    from tools.kubernetes.production_stack import check_values, production_stack
    from tools.kubernetes.rendering import render
    from tools.kubernetes.validation import check

    if values_only:
        values = production_stack(made)
        return (values,), (*check(made, ()), *check_values(values))
    rendered = render(made)
    return rendered, check(made, rendered)


def _shown(files: "tuple[Manifest, ...]", folder: Path | None) -> str:
    if folder is not None:
        return "".join(f"{folder / manifest.file}\n" for manifest in files)
    return "".join(f"# {manifest.file}\n---\n{manifest.text}" for manifest in files)


def _reported(found: "tuple[Finding, ...]", *, tree: bool) -> str:
    lines = [str(finding) for finding in found] or ["nothing found wrong without a cluster"]
    if tree:
        lines.append("note: the tree's structure was checked; no kustomize, Argo CD or Flux ran")
    return "\n".join(lines) + "\n"
