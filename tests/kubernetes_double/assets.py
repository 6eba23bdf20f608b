"""A real API server instead of the double: etcd and kube-apiserver of KUBEBUILDER_ASSETS, with the bundled CRDs.

`python -m kubernetes_double.assets KUBECONFIG`, with tests/ on the path; ends with its parent's SIGTERM.
"""

import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .kinds import ROOT

TOKEN = "tok-admin"  # noqa: S105 - of a server that only this machine reaches
_READY_S = 120


def main() -> int:
    kubeconfig, folder = Path(sys.argv[1]), Path(tempfile.mkdtemp(prefix="kube-assets-"))
    assets = Path(os.environ["KUBEBUILDER_ASSETS"])
    client, peer, secure = (_free_port() for _ in range(3))
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,uid,"system:masters"\n')
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "sa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    etcd_url, peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    started = [
        subprocess.Popen([
            str(assets / "etcd"), f"--data-dir={folder / 'etcd'}", f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}", f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}", f"--initial-cluster=default={peer_url}", "--unsafe-no-fsync",
        ], stderr=subprocess.DEVNULL),
        subprocess.Popen([
            str(assets / "kube-apiserver"), f"--etcd-servers={etcd_url}", f"--secure-port={secure}",
            "--bind-address=127.0.0.1", f"--cert-dir={folder / 'certs'}",
            f"--service-account-key-file={folder / 'sa.key'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC", f"--token-auth-file={folder / 'tokens.csv'}",
            "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true",
        ], stderr=subprocess.DEVNULL),
    ]  # fmt: skip
    server = f"https://127.0.0.1:{secure}"
    try:
        _until_ready(server)
        for path in sorted((ROOT / "knowledge" / "data" / "crds").glob("*.json.gz")):
            _post(f"{server}/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                  json.loads(gzip.decompress(path.read_bytes())))  # fmt: skip
        _post(f"{server}/api/v1/namespaces", {"metadata": {"name": "inference"}})
        draft = kubeconfig.with_suffix(".draft")
        draft.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "assets",
            "clusters": [{"name": "assets", "cluster": {"server": server,
                                                       "certificate-authority": str(folder / "certs/apiserver.crt")}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "assets", "context": {"cluster": "assets", "user": "admin"}}],
        }))  # fmt: skip
        draft.replace(kubeconfig)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)
    return 0


def _until_ready(server: str) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            _request(f"{server}/readyz")
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _post(url: str, body: Any) -> None:
    _request(url, json.dumps(body).encode())


def _request(url: str, body: bytes | None = None) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    request = urllib.request.Request(  # noqa: S310 - always https to this machine
        url, body, {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, context=context, timeout=10).close()  # noqa: S310 - as above


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
