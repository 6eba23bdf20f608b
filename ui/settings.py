"""Settings: the only module that reads the environment."""

import gc
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from knowledge.errors import BadInput


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which language model to use, and where."""

    kind: str
    name: str
    url: str | None = None
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """The Kubernetes cluster that conversations may deploy to, by kubeconfig or context, and its file of settings."""

    kubeconfig: Path | None = None
    context: str | None = None
    settings: Path | None = None


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """A proxy: the addresses that it is believed from, and the header in which it names people, if it signs them in."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    header: str = ""

    def trusts(self, address: str) -> bool:
        """Whether requests from this address come from the proxy."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        known = found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
        return any(known in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """The Slack app (docs/slack.md). `deployers`: ids of the people who may deploy from Slack, `*` for everybody."""

    signing_secret: str = field(repr=False)
    bot_token: str = field(repr=False)
    api_url: str = "https://slack.com/api"
    deployers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says, with defaults."""

    home: Path
    """State directory (`SEXTANT_HOME`, default `~/.local/state/sextant`): conversations, deployments, price history."""
    database_url: str | None = field(default=None, repr=False)
    """A PostgreSQL database for conversations, records and chats of several processes (`SEXTANT_DATABASE_URL`)."""
    concurrency: Mapping[str, int] = field(default_factory=dict)
    """How much runs at once in a process (`SEXTANT_CONCURRENCY`, as in `turns=64,uploads=2`; see ui/concurrency.py)."""
    model_name: str | None = None
    """Model that `sextant simulator` serves when no flag says so (`MODEL_NAME`)."""
    gpu_type: str | None = None
    """Accelerator that `sextant simulator` simulates when no flag says so (`GPU_TYPE`)."""
    tensor_parallel_size: int | None = None
    """Cards per replica of `sextant simulator` when no flag says so (`TENSOR_PARALLEL_SIZE`)."""
    benchmarks_path: str | None = None
    """Measurements that `sextant simulator` takes its times from when no flag says so (`BENCHMARKS_PATH`)."""
    price_keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of price services, by connector: `SEXTANT_KEY_TOGETHER`, `_FAL`, `_GCP`, `_LAMBDA_CLOUD`."""
    price_urls: Mapping[str, str] = field(default_factory=dict)
    """Other addresses of price services, by connector: `SEXTANT_PRICE_URLS`, as in `openrouter=http://host/api/v1`."""
    price_regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Regions that `aws` and `azure` prices are read for: `SEXTANT_PRICE_REGIONS`, as in `aws=us-east-1 eu-west-1`."""
    price_folder: Path | None = None
    """Folder of CSV files with negotiated prices (`SEXTANT_PRICE_FOLDER`, default `prices` in the state directory)."""
    language_model: ModelChoice | None = None
    """A language model to help understanding and phrasing: `SEXTANT_MODEL`, as in `ollama:llama3.1:8b`, `openai:NAME`
    or `anthropic:NAME`; address `SEXTANT_MODEL_URL`, key `SEXTANT_MODEL_KEY`. Without it the rules work alone."""
    slack: SlackSettings | None = None
    """The Slack app: `SEXTANT_SLACK_SIGNING_SECRET`, `_BOT_TOKEN`, `_API_URL`, `_DEPLOYERS`. None: no Slack."""
    hub_url: str = "https://huggingface.co"
    """Model hub that `sextant models add` asks: `SEXTANT_HUB_URL`, the Hugging Face hub or a private one like it."""
    hub_token: str | None = None
    """Token for the model hub (`HF_TOKEN`), needed for gated and private models."""
    cluster: ClusterChoice | None = None
    """A cluster to deploy to from a conversation: `SEXTANT_KUBECONFIG` or `SEXTANT_KUBE_CONTEXT`, and optionally
    `SEXTANT_KUBERNETES_SETTINGS`, a JSON file of the settings in docs/kubernetes.md."""
    prometheus_url: str = ""
    """Prometheus that watches deployments (`SEXTANT_PROMETHEUS_URL`), for links and findings in the conversation."""
    prometheus_token: str = field(default="", repr=False)
    """Bearer token for that Prometheus (`SEXTANT_PROMETHEUS_TOKEN`)."""
    grafana_url: str = ""
    """Grafana with the deployments' dashboards (`SEXTANT_GRAFANA_URL`), for links."""
    proxy: TrustedProxy | None = None
    """A proxy in front: `SEXTANT_PROXY_ADDRESSES`, as in `127.0.0.1,10.0.0.0/24`, says where X-Forwarded-For and -Proto
    are believed from; with `SEXTANT_PROXY_HEADER`, as in `X-Forwarded-User`, it also says who somebody is."""
    oauth: bool = False
    """Whether a provider of Chainlit is configured (`OAUTH_GENERIC_CLIENT_ID`, `OAUTH_GITHUB_CLIENT_ID`, …)."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """How often one may ask, in place of the usual: `SEXTANT_LIMITS`, as in `person=600/minute,address=1200/minute`."""


KEY_PREFIX = "SEXTANT_KEY_"
MODEL_KINDS = ("ollama", "openai", "anthropic")


def read_settings() -> Settings:
    """Read the environment once."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    home = Path(os.environ.get("SEXTANT_HOME") or Path(state) / "sextant")
    return Settings(
        home=home,
        database_url=os.environ.get("SEXTANT_DATABASE_URL") or None,
        model_name=os.environ.get("MODEL_NAME") or None,
        gpu_type=os.environ.get("GPU_TYPE") or None,
        tensor_parallel_size=_positive("TENSOR_PARALLEL_SIZE"),
        benchmarks_path=os.environ.get("BENCHMARKS_PATH") or None,
        price_keys={
            name.removeprefix(KEY_PREFIX).lower(): key
            for name, key in os.environ.items()
            if name.startswith(KEY_PREFIX) and key
        },
        price_urls=_named("SEXTANT_PRICE_URLS"),
        price_regions={name: tuple(regions.split()) for name, regions in _named("SEXTANT_PRICE_REGIONS").items()},
        price_folder=Path(os.environ.get("SEXTANT_PRICE_FOLDER") or home / "prices"),
        language_model=_language_model(),
        slack=_slack(),
        hub_url=(os.environ.get("SEXTANT_HUB_URL") or "https://huggingface.co").rstrip("/"),
        hub_token=os.environ.get("HF_TOKEN") or None,
        cluster=_cluster(),
        prometheus_url=web_address("SEXTANT_PROMETHEUS_URL", os.environ.get("SEXTANT_PROMETHEUS_URL", "")),
        prometheus_token=os.environ.get("SEXTANT_PROMETHEUS_TOKEN", ""),
        grafana_url=web_address("SEXTANT_GRAFANA_URL", os.environ.get("SEXTANT_GRAFANA_URL", "")),
        proxy=_proxy(),
        oauth=any(
            name.startswith("OAUTH_") and name.endswith("_CLIENT_ID") and os.environ[name] for name in os.environ
        ),
        limits=_named("SEXTANT_LIMITS"),
        concurrency=_numbers("SEXTANT_CONCURRENCY"),
    )


def web_address(name: str, text: str) -> str:
    """An http(s) address without a slash at its end, or nothing. Raises BadInput that names the setting or flag."""
    address = text.strip().rstrip("/")
    if address and not address.startswith(("http://", "https://")):
        raise BadInput(
            f"{name} cannot be {address[:60]!r}", "write an address such as http://127.0.0.1:9090", field=name
        )
    return address


def _cluster() -> ClusterChoice | None:
    names = ("SEXTANT_KUBECONFIG", "SEXTANT_KUBE_CONTEXT", "SEXTANT_KUBERNETES_SETTINGS")
    kubeconfig, context, settings = (os.environ.get(name, "").strip() for name in names)
    if not kubeconfig and not context:
        return None
    return ClusterChoice(
        Path(kubeconfig) if kubeconfig else None, context or None, Path(settings) if settings else None
    )


def _language_model() -> ModelChoice | None:
    chosen = os.environ.get("SEXTANT_MODEL", "").strip()
    if not chosen:
        return None
    kind, _, name = chosen.partition(":")
    if kind not in MODEL_KINDS or not name:
        forms = ", ".join(f"{each}:NAME" for each in MODEL_KINDS)
        raise BadInput(f"SEXTANT_MODEL cannot be {chosen[:60]!r}", f"write one of {forms}", field="SEXTANT_MODEL")
    return ModelChoice(kind, name, os.environ.get("SEXTANT_MODEL_URL") or None, os.environ.get("SEXTANT_MODEL_KEY", ""))


def _proxy() -> TrustedProxy | None:
    header, addresses = (os.environ.get(f"SEXTANT_PROXY_{part}", "").strip() for part in ("HEADER", "ADDRESSES"))
    if not header and not addresses:
        return None
    if not addresses:
        raise BadInput("SEXTANT_PROXY_ADDRESSES is missing: a header is believed from named addresses only",
                       field="SEXTANT_PROXY_ADDRESSES")  # fmt: skip
    if header and not (header.isascii() and header.replace("-", "").isalnum()):
        raise BadInput(f"SEXTANT_PROXY_HEADER cannot be {header[:60]!r}", "X-Forwarded-User, for example",
                       field="SEXTANT_PROXY_HEADER")  # fmt: skip
    try:
        networks = tuple(ip_network(each.strip()) for each in addresses.split(",") if each.strip())
    except ValueError as error:
        raise BadInput(f"SEXTANT_PROXY_ADDRESSES: {error}", "write 127.0.0.1,10.0.0.0/24",
                       field="SEXTANT_PROXY_ADDRESSES") from error  # fmt: skip
    return TrustedProxy(networks, header.lower())


def _slack() -> SlackSettings | None:
    secret = os.environ.get("SEXTANT_SLACK_SIGNING_SECRET", "").strip()
    if not secret:
        return None
    token = os.environ.get("SEXTANT_SLACK_BOT_TOKEN", "").strip()
    if not token:
        raise BadInput("SEXTANT_SLACK_BOT_TOKEN is not set", "see docs/slack.md", field="SEXTANT_SLACK_BOT_TOKEN")
    people = os.environ.get("SEXTANT_SLACK_DEPLOYERS", "").replace(",", " ").split()
    if strange := [each for each in people if each != "*" and not each.isalnum()]:
        raise BadInput(
            f"SEXTANT_SLACK_DEPLOYERS cannot hold {strange[0][:40]!r}", "write member ids such as U012ABCDEF, or *",
            field="SEXTANT_SLACK_DEPLOYERS",
        )  # fmt: skip
    url = os.environ.get("SEXTANT_SLACK_API_URL") or "https://slack.com/api"
    return SlackSettings(secret, token, url, frozenset(people))


def _named(name: str) -> dict[str, str]:
    """Read `a=x,b=y`."""
    pairs = [part.partition("=") for part in os.environ.get(name, "").split(",") if part.strip()]
    if any(not key.strip() or not value.strip() for key, _, value in pairs):
        raise BadInput(f"{name} must be written like name=value,name=value", field=name)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _numbers(name: str) -> dict[str, int]:
    """Read `a=1,b=2`."""
    said = _named(name)
    for key, text in said.items():
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise BadInput(f"{name}: {key[:40]} must be a whole number above 0, not {text[:40]!r}", field=name)
    return {key: int(text) for key, text in said.items()}


def _positive(name: str) -> int | None:
    """A whole number above zero, or None when the variable is unset."""
    text = os.environ.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInput(f"{name} must be a whole number above 0, not {text[:40]!r}", field=name)
    return int(text)


def answer_and_exit() -> None:
    """For a command that computes one answer and exits: no cyclic collection."""
    gc.disable()


def expect_small_matrices() -> None:
    """One thread for matrices that are too small for two, whose second would only wait: a third off a plan's processor
    time. And sums come out the same to the last digit in every process: threads that share one change its rounding.
    Takes effect when called before numpy is imported.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def point_chainlit_to(root: Path, secret: str) -> None:
    """Chainlit takes its folder and the key of its sign-ins from the environment, when it is imported."""
    os.environ["CHAINLIT_APP_ROOT"] = str(root)
    os.environ["CHAINLIT_AUTH_SECRET"] = secret
