"""Manifests as files: a plain folder, or a Kustomize tree with Argo CD and Flux objects in a repository."""

import subprocess
from pathlib import Path

from knowledge.errors import BadInput, StateUnusable
from knowledge.files import write_whole
from tools.kubernetes.release import Release
from tools.kubernetes.rendering import Manifest, render_template

_COMMIT_TIMEOUT_S = 60


def gitops(release: Release, manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The tree of a release: `base/` with everything that is applied, and how Argo CD and Flux find it.

    Advice that is no object stays beside the tree. Only the structure is checked; no kustomize runs here.
    """
    if release.settings.repository_url is None or release.settings.repository_path is None:
        raise BadInput(
            "Argo CD and Flux need to know the repository",
            "set repository_url and repository_path, such as https://git.example.org/platform.git and apps/llm",
            field="repository_url",
        )
    applied = [manifest for manifest in manifests if any("apiVersion" in entry for entry in manifest.objects)]
    advice = [manifest for manifest in manifests if manifest not in applied]
    context = {"r": release, "files": [manifest.file for manifest in applied]}
    return (
        *(Manifest(f"base/{manifest.file}", manifest.text, manifest.objects) for manifest in applied),
        _at("base/kustomization.yaml", render_template("kustomization", context)),
        _at("argocd/application.yaml", render_template("argo_application", context)),
        _at("flux/kustomization.yaml", render_template("flux_kustomization", context)),
        *(Manifest(f"advice/{manifest.file}", manifest.text, manifest.objects) for manifest in advice),
    )


def write(folder: Path, manifests: tuple[Manifest, ...]) -> tuple[Path, ...]:
    """Write every file whole or not at all; StateUnusable when the folder cannot be written."""
    written = tuple(folder / manifest.file for manifest in manifests)
    try:
        for path, manifest in zip(written, manifests, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, manifest.text)
    except OSError as error:
        raise StateUnusable(
            f"{folder} cannot be written: {error.strerror}", "name a folder you can write to"
        ) from error
    return written


def commit(folder: Path, paths: tuple[Path, ...], message: str) -> str:
    """Commit these files, and only them, in the repository around `folder`; empty when nothing changed."""
    files = [str(path) for path in paths]
    _git(folder, "add", "--", *files)
    if not _git(folder, "status", "--porcelain", "--", *files).strip():
        return ""
    _git(folder, "commit", "--quiet", "--message", message, "--", *files)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMIT_TIMEOUT_S, check=False)  # noqa: S603 - fixed program, arguments are never read by a shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"git did not run in {folder}: {error}", "install git", field="gitops") from error
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise BadInput(
            f"git {arguments[0]} failed in {folder}: {words}", "name a folder of a repository", field="gitops"
        )
    return done.stdout


def _at(file: str, manifest: Manifest) -> Manifest:
    return Manifest(file, manifest.text, manifest.objects)
