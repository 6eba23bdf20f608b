"""The simulator by HTTPS, with the clients that people use; and files that are no certificate."""

import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import openai
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from knowledge.errors import BadInput
from tools.simulator.tls import tls_context

FIXED = ("--model", "m", "--ttft-ms", "1", "--tpot-ms", "1")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, ssl.SSLContext]:
    """Certificate, key, and what trusts them."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return str(certificate), str(key), trusting


def test_the_openai_client_streams_by_https(
    files: tuple[str, str, ssl.SSLContext], start_simulator: Callable[..., AbstractContextManager[str]]
) -> None:
    certificate, key, trusting = files
    with start_simulator(*FIXED, "--ssl-certfile", certificate, "--ssl-keyfile", key) as url:
        assert url.startswith("https://127.0.0.1:")
        with openai.OpenAI(
            base_url=f"{url}/v1", api_key="none", http_client=openai.DefaultHttpxClient(verify=trusting)
        ) as client:
            chunks = list(
                client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "hello"}], stream=True, max_completion_tokens=50
                )
            )
        assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 10
        with httpx.Client(trust_env=False) as stranger:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                stranger.get(f"{url}/health")
            with pytest.raises(httpx.HTTPError):
                stranger.get(f"{url.replace('https', 'http')}/health")
        with httpx.Client(verify=trusting) as client_again:
            assert client_again.get(f"{url}/health").status_code == 200


def test_what_is_no_certificate_is_refused_in_one_line(files: tuple[str, str, ssl.SSLContext], tmp_path: Path) -> None:
    certificate, key, _ = files
    assert tls_context(None, None) is None
    assert tls_context(certificate, key) is not None
    with pytest.raises(BadInput, match="of no use alone"):
        tls_context(None, key)
    with pytest.raises(BadInput, match=r"none\.pem cannot be read: No such file"):
        tls_context(certificate, str(tmp_path / "none.pem"))
    with pytest.raises(BadInput, match="no certificate with its key"):
        tls_context(certificate, None)
    other = tmp_path / "other.key"
    other.write_bytes(trustme.CA().issue_cert("a").private_key_pem.bytes())
    with pytest.raises(BadInput, match="key values mismatch"):
        tls_context(certificate, str(other))


def test_a_key_with_a_password_is_refused_without_asking(
    files: tuple[str, str, ssl.SSLContext], tmp_path: Path
) -> None:
    certificate, key, _ = files
    secret = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(BadInput, match="no certificate with its key"):
        tls_context(certificate, str(locked))
