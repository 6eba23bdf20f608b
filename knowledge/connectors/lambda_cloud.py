"""Lambda's instance types, with a key; prices in cents an hour for the whole machine."""

import re
from collections.abc import Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, number, own_list, record
from knowledge.errors import Unavailable

_NAME = re.compile(r"gpu_(?P<count>\d+)x_(?P<card>.+)")


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/instance-types")
    answer = http.get_json(url, headers={"Authorization": f"Bearer {access.keys[connector.name]}"})
    if not isinstance(record(answer).get("data"), Mapping):
        raise Unavailable("the answer has no record data", "the service may have changed its format")
    sheet = own_list(connector, access, "lambda", url)
    for name, row in answer["data"].items():
        _add(sheet, str(name), record(record(row).get("instance_type")), access)
    return sheet.fetched()


def _add(sheet: Sheet, name: str, row: Mapping[str, Any], access: Access) -> None:
    match, cents, specs = _NAME.fullmatch(name), number(row.get("price_cents_per_hour")), record(row.get("specs"))
    if match is None or cents is None:
        sheet.skip(name, "not a machine with GPUs, or without a price")
        return
    said = re.sub(r"^\d+x\s*|[()]", "", str(row.get("gpu_description") or row.get("description") or ""))
    gpu_type = access.gpu(said)[0] or access.gpu(match["card"].replace("_", " "))[0]
    if gpu_type is None:
        sheet.skip(name, f"unknown accelerator {said!r}")
        return
    sheet.machine(
        name,
        cents / 100,
        gpu_type=gpu_type,
        gpu_count=float(match["count"]),
        region="global",
        vcpus=number(specs.get("vcpus")),
        memory_gb=number(specs.get("memory_gib")),
    )


CONNECTOR = Connector(
    "lambda_cloud", Tier.LIVE, "rented GPUs", "https://cloud.lambdalabs.com/api/v1", "SEXTANT_KEY_LAMBDA_CLOUD", _read
)
