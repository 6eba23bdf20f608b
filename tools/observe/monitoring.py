"""The files that put a deployment under observation: what to scrape, alert rules, and a dashboard."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from knowledge.errors import BadInput, Conflict
from knowledge.files import save_as
from knowledge.records import Deployment
from templates.monitoring import monitoring_file
from tools.deploy.specification import read_specification
from tools.observe.alerts import alerts
from tools.observe.dashboard import panels
from tools.observe.observing import own_labels

FILES = ("prometheus.yml", "rules.yml", "dashboard.json")


def monitoring(deployment: Deployment, *, scrape_interval: str = "15s", rate: str = "5m") -> dict[str, str]:
    """Files by name; `rate` is what the dashboard takes rates over: at least four scrapes.

    Raises BadInput for an interval that is none, and Conflict when the deployment does not run.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,4}(ms|s|m)", scrape_interval):
        raise BadInput(f"{scrape_interval[:20]!r} is no interval", "such as 5s, 15s or 1m", field="scrape_interval")
    if not deployment.endpoints:
        raise Conflict(f"deployment {deployment.deployment_id} does not run ({deployment.state})", "deploy it first")
    spec, labels = read_specification(deployment.spec), own_labels(deployment)
    drawn = panels(
        spec,
        labels,
        gpu_labels=labels,
        replicas=len(deployment.endpoints),
        factor=deployment.time_factor,
        rate=rate,
    )
    return {
        "prometheus.yml": monitoring_file(
            "prometheus.yml",
            scrape_interval=scrape_interval,
            targets=[urlsplit(endpoint).netloc for endpoint in deployment.endpoints],
            labels={"deployment": deployment.deployment_id},
        ),
        "rules.yml": monitoring_file(
            "rules.yml",
            deployment_id=deployment.deployment_id,
            alerts=alerts(spec, labels, factor=deployment.time_factor),
        ),
        "dashboard.json": _pretty(
            monitoring_file(
                "dashboard.json",
                deployment_id=deployment.deployment_id,
                title=f"{deployment.model_id} ({deployment.deployment_id})",
                panels=drawn,
            )
        ),
    }


def write_files(files: dict[str, str], folder: Path) -> tuple[Path, ...]:
    """Write each file whole or not at all; BadInput when the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}", "choose another folder", field="out") from error
    for name, text in files.items():
        save_as(folder / name, text, field="out")
    return tuple(folder / name for name in files)


def _pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
