"""Whom a load test may load: the person's own machine, their own deployments, and hosts they name."""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from knowledge.errors import BadInput


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server; `base_path` is what stands before `/v1`."""

    host: str
    port: int
    tls: bool = False
    base_path: str = ""

    @property
    def url(self) -> str:
        """The address without `/v1`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.base_path}"


def read_endpoint(url: str) -> Endpoint:
    """An endpoint from its address, with or without a trailing `/v1`; BadInput when it is no http(s) address."""
    cure = "write it like http://127.0.0.1:8000"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise BadInput(f"not an address: {url[:80]!r}", cure, field="url") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadInput(f"not an http address: {url[:80]!r}", cure, field="url")
    tls = parts.scheme == "https"
    base_path = parts.path.rstrip("/").removesuffix("/v1")
    if any(character in base_path for character in "\r\n \t"):
        raise BadInput(f"not an http address: {url[:80]!r}", cure, field="url")
    return Endpoint(parts.hostname, port or (443 if tls else 80), tls, base_path)


def permit(url: str, *, own: Collection[str] = (), allowed_hosts: Collection[str] = ()) -> Endpoint:
    """The endpoint, when it may be loaded; BadInput otherwise.

    Permitted are loopback addresses, the addresses of the person's own deployments (`own`), and hosts named for the
    purpose. A host name is compared as it is written, never resolved.
    """
    endpoint = read_endpoint(url)
    if is_loopback(endpoint.host) or (endpoint.host, endpoint.port) in {_address(url) for url in own}:
        return endpoint
    if endpoint.host in {host.strip().lower() for host in allowed_hosts}:
        return endpoint
    raise BadInput(
        f"{endpoint.host} is not one of your deployments, and a load test can hurt a stranger's service",
        f"if you may load it, name it: --allow-host {endpoint.host}",
        field="url",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(url: str) -> tuple[str, int]:
    endpoint = read_endpoint(url)
    return endpoint.host, endpoint.port
